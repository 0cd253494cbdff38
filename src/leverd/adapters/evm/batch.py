"""Many reads in one call: Multicall3's `aggregate3`, packed and unpacked by hand.

The general ABI codec takes seconds for ten thousand calls; this takes milliseconds. The
calls about the block itself come first, so that an answer proves which block it is from.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from leverd.adapters.evm import abi
from leverd.interfaces.chain_client import Call, Head, Reply

MULTICALL3: Final = "0xcA11bde05977b3631167028862bE2a173976CA11"
"""Where Multicall3 lives on every chain leverd knows."""

_AGGREGATE3: Final = abi.selector("aggregate3((address,bool,bytes)[])")
_BLOCK_NUMBER: Final = abi.selector("getBlockNumber()")
_TIMESTAMP: Final = abi.selector("getCurrentBlockTimestamp()")
_PARENT_HASH: Final = abi.selector("getLastBlockHash()")
_ETH_BALANCE: Final = abi.Function("getEthBalance(address)")

FACTS: Final = 3
"""How many replies at the front are about the block."""

_WORD: Final = abi.WORD
_TRUE: Final = abi.uint_word(1)
_DATA_AT: Final = abi.uint_word(3 * _WORD)
_LOW: Final = struct.Struct(">24xQ")


def facts(multicall: str) -> tuple[Call, ...]:
    """Return the calls that tell which block answers: number, time, parent hash."""
    return tuple(Call(multicall, data) for data in (_BLOCK_NUMBER, _TIMESTAMP, _PARENT_HASH))


def balance(multicall: str, address: str) -> Call:
    """Return the call for a native balance, wei."""
    return Call(multicall, _ETH_BALANCE.of_address(address))


def is_from(head: Head, replies: Sequence[Reply]) -> bool:
    """Return whether `replies`, which begin with the facts, are from the block `head`."""
    if not all(reply.succeeded for reply in replies[:FACTS]):
        return False
    number, at, parent = (reply.data for reply in replies[:FACTS])
    return (
        abi.word(number) == head.number
        and abi.word(at) == head.at
        and parent[:_WORD].hex() == head.parent_hash[2:]
    )


def encode(calls: Sequence[Call]) -> bytes:
    """Return calldata of `aggregate3` for all `calls`, each of which may fail alone."""
    offsets, structs = [], []
    at = len(calls) * _WORD
    for call in calls:
        data = call.data
        padding = b"\0" * (-len(data) % _WORD)
        offsets.append(abi.uint_word(at))
        structs.append(
            b"".join(
                (
                    abi.address_word(call.to),
                    _TRUE,
                    _DATA_AT,
                    abi.uint_word(len(data)),
                    data,
                    padding,
                )
            )
        )
        at += 4 * _WORD + len(data) + len(padding)
    head = (_AGGREGATE3, abi.uint_word(_WORD), abi.uint_word(len(calls)))
    return b"".join((*head, *offsets, *structs))


def decode(data: bytes, count: int) -> tuple[Reply, ...]:
    """Return the `count` replies in what `aggregate3` returned.

    Raises:
        NonsenseError: it is something else.
    """
    if len(data) % _WORD:
        raise abi.malformed("a batch cut short")
    # The low half of every word at once; offsets and lengths never need more.
    low = [one for (one,) in _LOW.iter_unpack(data)]
    try:
        return _replies(data, low, count)
    except IndexError:
        raise abi.malformed("a batch that points beyond its end") from None


def _replies(data: bytes, low: list[int], count: int) -> tuple[Reply, ...]:
    start = _place(low[0])
    if low[start] != count:
        raise abi.malformed(f"replies to {count} calls")
    base = start + 1
    replies = []
    for i in range(count):
        at = base + _place(low[base + i])
        succeeded, inner = low[at], at + _place(low[at + 1])
        begin = (inner + 1) * _WORD
        end = begin + low[inner]
        if succeeded > 1 or end > len(data):
            raise abi.malformed("a batch that does not parse")
        replies.append(Reply(succeeded == 1, data[begin:end]))
    return tuple(replies)


def _place(offset: int) -> int:
    """Return the word that `offset` bytes point at."""
    if offset % _WORD:
        raise abi.malformed("a batch that points between words")
    return offset // _WORD
