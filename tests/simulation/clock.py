"""The daemon's clock: the loop's time, and a wall clock that jumps."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from tests.worlds import NOON


class LoopClock:
    """A `Clock` on a virtual loop; `skew` is how wrong the wall clock is, seconds."""

    def __init__(self, loop):
        self._loop, self.skew = loop, 0.0

    def now(self):
        return datetime.fromtimestamp(NOON + self._loop.time() + self.skew, UTC)

    def monotonic(self):
        return self._loop.time()

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)


class LifeClock:
    """The same clock, for one life."""

    def __init__(self, clock, life):
        self._clock, self._life = clock, life
        self.now, self.monotonic = clock.now, clock.monotonic

    async def sleep(self, seconds):
        self._life.step("sleep")
        await self._clock.sleep(seconds)
        self._life.step("wake")
