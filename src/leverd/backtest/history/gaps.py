"""Time of which a file says nothing."""

from __future__ import annotations

from dataclasses import dataclass

from leverd.backtest.history.words import moment, span


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are missing, or a value that was held for long."""

    line: int  # of the row after it; of the last row, where none follows
    since: int  # the first second that is missing
    until: int
    bars: int = 0  # how many are missing; of a held value 0

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.until - self.since

    def __str__(self) -> str:
        return f"{moment(self.since)} to {moment(self.until)}, {span(self.seconds)}"
