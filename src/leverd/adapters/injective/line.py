"""gRPC to one endpoint: a deadline for each call, a breaker, and reads that are asked again."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, Final

import grpc
from grpc import aio
from loguru import logger
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_exponential, wait_random

from leverd.adapters.injective import codes
from leverd.errors import BreakerOpenError, LeverdError, NonsenseError, UnreachableError
from leverd.interfaces.breaker import Breaker, Circuit
from leverd.interfaces.clock import Clock
from leverd.interfaces.veil import redacted

Method = Callable[..., Any]
"""A method of one of injective-py's generated stubs."""

_HEIGHT: Final = "x-cosmos-block-height"
_BYTES_MAX: Final = 16 * 2**20
_SAID_MAX: Final = 200  # characters of a foreign message that are repeated
_NO: Final = frozenset(
    {
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
    }
)
_NOT_YET: Final = ("is not ready", "height in the future", "must be less than or equal")
_CODED: Final = re.compile(r"codespace (\w+) code (\d+)|code=(\d+), .*codespace='(\w+)'")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try, and how long to wait between tries; all in seconds."""

    deadline_s: float = 5.0
    wait_s_first: float = 0.5
    wait_s_max: float = 30.0


PATIENT: Final = Patience()


class SaidNoError(NonsenseError):
    """The endpoint understood, and said no. Never leaves the adapter by this name."""

    def __init__(self, message: str, place: str, status: grpc.StatusCode) -> None:
        super().__init__(message[:_SAID_MAX], number=codes.REFUSED_BY_NODE, place=place)
        self.status = status
        found = _CODED.search(message)
        self.codespace = (found[1] or found[4]) if found else ""
        self.coded = int(found[2] or found[3]) if found else 0


class Line:
    """One endpoint, `host:port`; everything that is asked of it goes through here."""

    def __init__(
        self, target: str, clock: Clock, *, tls: bool, patience: Patience = PATIENT
    ) -> None:
        self.name = target
        self._target, self._tls = target, tls
        self._clock, self._patience = clock, patience
        self._breaker = Breaker()
        self._channel: aio.Channel | None = None

    @property
    def channel(self) -> aio.Channel:
        """The open channel, made when it is first needed: inside the running loop."""
        if self._channel is None:
            options = [("grpc.max_receive_message_length", _BYTES_MAX)]
            self._channel = (
                aio.secure_channel(self._target, grpc.ssl_channel_credentials(), options)
                if self._tls
                else aio.insecure_channel(self._target, options)
            )
        return self._channel

    def circuit(self) -> str:
        """Return what its breaker lets through now."""
        return self._breaker.circuit(self._clock.monotonic())

    async def read(self, method: Method, request: object, *, height: int | None = None) -> Any:
        """Return the answer to a read, of one block if `height` names one.

        Raises:
            UnreachableError: no answer before the deadline.
            NonsenseError: the endpoint said no.
        """
        return (await self.read_at(method, request, height=height))[0]

    async def read_at(
        self, method: Method, request: object, *, height: int | None = None
    ) -> tuple[Any, int]:
        """Return the answer to a read, and the block whose state it is of (0: not told)."""
        deadline = self._clock.monotonic() + self._patience.deadline_s
        first = self._patience.wait_s_first

        def is_over(state: RetryCallState) -> bool:
            again_at = self._clock.monotonic() + state.upcoming_sleep
            return again_at >= deadline or self._breaker.circuit(again_at) is Circuit.OPEN

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(UnreachableError),
            wait=wait_exponential(multiplier=first, max=self._patience.wait_s_max)
            + wait_random(0, first),
            stop=is_over,
            sleep=self._clock.sleep,
            before_sleep=_say,
            reraise=True,
        )
        metadata = ((_HEIGHT, str(height)),) if height is not None else ()
        return await retrying(self._ask, method, request, metadata, deadline)

    async def send(self, method: Method, request: object) -> Any:
        """Return the answer to what is sent once.

        Raises:
            UnreachableError: no answer; it may or may not have been done.
            NonsenseError: the endpoint said no.
        """
        deadline = self._clock.monotonic() + self._patience.deadline_s
        return (await self._ask(method, request, (), deadline))[0]

    async def stream(self, method: Method, request: object) -> AsyncGenerator[Any, None]:
        """Return every message of a stream, until it ends.

        Raises:
            UnreachableError: it ended.
        """
        self._admit()
        call = method(request)
        try:
            async for message in call:
                self._breaker.succeeded()
                yield message
        except aio.AioRpcError as error:
            self._breaker.failed(self._clock.monotonic())
            raise translated(error, self.name) from None
        finally:
            call.cancel()
        raise UnreachableError("the stream ended", number=codes.STREAM_ENDED, place=self.name)

    async def close(self) -> None:
        """Release the connection."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    async def _ask(
        self,
        method: Method,
        request: object,
        metadata: tuple[tuple[str, str], ...],
        deadline: float,
    ) -> tuple[Any, int]:
        self._admit()
        seconds = max(deadline - self._clock.monotonic(), 0.05)
        call = method(request, timeout=seconds, metadata=metadata)
        try:
            answer = await call
            told = dict(await call.initial_metadata()).get(_HEIGHT, "")
        except aio.AioRpcError as error:
            found = translated(error, self.name)
            if isinstance(found, UnreachableError):
                self._breaker.failed(self._clock.monotonic())
            else:
                self._breaker.succeeded()
            raise found from None  # its text quotes what was asked
        self._breaker.succeeded()
        return answer, int(told) if told.isdigit() else 0

    def _admit(self) -> None:
        if not self._breaker.admits(self._clock.monotonic()):
            raise BreakerOpenError(
                "it failed too often and is left alone for now",
                number=codes.BREAKER_OPEN,
                place=self.name,
            )


def translated(error: aio.AioRpcError, place: str) -> LeverdError:
    """Return what a failed call means to whoever made it.

    The chain puts its own refusals under the status UNKNOWN, with their number in the text.
    """
    status = error.code()
    text = redacted(str(error.details() or ""))
    if status in _NO or (status is grpc.StatusCode.UNKNOWN and not _is_young(text)):
        return SaidNoError(text, place, status)
    return UnreachableError(
        f"no answer ({status.name.lower()}): {text[:_SAID_MAX]}",
        number=codes.NO_ANSWER,
        place=place,
        remedy="check the endpoint and the network",
    )


def _is_young(text: str) -> bool:
    """Return whether a node says that it does not have the block yet."""
    return any(words in text for words in _NOT_YET)


def _say(state: RetryCallState) -> None:
    """Log that an endpoint does not answer, and when it is asked again; never what was asked."""
    error = state.outcome.exception() if state.outcome is not None else None
    logger.warning("{}; asking again in {:.1f} s", error, state.upcoming_sleep)
