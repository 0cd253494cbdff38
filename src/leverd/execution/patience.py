"""Put up with silence: every call has a deadline, and no answer is no reason to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from loguru import logger

from leverd.errors import NonsenseError, UnreachableError


@asynccontextmanager
async def answered(seconds: float) -> AsyncIterator[None]:
    """Give what is inside `seconds` of wall time.

    Raises:
        UnreachableError: they were not enough; what was asked may or may not have happened.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise UnreachableError(
            f"no answer within {seconds} s; the outcome is unknown", number=1
        ) from error


@contextmanager
def put_up_with(what: str) -> Iterator[None]:
    """Log that nothing could be learned about `what`, and go on: it is asked again."""
    try:
        yield
    except (UnreachableError, NonsenseError) as error:
        logger.warning("{}: nothing learned: {}", what, error)
