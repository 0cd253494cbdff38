"""Time, as the program is allowed to see it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time and the only way to wait.

    Chain time is in the view. `now` is wall time for stamps and logs; `monotonic` serves
    deadlines, backoff and watchdogs; neither decides about money.
    """

    def now(self) -> datetime:
        """Return the current wall time, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed on this clock."""
        ...
