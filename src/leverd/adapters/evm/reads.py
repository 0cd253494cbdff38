"""Reads that know how to decode themselves, and can be joined into one batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from leverd.adapters.evm import abi
from leverd.interfaces.chain_client import Call, Reply

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """Calls to make in one block, and what their replies mean."""

    calls: tuple[Call, ...]
    decode: Callable[[Sequence[Reply]], T]


def number(to: str, function: abi.Function, *arguments: object) -> Read[int]:
    """Return the read of a function that returns one unsigned number."""
    call = Call(to, function.encode(*arguments) if arguments else function.selector)
    return Read((call,), lambda replies: abi.word(replies[0].data))


def address(to: str, function: abi.Function, *arguments: object) -> Read[str]:
    """Return the read of a function that returns one address."""
    call = Call(to, function.encode(*arguments) if arguments else function.selector)
    return Read((call,), lambda replies: abi.address_of(abi.word(replies[0].data)))


def answers(to: str, function: abi.Function, *arguments: object) -> Read[bool]:
    """Return the read that tells whether `to` knows `function`: it returns at least a word."""
    data = function.encode(*arguments) if arguments else function.selector
    return Read(
        (Call(to, data, may_fail=True),),
        lambda replies: replies[0].succeeded and len(replies[0].data) >= abi.WORD,
    )


def optional(read: Read[T]) -> Read[T | None]:
    """Return `read` with None in place of its value when any of its calls fails."""
    calls = tuple(Call(call.to, call.data, may_fail=True) for call in read.calls)

    def decode(replies: Sequence[Reply]) -> T | None:
        return read.decode(replies) if all(reply.succeeded for reply in replies) else None

    return Read(calls, decode)


def each(reads: Mapping[K, Read[T]]) -> Read[dict[K, T]]:
    """Return one read of all `reads`, by the same keys."""
    joined = together(list(reads.values()))
    return Read(joined.calls, lambda replies: dict(zip(reads, joined.decode(replies), strict=True)))


def together(reads: Sequence[Read[Any]]) -> Read[tuple[Any, ...]]:
    """Return one read of all `reads`, in order."""
    calls = tuple(call for read in reads for call in read.calls)

    def decode(replies: Sequence[Reply]) -> tuple[Any, ...]:
        values, at = [], 0
        for read in reads:
            end = at + len(read.calls)
            values.append(read.decode(replies[at:end]))
            at = end
        return tuple(values)

    return Read(calls, decode)
