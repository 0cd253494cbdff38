"""Contract functions by signature: calldata out, values in.

Everything but strings and arrays is words of 32 bytes, which are read here by hand: a turn
decodes thousands of them, and a malformed answer must be named, not guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from leverd.adapters.evm import codes
from leverd.errors import NonsenseError

WORD = 32


@lru_cache(maxsize=1024)
def selector(signature: str) -> bytes:
    """Return the four bytes that name the function (or error) `name(type,…)`."""
    return bytes(keccak(text=signature)[:4])


@lru_cache(maxsize=256)
def topic(signature: str) -> bytes:
    """Return the 32 bytes that name the event `Name(type,…)`."""
    return bytes(keccak(text=signature))


@lru_cache(maxsize=8192)
def address_word(address: str) -> bytes:
    """Return `address` as a word."""
    return bytes.fromhex(address[2:]).rjust(WORD, b"\0")


def uint_word(value: int) -> bytes:
    """Return a non-negative `value` as a word."""
    return value.to_bytes(WORD, "big")


def words(data: bytes, count: int) -> tuple[int, ...]:
    """Return the first `count` words of `data` as unsigned numbers.

    Raises:
        NonsenseError: there are fewer.
    """
    if len(data) < count * WORD:
        raise malformed(f"{len(data)} bytes where {count * WORD} were due")
    return tuple(int.from_bytes(data[at : at + WORD]) for at in range(0, count * WORD, WORD))


def word(data: bytes) -> int:
    """Return the first word of `data` as an unsigned number."""
    return words(data, 1)[0]


def signed(value: int, bits: int = 256) -> int:
    """Return an unsigned word as the two's complement number of `bits` it holds.

    Raises:
        NonsenseError: it does not fit `bits`.
    """
    number = value - 2**256 if value >= 2**255 else value
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise malformed(f"{number} in an int{bits}")
    return number


@lru_cache(maxsize=4096)  # a look names the same few addresses each time; a hash for each is slow
def address_of(value: int) -> str:
    """Return an unsigned word as a checksum address.

    Raises:
        NonsenseError: it is longer than an address.
    """
    if value >= 2**160:
        raise malformed(f"{value:#x} as an address")
    return str(to_checksum_address(value.to_bytes(20, "big")))


def flag(value: int) -> bool:
    """Return an unsigned word as a bool.

    Raises:
        NonsenseError: it is neither 0 nor 1.
    """
    if value > 1:
        raise malformed(f"{value:#x} as a bool")
    return value == 1


def malformed(what: str, place: str = "") -> NonsenseError:
    """Return the error for an answer that does not parse."""
    return NonsenseError(
        f"malformed answer: {what}",
        number=codes.MALFORMED,
        place=place,
        remedy="check that the RPC is a node of this chain and the addresses are right",
    )


@dataclass(frozen=True, slots=True)
class Function:
    """A function by its signature, e.g. `balanceOf(address)`, and the types it returns."""

    signature: str
    returns: tuple[str, ...] = ()
    selector: bytes = field(init=False)
    _types: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "selector", selector(self.signature))
        object.__setattr__(self, "_types", _split(self.signature[self.signature.index("(") :]))

    def encode(self, *arguments: object) -> bytes:
        """Return the calldata of a call with `arguments`."""
        return self.selector + encode(self._types, arguments)

    def of_address(self, address: str) -> bytes:
        """Return the calldata of a call with one address, without the general encoder."""
        return self.selector + address_word(address)

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """Return the values in return data.

        Raises:
            NonsenseError: the data is not what the function returns.
        """
        try:
            return decode(self.returns, data)
        except (DecodingError, ValueError, OverflowError) as error:
            raise malformed(f"{self.signature} returned {len(data)} bytes") from error


def _split(types: str) -> tuple[str, ...]:
    """Return the members of a parenthesised list, split at its top level."""
    inner, depth, member, members = types[1:-1], 0, "", []
    for letter in inner:
        if letter == "," and depth == 0:
            members.append(member)
            member = ""
            continue
        depth += (letter == "(") - (letter == ")")
        member += letter
    return (*members, member) if member else tuple(members)
