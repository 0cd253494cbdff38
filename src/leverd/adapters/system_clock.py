"""The real clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


def lasting() -> float:
    """Return seconds that never go back and pass while the machine sleeps, from some start."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SystemClock:
    """Wall time, monotonic time and the event loop's waiting."""

    def now(self) -> datetime:
        """Return the current wall time, aware UTC."""
        return datetime.now(UTC)  # noqa: TID251 -- this is the Clock

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        return time.monotonic()  # noqa: TID251 -- this is the Clock

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed."""
        await asyncio.sleep(seconds)
