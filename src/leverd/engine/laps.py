"""How long each stage of a turn took."""

from __future__ import annotations

from collections.abc import Callable


class Laps:
    """A stopwatch over stages, by a monotonic clock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = self._last = monotonic()
        self.stages: dict[str, float] = {}

    def end(self, stage: str) -> None:
        """Count the time since the last stage to `stage`."""
        now = self._monotonic()
        self.stages[stage] = self.stages.get(stage, 0.0) + now - self._last
        self._last = now

    @property
    def seconds(self) -> float:
        """Return the time from the beginning to the end of the last stage."""
        return self._last - self._began
