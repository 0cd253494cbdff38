"""What a signed transaction says about itself, read from its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from eth_account import Account
from eth_hash.auto import keccak

_STRING: Final = 0x80
_LONG_STRING: Final = 0xB7
_LIST: Final = 0xC0
_LONG_LIST: Final = 0xF7
_ACCESS_LIST: Final = 1
_DYNAMIC_FEE: Final = 2


@dataclass(frozen=True, slots=True)
class RawTransaction:
    """A signed payload and the fields that a pool goes by; fees in wei per gas."""

    payload: str  # 0x-prefixed
    tx_hash: str
    sender: str
    nonce: int
    max_fee: int
    tip: int
    gas: int
    value: int
    chain_id: int | None = None  # None: a legacy one, whose signature holds it

    @property
    def cost(self) -> int:
        """The most it may take from its sender, wei."""
        return self.gas * self.max_fee + self.value


def read_raw(payload: str) -> RawTransaction:
    """Return `payload` understood.

    Raises:
        ValueError: it is no signed legacy, access-list or dynamic-fee transaction.
    """
    data = bytes.fromhex(payload.removeprefix("0x"))
    words = _named_words(data)
    try:
        sender: str = Account.recover_transaction(payload)
    except Exception as error:  # the library raises whatever its parts raise
        raise ValueError("invalid sender") from error
    numbers = {name: int.from_bytes(word, "big") for name, word in words.items()}
    price = numbers.get("price", 0)
    return RawTransaction(
        payload=payload,
        tx_hash="0x" + keccak(data).hex(),
        sender=sender,
        nonce=numbers["nonce"],
        max_fee=numbers.get("max_fee", price),
        tip=numbers.get("tip", price),
        gas=numbers["gas"],
        value=numbers["value"],
        chain_id=numbers.get("chain"),
    )


def _named_words(data: bytes) -> dict[str, bytes]:
    """Return the fields that matter here by name, each as its big-endian bytes."""
    if not data:
        raise ValueError("empty")
    names: tuple[str, ...]
    if data[0] >= _LIST:
        names, body = ("nonce", "price", "gas", "to", "value"), data
    elif data[0] == _ACCESS_LIST:
        names, body = ("chain", "nonce", "price", "gas", "to", "value"), data[1:]
    elif data[0] == _DYNAMIC_FEE:
        names, body = ("chain", "nonce", "tip", "max_fee", "gas", "to", "value"), data[1:]
    else:
        raise ValueError("transaction type not supported")
    words = _decoded(body)
    if len(words) <= len(names) or not all(isinstance(word, bytes) for word in words[: len(names)]):
        raise ValueError("rlp: too few elements")
    return dict(zip(names, words, strict=False))


def _decoded(data: bytes) -> list[Any]:
    item, rest = _item(data)
    if rest or not isinstance(item, list):
        raise ValueError("rlp: expected one list")
    return item


def _item(data: bytes) -> tuple[Any, bytes]:
    """Return the first RLP item and what follows it (yellow paper, appendix B)."""
    if not data:
        raise ValueError("rlp: too short")
    first = data[0]
    if first < _STRING:
        return data[:1], data[1:]
    is_list = first >= _LIST
    short, long = (_LIST, _LONG_LIST) if is_list else (_STRING, _LONG_STRING)
    if first <= long:
        start, size = 1, first - short
    else:
        start = 1 + first - long
        size = int.from_bytes(data[1:start], "big")
    body, rest = data[start : start + size], data[start + size :]
    if len(body) != size:
        raise ValueError("rlp: too short")
    return (_items(body) if is_list else body), rest


def _items(body: bytes) -> list[Any]:
    items = []
    while body:
        item, body = _item(body)
        items.append(item)
    return items
