"""Asking again: only what may succeed the next time, with pauses that grow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from loguru import logger
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential, wait_random

from leverd.errors import UnreachableError

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

TRIES: Final = 6
_FIRST_S: Final = 5.0
_MAX_S: Final = 300.0
_JITTER_S: Final = 1.0


async def patiently(
    ask: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep, tries: int = TRIES
) -> T:
    """Return what `ask` answers, asking up to `tries` times while nobody does.

    Raises:
        UnreachableError: nobody answered any of them.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(UnreachableError),
        wait=wait_exponential(multiplier=_FIRST_S, max=_MAX_S) + wait_random(0, _JITTER_S),
        stop=stop_after_attempt(tries),
        sleep=sleep,
        before_sleep=_say,
        reraise=True,
    )

    async def once() -> T:  # a lambda is no coroutine function to tenacity
        return await ask()

    return await retrying(once)


def _say(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    logger.warning("{}; asking again in {:.0f} s", error, state.upcoming_sleep)
