"""All I/O of one EVM chain.

A turn is one HTTP request: the newest header, every read through `aggregate3`, and the
signing key's nonce, in one JSON-RPC batch. The reads tell the number, time and parent of the
block they ran in; if that is not the header's (a block came in between), they are made once
more, pinned to the header's hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from eth_utils.crypto import keccak
from loguru import logger

from leverd.adapters.evm import (
    answers,
    batch,
    codes,
    fees,
    questions,
    refusals,
    replies,
    slot_look,
    wire,
)
from leverd.adapters.evm.batch_reader import BatchReader, Pin
from leverd.adapters.evm.simulation import Rehearsals, Tried
from leverd.adapters.evm.slot_look import Finality, SlotLook
from leverd.adapters.evm.sources import PATIENT, Patience, Sources, probing
from leverd.adapters.evm.transport import Answer, Ask, Endpoint, RpcError
from leverd.errors import NonsenseError, UnreachableError
from leverd.interfaces.chain_client import BatchRead, Call, Head, Receipt, Reply
from leverd.interfaces.clock import Clock

T = TypeVar("T")

_WITNESS_S: Final = 1.0  # a second opinion must not hold the first one up
_LAG_BLOCKS: Final = 3  # a node that far behind another is stuck, not merely later
_RECENT: Final = 4  # blocks whose tips show what is usual


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A batch of reads, and what the same block says about an address."""

    batch: BatchRead
    nonce: int  # mined transactions of the address
    base_fee: int  # wei per gas, of the next block
    priority_fee: int  # wei per gas, the median of what the last blocks took


