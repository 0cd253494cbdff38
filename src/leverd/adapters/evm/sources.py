"""Asking several nodes: the next at once when one fails, again after a pause, never a send.

The same transaction may be handed to all of them: it has one effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from loguru import logger
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay
from tenacity.wait import wait_exponential, wait_random

from leverd.adapters.evm import codes
from leverd.adapters.evm.abi import malformed
from leverd.adapters.evm.transport import Answer, Ask, Endpoint, TooLongError
from leverd.errors import (
    BreakerOpenError,
    ForgottenError,
    LeverdError,
    NonsenseError,
    RefusedError,
    UnreachableError,
)
from leverd.interfaces.breaker import Breaker, Circuit
from leverd.interfaces.clock import Clock

T = TypeVar("T")

Question: TypeAlias = tuple[Sequence[Ask], Callable[[Sequence[Answer]], T]]
"""What a node is asked, and what is made of its answers."""

_BEHIND_S: Final = 60.0
"""Seconds for which a node that lags is asked last."""

_DOUBTED_S: Final = 60.0
"""Seconds for which a node is asked after those that nobody doubts."""

_ALSO_S: Final = 2.0
"""Seconds for a node that is sent something beside the first: it must not hold that one up."""

_probing: ContextVar[bool] = ContextVar("leverd_evm_probing", default=False)


@contextmanager
def probing() -> Iterator[None]:
    """Let reads inside pass open breakers: a guardian's look is never held back."""
    token = _probing.set(True)
    try:
        yield
    finally:
        _probing.reset(token)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try, and how long to wait between tries; all in seconds."""

    deadline_s: float = 5.0
    wait_s_first: float = 5.0
    wait_s_max: float = 300.0
    jitter_s: float = 1.0


PATIENT: Final = Patience()


class Sources:
    """Nodes of one chain in order of preference, each behind a breaker of its own."""

    def __init__(
        self, endpoints: Sequence[Endpoint], clock: Clock, patience: Patience = PATIENT
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._clock = clock
        self._patience = patience
        self._breakers = {
            endpoint.name: Breaker(
                wait_s_first=patience.wait_s_first, wait_s_max=patience.wait_s_max
            )
            for endpoint in endpoints
        }

        self._behind: dict[str, float] = {}  # name -> until when it is asked last
        self._doubted: dict[str, float] = {}  # name -> until when others are asked before it
        self.answered = self._endpoints[0].name  # who gave the last good answer

    def circuits(self) -> dict[str, str]:
        """Return what the breaker of each node lets through now; one that lags is left alone."""
        now = self._clock.monotonic()
        return {
            f"rpc {endpoint.name}": Circuit.OPEN
            if self._is_behind(endpoint, now)
            else self._breakers[endpoint.name].circuit(now)
            for endpoint in self._endpoints
        }

    def calls(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return by node the requests made so far, and those of them without an answer."""
        asked = {endpoint.name: endpoint.asked for endpoint in self._endpoints}
        return asked, {endpoint.name: endpoint.unanswered for endpoint in self._endpoints}

    def lags(self, name: str) -> None:
        """Ask the node `name` last for a while: another knows its head, and newer ones."""
        if len(self._endpoints) > 1:
            logger.warning("{} is behind the other nodes; it is asked last for a while", name)
            self._behind[name] = self._clock.monotonic() + _BEHIND_S

    def doubt(self, name: str) -> None:
        """Ask other nodes before `name` for a while, looks included: what it says may be wrong.

        It is not said to fail: what it says may as well be so.
        """
        self._doubted[name] = self._clock.monotonic() + _DOUBTED_S

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every node, the preferred first."""
        return self._endpoints

    async def read(
        self,
        asks: Sequence[Ask],
        parse: Callable[[Sequence[Answer]], T],
        *,
        deadline_s: float | None = None,
    ) -> T:
        """Return what `parse` makes of the answers of the first node that gives good ones.

        Raises:
            UnreachableError: no node answered before the deadline.
            NonsenseError: every node that answered, answered what cannot be true.
            TooLongError: a node does not take so long a request; no other was asked.
        """
        return await self.read_from_each(lambda _name: (asks, parse), deadline_s=deadline_s)

    async def read_from_each(
        self, question: Callable[[str], Question[T]], *, deadline_s: float | None = None
    ) -> T:
        """Return what `read` would, where each node, by its name, has a question of its own."""
        patience, clock = self._patience, self._clock
        deadline = clock.monotonic() + (deadline_s or patience.deadline_s)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(UnreachableError),
            wait=wait_exponential(multiplier=patience.wait_s_first, max=patience.wait_s_max)
            + wait_random(0, patience.jitter_s),
            stop=stop_before_delay(deadline_s or patience.deadline_s),
            sleep=clock.sleep,
            before_sleep=_say,
            reraise=True,
        )
        return await retrying(self._round, question, deadline)

    async def ask_others(self, asks: Sequence[Ask], deadline_s: float) -> list[Sequence[Answer]]:
        """Return the answers of every node but the one that answered last, if given in time."""
        now = self._clock.monotonic()
        others = [
            endpoint
            for endpoint in self._endpoints
            if endpoint.name != self.answered and self._breakers[endpoint.name].admits(now)
        ]
        found = await asyncio.gather(*(self._try(one, asks, deadline_s) for one in others))
        return [answers for answers in found if answers is not None]

    async def send(self, ask: Ask, parse: Callable[[Answer, str], T], deadline_s: float) -> T:
        """Return what `parse` makes of one node's answer; asked once and of one node only.

        Raises:
            UnreachableError: no answer; it may have been taken.
            NonsenseError: an answer without sense; it may have been taken too.
        """
        return await self._hand(self._for_send(), ask, parse, deadline_s)

    async def send_to_all(
        self, ask: Ask, parse: Callable[[Answer, str], T], deadline_s: float
    ) -> T:
        """Return what `parse` makes of the answers of every node that may be asked, each once.

        What one of them took is taken. The first has the whole deadline, the others little of it.

        Raises:
            UnreachableError: nobody took it, and not all said no; it may have been taken.
            NonsenseError: the same, for want of sense.
            RefusedError: all of them said no; this is the first's.
        """
        first, now = self._for_send(), self._clock.monotonic()
        others = [
            endpoint
            for endpoint in self._endpoints
            if endpoint is not first and self._breakers[endpoint.name].admits(now)
        ]
        brief = min(deadline_s, _ALSO_S)
        found = await asyncio.gather(
            self._hand(first, ask, parse, deadline_s),
            *(self._hand(endpoint, ask, parse, brief) for endpoint in others),
            return_exceptions=True,
        )
        return _joined(found)

    async def _hand(
        self, endpoint: Endpoint, ask: Ask, parse: Callable[[Answer, str], T], deadline_s: float
    ) -> T:
        try:
            answers = await endpoint.ask((ask,), deadline_s, once=True)
        except (UnreachableError, NonsenseError):
            self._breakers[endpoint.name].failed(self._clock.monotonic())
            raise
        with _making_sense():
            return parse(answers[0], endpoint.name)

    async def close(self) -> None:
        """Release all connections."""
        for endpoint in self._endpoints:
            await endpoint.close()

    async def _round(self, question: Callable[[str], Question[T]], deadline: float) -> T:
        """Return the first good answer of one walk through the nodes."""
        failure: UnreachableError | NonsenseError | None = None
        for position, endpoint in enumerate(self._in_order()):
            now = self._clock.monotonic()
            breaker = self._breakers[endpoint.name]
            if not breaker.admits(now, probe=_probing.get()):
                continue
            share = (deadline - now) / (len(self._endpoints) - position)
            share = min(share, self._patience.deadline_s)  # a long wait is many tries
            asks, parse = question(endpoint.name)
            try:
                answers = await endpoint.ask(asks, max(share, 0.05))
                with _making_sense():
                    result = parse(answers)
            except TooLongError:  # nothing is wrong with it, and less can be asked for
                breaker.succeeded()
                raise
            except ForgottenError as error:  # nothing is wrong with it; another may remember
                error.place = error.place or endpoint.name
                breaker.succeeded()
                failure = _worse(failure, error)
            except (UnreachableError, NonsenseError) as error:
                error.place = error.place or endpoint.name
                breaker.failed(self._clock.monotonic())
                failure = _worse(failure, error)
            else:
                breaker.succeeded()
                self.answered = endpoint.name
                return result
        raise failure or self._all_open()

    async def _try(
        self, endpoint: Endpoint, asks: Sequence[Ask], deadline_s: float
    ) -> Sequence[Answer] | None:
        breaker = self._breakers[endpoint.name]
        try:
            answers = await endpoint.ask(asks, deadline_s)
        except (UnreachableError, NonsenseError):
            breaker.failed(self._clock.monotonic())
            return None
        breaker.succeeded()
        return answers

    def _in_order(self) -> list[Endpoint]:
        """Return the nodes as preferred, but last those that fail or lag: they cost time."""
        now = self._clock.monotonic()

        def poverty(endpoint: Endpoint) -> tuple[bool, bool]:
            circuit = self._breakers[endpoint.name].circuit(now)
            is_poor = circuit is Circuit.OPEN or self._is_behind(endpoint, now)
            return is_poor, now < self._doubted.get(endpoint.name, now)

        return sorted(self._endpoints, key=poverty)

    def _is_behind(self, endpoint: Endpoint, now: float) -> bool:
        return now < self._behind.get(endpoint.name, now)

    def _for_send(self) -> Endpoint:
        """Return the node that answered last, or the next that may be asked."""
        now = self._clock.monotonic()
        for endpoint in sorted(self._in_order(), key=lambda each: each.name != self.answered):
            if self._breakers[endpoint.name].admits(now):
                return endpoint
        return self._endpoints[0]

    def _all_open(self) -> BreakerOpenError:
        names = ", ".join(endpoint.name for endpoint in self._endpoints)
        return BreakerOpenError(
            "every node failed too often and is left alone for now",
            number=codes.BREAKER_OPEN,
            place=names,
            remedy="check the nodes, or add another RPC",
        )


@contextmanager
def _making_sense() -> Iterator[None]:
    """Have an answer of a shape that nobody thought of be one without sense."""
    try:
        yield
    except (TypeError, ValueError, LookupError) as error:
        raise malformed(f"of no known shape ({type(error).__name__})") from error


def _joined(found: Sequence[T | BaseException]) -> T:
    """Return what one of several nodes said that took something, else raise what is not sure."""
    failures = [each for each in found if isinstance(each, BaseException)]
    for each in failures:
        if not isinstance(each, LeverdError):
            raise each  # a bug
    taken = [each for each in found if not isinstance(each, BaseException)]
    if taken:
        return taken[0]
    raise next((each for each in failures if not isinstance(each, RefusedError)), failures[0])


def _say(state: RetryCallState) -> None:
    """Log that a node does not answer, and when it is asked again; never what it was asked."""
    error = state.outcome.exception() if state.outcome is not None else None
    logger.warning("{}; asking again in {:.0f} s", error, state.upcoming_sleep)


def _worse(
    before: UnreachableError | NonsenseError | None, now: UnreachableError | NonsenseError
) -> UnreachableError | NonsenseError:
    """Return the error to report: silence may end, so it outranks nonsense.

    What one node says it forgot stands: the others may be silent for good.
    """
    if isinstance(now, ForgottenError) or before is None:
        return now
    return before if isinstance(before, UnreachableError | ForgottenError) else now
