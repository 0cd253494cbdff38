"""Watch our own memory: warn, shrink, and at a ceiling ask for an orderly restart."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import psutil

_MIB = 1 << 20


class Pressure(StrEnum):
    """How much room is left."""

    EASY = "easy"
    WARM = "warm"
    """Above the warning line: caches were shrunk and garbage collected."""

    FULL = "full"
    """At the ceiling: stop in an orderly way, so that the supervisor starts us afresh."""


@dataclass(frozen=True, slots=True)
class MemoryGuard:
    """Looks at the resident size once a turn."""

    warn_mib: int
    stop_mib: int
    shrink: Sequence[Callable[[], None]] = ()

    def used_mib(self) -> int:
        """Return the resident size of this process in MiB."""
        return int(psutil.Process().memory_info().rss) // _MIB

    def check(self) -> Pressure:
        """Return the pressure, having shrunk what can be shrunk when it is above the line."""
        used = self.used_mib()
        if used < self.warn_mib:
            return Pressure.EASY
        for release in self.shrink:
            release()
        gc.collect()
        return Pressure.FULL if self.used_mib() >= self.stop_mib else Pressure.WARM
