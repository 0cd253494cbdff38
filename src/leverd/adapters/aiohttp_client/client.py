"""One session for every service; each origin behind a breaker of its own."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from random import Random
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from loguru import logger
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from leverd.adapters.aiohttp_client import codes
from leverd.adapters.aiohttp_client.exchange import NotNowError, Question, exchange, host, session
from leverd.adapters.aiohttp_client.pauses import Patience, asked_pause_s
from leverd.errors import BreakerOpenError, NonsenseError, SecretError, UnreachableError
from leverd.interfaces.breaker import Breaker, Circuit
from leverd.interfaces.clock import Clock
from leverd.interfaces.http_client import NONE, Headers, HttpAnswer
from leverd.interfaces.secrets import Secret

BYTES_MAX: Final = 4 * 2**20
"""Answers longer than this are refused, unless a client is made for longer ones."""

PATIENT: Final = Patience()
_ORIGINS_MAX: Final = 256  # breakers kept; settings name a handful of services


class AiohttpClient:
    """See `HttpClient`. `chance` spreads the waits of many daemons; nothing else depends on it."""

    def __init__(
        self,
        clock: Clock,
        chance: Random,
        *,
        patience: Patience = PATIENT,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        self._clock, self._chance = clock, chance
        self._patience, self._bytes_max = patience, bytes_max
        self._session: aiohttp.ClientSession | None = None
        self._breakers: dict[str, Breaker] = {}

    async def read(
        self,
        url: str,
        *,
        params: Mapping[str, str] = NONE,
        headers: Headers = NONE,
        deadline_s: float | None = None,
    ) -> HttpAnswer:
        """Return the answer to a GET; see `HttpClient.read`."""
        question = Question("GET", url, params, _revealed(headers, url))
        deadline = self._clock.monotonic() + (deadline_s or self._patience.deadline_s)
        breaker = self._breaker(url)

        def is_over(state: RetryCallState) -> bool:
            """Return whether another try would be too late, or would not be let through."""
            again_at = self._clock.monotonic() + state.upcoming_sleep
            return again_at >= deadline or breaker.circuit(again_at) is Circuit.OPEN

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(UnreachableError),
            wait=self._wait_s,
            stop=is_over,
            sleep=self._clock.sleep,
            before_sleep=_say,
            reraise=True,
        )
        return await retrying(self._try, question, deadline)

    async def send(
        self,
        url: str,
        body: bytes,
        *,
        headers: Headers = NONE,
        deadline_s: float | None = None,
    ) -> HttpAnswer:
        """Return the answer to a POST that is made at most once; see `HttpClient.send`."""
        question = Question("POST", url, NONE, _revealed(headers, url), body)
        deadline = self._clock.monotonic() + (deadline_s or self._patience.deadline_s)
        try:
            return await self._try(question, deadline)
        except NonsenseError as error:
            raise UnreachableError(
                f"{error.message}; the outcome is unknown", number=error.number, place=error.place
            ) from error

    def circuits(self) -> Mapping[str, str]:
        """Return what the breaker of each origin lets through now, by host."""
        now = self._clock.monotonic()
        return {f"http {name}": one.circuit(now) for name, one in sorted(self._breakers.items())}

    async def close(self) -> None:
        """Release the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _try(self, question: Question, deadline: float) -> HttpAnswer:
        """Return the answer of one exchange, counted by the breaker."""
        breaker, now = self._breaker(question.url), self._clock.monotonic()
        if not breaker.admits(now):
            raise BreakerOpenError(
                "it failed too often, or asked to be left alone for now",
                number=codes.BREAKER_OPEN,
                place=host(question.url),
                remedy="check the service",
            )
        if self._session is None or self._session.closed:
            self._session = session()
        try:
            answer = await exchange(
                self._session, question, max(deadline - now, 0.05), self._bytes_max
            )
        except (UnreachableError, NonsenseError) as error:
            breaker.failed(self._clock.monotonic())
            pause = self._asked_s(error)
            if pause:
                breaker.rest(self._clock.monotonic() + pause)
            raise
        breaker.succeeded()
        return answer

    def _breaker(self, url: str) -> Breaker:
        name = host(url)
        if name not in self._breakers and len(self._breakers) >= _ORIGINS_MAX:
            self._breakers.pop(next(iter(self._breakers)))
        return self._breakers.setdefault(name, Breaker())

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        return self._patience.wait_s(state.attempt_number, self._asked_s(error), self._chance)

    def _asked_s(self, error: BaseException | None) -> float | None:
        if not isinstance(error, NotNowError):
            return None
        return asked_pause_s(error.retry_after, self._clock.now(), self._patience.wait_s_max)


def _revealed(headers: Headers, url: str) -> dict[str, str]:
    """Return `headers` as they are written."""
    secret = any(isinstance(value, Secret) for value in headers.values())
    if secret and urlsplit(url).scheme != "https" and not _is_here(url):
        raise SecretError(
            "a secret would leave this machine unencrypted",
            number=codes.UNENCRYPTED,
            place=host(url),
            remedy="name an https URL",
        )
    return {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in headers.items()
    }


def _is_here(url: str) -> bool:
    name = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _say(state: RetryCallState) -> None:
    """Log that a service does not answer, and when it is asked again; never what it was asked."""
    error = state.outcome.exception() if state.outcome is not None else None
    logger.warning("{}; asking again in {:.1f} s", error, state.upcoming_sleep)