class EvmClient:
    """A `ChainClient` over JSON-RPC."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        clock: Clock,
        chain_id: int | None = None,
        final_tag: str = "",
        final_depth: int = 2,
        multicall: str = batch.MULTICALL3,
        patience: Patience = PATIENT,
    ) -> None:
        self._sources = Sources([Endpoint(url) for url in urls], clock, patience)
        self._patience = patience
        self._chain_id = chain_id
        self._finality = Finality(final_tag, final_depth)
        self.multicall = multicall
        self._reader = BatchReader(multicall)
        self._rehearsals = Rehearsals(self._sources)

    @property
    def source(self) -> str:
        """The host of the node that answered last, for stamps."""
        return self._sources.answered

    def circuits(self) -> Mapping[str, str]:
        """Return what the breaker of each node lets through now, by the node's name."""
        return self._sources.circuits()

    def calls(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Return by node the requests made so far, and those of them without an answer."""
        return self._sources.calls()

    async def connect(self, *, deadline_s: float) -> int:
        """Return the chain's id, waiting up to `deadline_s` for a node to answer.

        Raises:
            UnreachableError: none did.
            NonsenseError: it is another chain than expected.
        """
        return await self._sources.read((questions.CHAIN,), self._chain_of, deadline_s=deadline_s)

    async def chain_id(self) -> int:
        """Return the chain's id; see `ChainClient`."""
        return await self._sources.read((questions.CHAIN,), self._chain_of)

    async def genesis(self) -> str:
        """Return the hash of block 0, which tells one chain from another of the same id."""
        first = await self.block(0)
        if first is None:
            raise NonsenseError("no block 0", number=codes.MALFORMED, place=self.source)
        return first.block_hash

    async def head(self) -> Head:
        """Return the newest block; see `ChainClient`."""
        return await self._sources.read(
            (questions.header(questions.LATEST),), lambda got: replies.head(got[0])
        )

    async def block(self, number: int) -> Head | None:
        """Return the canonical block of that height; see `ChainClient`."""
        return await self._sources.read(
            (questions.header(hex(number)),), lambda got: replies.maybe_head(got[0])
        )

    async def block_by_hash(self, block_hash: str) -> Head | None:
        """Return the block of that hash, canonical or not, None if the node lost it."""
        ask = Ask("eth_getBlockByHash", (block_hash, False))
        return await self._sources.read((ask,), lambda got: replies.maybe_head(got[0]))

    async def final_number(self) -> int:
        """Return the height at or below which blocks no longer change; see `ChainClient`."""
        asks = (questions.header(questions.LATEST), *self._finality.asks())
        return await self._sources.read(
            asks, lambda got: self._finality.number(replies.head(got[0]), got[1:])
        )

    async def read(self, calls: Sequence[Call], *, head: Head | None = None) -> BatchRead:
        """Return replies to all `calls` from one block; see `ChainClient`."""
        if head is None:
            return (await self._newest(calls, (), lambda _head, _got: None))[0]
        return BatchRead(head, await self._reader.pinned(self._sources, calls, Pin(head)))

    async def snapshot(self, calls: Sequence[Call], address: str) -> Snapshot:
        """Return replies to all `calls` and the nonce of `address`, of the newest block.

        One HTTP request, unless a block arrived while it was answered.
        """
        extra = (
            questions.nonce(address, questions.LATEST),
            questions.history(_RECENT),
            questions.header(questions.LATEST),
        )

        def parse(head: Head, got: Sequence[Answer]) -> tuple[int, Head, tuple[int, int]]:
            return replies.number(got[0]), replies.head(got[2]), replies.recent_fees(got[1], head)

        read, (nonce, then, bids) = await self._newest(calls, extra, parse)
        if then.block_hash != read.head.block_hash:
            nonce = await self._nonce_at(address, read.head)
        return Snapshot(read, nonce, *bids)

    async def witnesses(self, head: Head, address: str, nonce: int) -> int:
        """Return how many nodes name `head` and `nonce` too, the one it is from included.

        If another knows that head and a much newer one, its node lags and is asked last.
        """
        seen_by = self._sources.answered
        asks = (
            questions.header(hex(head.number)),
            questions.nonce(address, hex(head.number)),
            questions.header(questions.LATEST),
        )
        deadline_s = min(self._patience.deadline_s / 2, _WITNESS_S)
        others = await self._sources.ask_others(asks, deadline_s)
        if any(_is_ahead(found, head) for found in others):
            self._sources.lags(seen_by)
        return 1 + sum(_agrees(found, head, nonce) for found in others)

    async def call(self, call: Call, *, sender: str, block: int | None = None) -> Reply:
        """Return what `call` would answer `sender`; see `ChainClient`."""
        ask = Ask("eth_call", (questions.transaction(call, sender), questions.tag(block)))
        return await self._sources.read((ask,), lambda got: replies.reply(got[0]))

    async def replay(self, call: Call, *, sender: str, block: int, at: int) -> Reply:
        """Return what `call` would have answered on top of `block`, at chain time `at`.

        Nodes that cannot set the time answer as of the block's own.
        """
        plain = (questions.transaction(call, sender), hex(block))
        timed = Ask("eth_call", (*plain, {}, {"time": hex(at)}))

        def either(got: Sequence[Answer]) -> Reply:
            usable = not isinstance(got[0], RpcError) or answers.revert_data(got[0]) is not None
            return replies.reply(got[0] if usable else got[1])

        return await self._sources.read((timed, Ask("eth_call", plain)), either)

    async def estimate_gas(self, call: Call, *, sender: str) -> int:
        """Return the gross gas `call` needs on the pending block; see `ChainClient`."""
        ask = Ask("eth_estimateGas", (questions.transaction(call, sender), questions.PENDING))
        return await self._sources.read((ask,), lambda got: replies.gas(got[0]))

    async def rehearse(self, call: Call, *, sender: str) -> int:
        """Return gas enough for `call` on the newest block, before refunds.

        Raises:
            RevertedError: it would revert.
        """
        return (await self.try_out(call, sender=sender, listing=False)).gas

    async def try_out(self, call: Call, *, sender: str, listing: bool) -> Tried:
        """Return what `call` takes on the newest block, with an access list if `listing`.

        Raises:
            RevertedError: it would revert.
        """
        return await self._rehearsals.tried(call, sender, listing=listing)

    async def nonce(self, address: str, *, pending: bool = False) -> int:
        """Return how many transactions of `address` are mined; see `ChainClient`."""
        ask = questions.nonce(address, questions.PENDING if pending else questions.LATEST)
        return await self._sources.read((ask,), lambda got: replies.number(got[0]))

    async def balance(self, address: str) -> int:
        """Return the native balance in wei; see `ChainClient`."""
        ask = Ask("eth_getBalance", (address, questions.LATEST))
        return await self._sources.read((ask,), lambda got: replies.number(got[0]))

    async def code(self, address: str) -> bytes:
        """Return the deployed code; see `ChainClient`."""
        return (await self.codes([address]))[0]

    async def codes(self, addresses: Sequence[str]) -> tuple[bytes, ...]:
        """Return the deployed code at each address, in one request."""
        asks = [Ask("eth_getCode", (address, questions.LATEST)) for address in addresses]
        return await self._sources.read(
            asks, lambda got: tuple(wire.data(answers.value(one)) for one in got)
        )

    async def receipt(self, tx_hash: str) -> Receipt | None:
        """Return the receipt of a mined transaction; see `ChainClient`."""
        ask = Ask("eth_getTransactionReceipt", (tx_hash,))
        return await self._sources.read((ask,), lambda got: replies.maybe_receipt(got[0], tx_hash))

    async def transaction(self, tx_hash: str) -> tuple[Call, str, int] | None:
        """Return a known transaction's call, sender and gas limit."""
        ask = Ask("eth_getTransactionByHash", (tx_hash,))
        return await self._sources.read((ask,), lambda got: replies.maybe_transaction(got[0]))

    async def fee_history(self, blocks: int) -> tuple[int, list[list[int]]]:
        """Return the next block's base fee, and tips at the 20th, 50th and 90th percentile."""
        return await self._sources.read(
            (questions.history(blocks),), lambda got: replies.fee_history(got[0])
        )

    async def recent_fees(self, blocks: int) -> tuple[int, list[list[int]]]:
        """Return what `fee_history` does or, where no node tells it, what the newest block says.

        Without tips, then: a rescue is not left unsent for want of what others paid.
        """
        try:
            return await self.fee_history(blocks)
        except (UnreachableError, NonsenseError) as error:
            logger.warning("no history of fees, the newest block's is taken: {}", error)
        with probing():
            return fees.next_base_fee(await self.head()), []

    async def look(self, address: str, slot: int, tx_hashes: Sequence[str]) -> SlotLook:
        """Return what became of nonce `slot`; see `slot_look.look`."""
        return await slot_look.look(self._sources, self._finality, address, slot, tx_hashes)

    async def send(self, payload: bytes, *, to_all: bool = False) -> None:
        """Hand a signed transaction to the node, or to all nodes; see `ChainClient`."""
        ask = Ask("eth_sendRawTransaction", ("0x" + payload.hex(),))
        expected = "0x" + keccak(payload).hex()

        def taken(answer: Answer, place: str) -> None:
            if isinstance(answer, RpcError):
                if refusals.is_known(answer.message):
                    return
                raise refusals.refusal(answer.code, answer.message, place)
            if wire.digest(answer) != expected:
                raise UnreachableError(
                    "the node confirmed another transaction; the outcome is unknown",
                    number=codes.OTHER_ANSWER,
                    place=place,
                )

        send = self._sources.send_to_all if to_all else self._sources.send
        await send(ask, taken, self._patience.deadline_s)

    async def close(self) -> None:
        """Release connections."""
        await self._sources.close()

    async def _newest(
        self,
        calls: Sequence[Call],
        extra: Sequence[Ask],
        parse: Callable[[Head, Sequence[Answer]], T],
    ) -> tuple[BatchRead, T]:
        """Return replies from the newest block, and what `parse` makes of answers to `extra`."""
        asks = (questions.CHAIN, questions.header(questions.LATEST), *extra)

        def all_of(seen: Sequence[Answer]) -> tuple[Head, T]:
            self._chain_of(seen)
            head = replies.head(seen[1])
            return head, parse(head, seen[2:])

        head, found, other = await self._reader.newest(self._sources, calls, asks, all_of)
        if found is None:
            found = await self._reader.pinned(self._sources, calls, Pin(head))
        return BatchRead(head, found), other

    async def _nonce_at(self, address: str, head: Head) -> int:
        ask = questions.nonce(address, hex(head.number))
        return await self._sources.read((ask,), lambda got: replies.number(got[0]))

    def _chain_of(self, got: Sequence[Answer]) -> int:
        """Return the chain id, which must be the expected one, or the first one seen."""
        seen = replies.number(got[0])
        if self._chain_id is None:
            self._chain_id = seen
        if seen != self._chain_id:
            raise NonsenseError(
                f"the node is on chain {seen}, not {self._chain_id}",
                number=codes.WRONG_CHAIN,
                remedy="point chain.rpc at a node of the chain that chain.id names",
            )
        return seen


def _is_ahead(found: Sequence[Answer], head: Head) -> bool:
    """Return whether another node has `head` in its chain, and newer blocks by far."""
    try:
        same, newest = replies.maybe_head(found[0]), replies.head(found[2])
    except (UnreachableError, NonsenseError):
        return False
    known = same is not None and same.block_hash == head.block_hash
    return known and newest.number >= head.number + _LAG_BLOCKS


def _agrees(found: Sequence[Answer], head: Head, nonce: int) -> bool:
    """Return whether another node names the same block and nonce; nonsense does not agree."""
    try:
        seen = replies.maybe_head(found[0])
        counted = replies.number(found[1])
    except (UnreachableError, NonsenseError):
        return False
    return seen is not None and seen.block_hash == head.block_hash and counted == nonce
