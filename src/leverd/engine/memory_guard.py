"""Watch our own memory: warn, shrink, and at a ceiling ask for an orderly restart."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import psutil

_MIB = 1 << 20

_GROWN_MIB = 32
"""What has come since the last shrinking that makes another worth its while."""


class Pressure(StrEnum):
    """How much room is left."""

    EASY = "easy"
    WARM = "warm"
    """Above the warning line, with caches shrunk and garbage collected."""

    FULL = "full"
    """At the ceiling: stop in an orderly way, so that the supervisor starts us afresh."""


@dataclass(slots=True)
class MemoryGuard:
    """Looks at the resident size once a turn.

    What stays above the line is not shrunk again each turn: to collect the garbage of a large
    process takes longer than a turn. Only growth, or the ceiling, is worth another try.
    """

    warn_mib: int
    stop_mib: int
    shrink: Sequence[Callable[[], None]] = ()
    _left: int = field(default=0, init=False)  # MiB, after the last shrinking; 0 below the line

    def used_mib(self) -> int:
        """Return the resident size of this process in MiB."""
        return int(psutil.Process().memory_info().rss) // _MIB

    def check(self) -> Pressure:
        """Return the pressure, having shrunk what can be shrunk where that may help."""
        used = self.used_mib()
        if used < self.warn_mib:
            self._left = 0
            return Pressure.EASY
        if not self._left or used >= min(self._left + _GROWN_MIB, self.stop_mib):
            for release in self.shrink:
                release()
            gc.collect()
            used = self._left = self.used_mib()
        return Pressure.FULL if used >= self.stop_mib else Pressure.WARM
