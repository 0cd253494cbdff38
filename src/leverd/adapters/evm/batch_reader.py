"""Reads of one block, in as few calls as the node's gas cap allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from leverd.adapters.evm import answers, batch, codes, revert_reasons, wire
from leverd.adapters.evm.sources import Sources
from leverd.adapters.evm.transport import Answer, Ask, RpcError, TooLongError
from leverd.errors import NonsenseError
from leverd.interfaces.chain_client import Call, Head, Reply

T = TypeVar("T")

_CALLS_MAX: Final = 8_192
"""Calls in one `aggregate3` to begin with: about 4 MB of JSON, below geth's 5 MB."""

_CALLS_MIN: Final = 16
"""A call that fails in a batch this small does not fail for want of gas."""

_PARTED_MIN: Final = 2
"""Calls of a request that can be made in parts."""


@dataclass(frozen=True, slots=True)
class Pin:
    """The block that reads are made at."""

    head: Head


class _TooLargeError(Exception):
    """A batch ran into the node's gas cap. Never leaves this module."""


class _NoHashesError(Exception):
    """The node does not take block hashes. Never leaves this module."""


class BatchReader:
    """Splits, asks and joins; remembers what the node can take."""

    def __init__(self, multicall: str) -> None:
        self._multicall = multicall
        self._facts = batch.facts(multicall)
        self._calls_max = _CALLS_MAX
        self._takes_hashes = True
        self._request_max = 2**20  # calls in one request, until a node finds that too long
        self._encoded: dict[int, tuple[tuple[Call, ...], str]] = {}

    async def newest(
        self,
        sources: Sources,
        calls: Sequence[Call],
        asks: Sequence[Ask],
        parse: Callable[[Sequence[Answer]], tuple[Head, T]],
    ) -> tuple[Head, tuple[Reply, ...] | None, T]:
        """Return the newest header, replies of that very block, and `parse`'s other answers.

        Replies are None when a block arrived in between, or when all calls together are too
        long for one request; both are then to be made pinned to the header. One request.

        Raises:
            TooLongError: the node takes no request so long, and there is nothing to leave out.
        """
        apart = len(calls) > self._request_max
        wanted: Sequence[Call] = () if apart else calls

        def both(
            got: Sequence[Answer],
        ) -> tuple[Head, tuple[Reply, ...] | None, T]:
            head, other = parse(got[: len(asks)])
            replies = self._joined(wanted, got[len(asks) :], head)
            return head, None if apart else replies, other

        try:
            return await self._fitting(
                wanted, lambda: sources.read((*asks, *self._asks(wanted, "latest")), both)
            )
        except TooLongError:
            if len(wanted) < _PARTED_MIN:
                raise
            self._request_max = len(calls) // 2
        return await self.newest(sources, calls, asks, parse)

    async def pinned(self, sources: Sources, calls: Sequence[Call], pin: Pin) -> tuple[Reply, ...]:
        """Return replies as of `pin`, in as few requests as the node takes.

        Raises:
            NonsenseError: the node answered from another block, or a call failed that may not.
            TooLongError: the node does not take one call alone.
        """
        replies: list[Reply] = []
        while len(replies) < len(calls):
            part = calls if len(calls) <= self._request_max else calls[len(replies) :]
            part = part[: self._request_max]
            try:
                replies += await self._pinned(sources, part, pin)
            except TooLongError:
                if len(part) < _PARTED_MIN:
                    raise
                self._request_max = len(part) // 2
        return tuple(replies)

    async def _pinned(self, sources: Sources, calls: Sequence[Call], pin: Pin) -> tuple[Reply, ...]:
        head = pin.head

        def all_of(got: Sequence[Answer]) -> tuple[Reply, ...]:
            if self._takes_hashes and any(_refuses_hash(answer) for answer in got):
                raise _NoHashesError
            replies = self._joined(calls, got, head)
            if replies is None:
                raise NonsenseError(
                    f"block {head.number} was asked for and another one answered",
                    number=codes.OTHER_ANSWER,
                    remedy="wait for the reorganisation to settle, or use one node",
                )
            return replies

        try:
            return await self._fitting(
                calls, lambda: sources.read(self._asks(calls, self._at(head)), all_of)
            )
        except _NoHashesError:
            self._takes_hashes = False
        return await self._pinned(sources, calls, pin)

    def _at(self, head: Head) -> object:
        """Return the block parameter for `head` (EIP-1898 where the node knows it)."""
        if self._takes_hashes:
            return {"blockHash": head.block_hash, "requireCanonical": True}
        return hex(head.number)

    async def _fitting(self, calls: Sequence[Call], attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what `attempt` returns, halving the batches until they fit."""
        before = self._calls_max
        while True:
            try:
                return await attempt()
            except _TooLargeError as error:
                largest = min(self._calls_max, len(calls) + batch.FACTS)
                if largest <= _CALLS_MIN:
                    self._calls_max = before
                    raise NonsenseError(
                        f"the node does not run a batch of {largest} calls",
                        number=codes.READ_FAILED,
                        remedy="check Multicall3's address and the node's gas cap for calls",
                    ) from error
                self._calls_max = max(largest // 2, _CALLS_MIN)

    def _asks(self, calls: Sequence[Call], at: object) -> list[Ask]:
        return [
            Ask("eth_call", ({"to": self._multicall, "data": data}, at))
            for data in self._payloads(calls)
        ]

    def _payloads(self, calls: Sequence[Call]) -> list[str]:
        """Return the calldata of each batch.

        Turns repeat their calls, so the last calldata of each batch is kept; comparing the
        same objects costs next to nothing.
        """
        parts = self._parts(calls)
        payloads = []
        for place, part in enumerate(parts):
            known, payload = self._encoded.get(place, ((), ""))
            if not payload or known != part:
                payload = "0x" + batch.encode((*self._facts, *part)).hex()
                self._encoded[place] = (part, payload)
            payloads.append(payload)
        for place in range(len(parts), len(self._encoded)):
            self._encoded.pop(place, None)
        return payloads

    def _parts(self, calls: Sequence[Call]) -> list[tuple[Call, ...]]:
        size = self._calls_max - batch.FACTS
        return [tuple(calls[at : at + size]) for at in range(0, max(len(calls), 1), size)]

    def _joined(
        self, calls: Sequence[Call], got: Sequence[Answer], head: Head
    ) -> tuple[Reply, ...] | None:
        """Return all replies, None if any batch is not from `head`."""
        replies: list[Reply] = []
        parts = self._parts(calls)
        if len(parts) != len(got):  # the size changed while another read was under way
            raise _TooLargeError
        for part, answer in zip(parts, got, strict=True):
            if isinstance(answer, RpcError):
                raise _execution_failure(answer)
            found = batch.decode(wire.data(answer), len(part) + batch.FACTS)
            if not batch.is_from(head, found):
                return None
            _check(part, found[batch.FACTS :])
            replies += found[batch.FACTS :]
        return tuple(replies)


def _refuses_hash(answer: Answer) -> bool:
    """Return whether a node does not know the parameter; one that forgot the block does."""
    if not isinstance(answer, RpcError) or answers.is_forgotten(answer):
        return False
    return answer.code == answers.INVALID_PARAMS


def _execution_failure(error: RpcError) -> Exception:
    """Return what to make of a whole batch that failed: each call in it may fail alone."""
    if answers.is_forgotten(error):
        return answers.failure(error)
    if answers.ran_out(error) or answers.revert_data(error) is not None:
        return _TooLargeError()
    return answers.failure(error)


def _check(calls: Sequence[Call], replies: Sequence[Reply]) -> None:
    for call, reply in zip(calls, replies, strict=True):
        if reply.succeeded or call.may_fail:
            continue
        if not reply.data and len(calls) > _CALLS_MIN:
            raise _TooLargeError  # the last of the gas went to the calls before it
        raise NonsenseError(
            f"a read of {call.to} failed: {revert_reasons.name(reply.data)}"
            f" (selector {call.data[:4].hex()})",
            number=codes.READ_FAILED,
            remedy="check that the address is the contract it is named for",
        )
