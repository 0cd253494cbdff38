"""What a journal tells of days and balances, kept as it is read: no request reads it all again."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Final

from leverd.domain.days import Day, Key, counted
from leverd.domain.events import (
    DecisionTaken,
    ExternalChanged,
    JournalPruned,
    PnlRecorded,
    PositionAdopted,
)
from leverd.domain.plan_events import PlanApproved, StepAccepted, StepVerified
from leverd.domain.snapshot import Snapshot
from leverd.domain.spot_events import SpotMarked
from leverd.interfaces.journal import Entry

_BALANCES: Final = (
    PositionAdopted, DecisionTaken, PlanApproved, StepVerified, StepAccepted, ExternalChanged,
    PnlRecorded,
)  # fmt: skip
_KEPT: Final = 4096
"""Numbers of entries with balances that are kept of a position: twice what a line may show."""


class Spread:
    """Numbers at even distances out of all that were added, and the last one. Bounded."""

    def __init__(self, most: int = _KEPT) -> None:
        self._most, self._every, self._added = most, 1, 0
        self._kept: list[int] = []
        self._last = 0

    def add(self, number: int) -> None:
        """Add a number that is larger than those before it."""
        if self._added % self._every == 0:
            self._kept.append(number)
        self._added, self._last = self._added + 1, number
        if len(self._kept) > self._most:
            del self._kept[1::2]
            self._every *= 2

    def numbers(self) -> list[int]:
        """Return what is kept, the first and the last among it."""
        if not self._kept or self._kept[-1] == self._last:
            return list(self._kept)
        return [*self._kept, self._last]


class Chronicle:
    """Days of every position, and the numbers of entries with balances. Safe for many threads.

    `pruned` are days of the entries up to `through`, which pruning left; see `Ledger.pruned_days`.
    """

    def __init__(self, through: int = 0, pruned: Iterable[Day] = ()) -> None:
        self.through = through
        self._pruned = tuple(pruned)
        self._days: dict[Key, Day] = {(each.day, each.position_id): each for each in self._pruned}
        self._balances: dict[str, Spread] = {}
        self._blocks: dict[str, int] = {}  # of the last balances, by position
        self._lock = threading.Lock()
        self.pruned_again = False  # an entry said that the journal was pruned

    @property
    def pruned_until(self) -> int | None:
        """The last day, since 1970, that pruned entries were in; None for none."""
        return max((each.day for each in self._pruned), default=None)

    def note(self, entry: Entry) -> None:
        """Learn from the next entry."""
        event = entry.event
        with self._lock:
            if entry.seq > self.through:
                counted(self._days, event)
            if isinstance(event, _BALANCES):
                self._look(entry.seq, event.position_id, event.snapshot)
            elif isinstance(event, SpotMarked):
                self._balances.setdefault(event.position_id, Spread()).add(entry.seq)
        if isinstance(event, JournalPruned):
            self.pruned_again = True

    def days(self, position: str = "") -> list[Day]:
        """Return the days of a position, or of all, by day and position."""
        with self._lock:
            return [
                self._days[key] for key in sorted(self._days) if not position or key[1] == position
            ]

    def closings(self, position: str) -> Sequence[Snapshot]:
        """Return the balances that a position's pruned days ended with, oldest first."""
        mine = (each for each in self._pruned if each.position_id == position)
        return [last.snapshot for each in mine for last in each.marks]

    def balances(self, position: str) -> Sequence[int]:
        """Return the numbers of entries with a position's balances, spread over all there are."""
        with self._lock:
            spread = self._balances.get(position)
            return [] if spread is None else spread.numbers()

    def _look(self, seq: int, position: str, snapshot: Snapshot) -> None:
        if self._blocks.get(position) == snapshot.block:
            return  # one block is one point of a line
        self._blocks[position] = snapshot.block
        self._balances.setdefault(position, Spread()).add(seq)
