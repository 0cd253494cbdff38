"""Runs of P&L marks, of which pruning leaves the highest and the last with the sums of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from leverd.domain.events import ExternalChanged, PnlRecorded, PositionAdopted
from leverd.domain.plan_events import PlanCompleted
from leverd.interfaces.journal import Entry

_BREAKS: Final = (PlanCompleted, ExternalChanged, PositionAdopted)


class MarkRuns:
    """Marks of each position, read oldest first; `kept` are those that stay, by their seqs."""

    def __init__(self) -> None:
        self.kept: dict[int, Entry] = {}
        self._runs: dict[str, list[Entry]] = {}  # position -> its current run
        self._closing: set[str] = set()  # the next mark ends a position's story
        self._begun: set[str] = set()  # positions that were marked

    def learn(self, entry: Entry) -> None:
        """Put a mark into its run; end the run at what no sum may reach across."""
        event = entry.event
        if isinstance(event, _BREAKS):
            self.end(event.position_id)
        if isinstance(event, PlanCompleted):
            self._closing.add(event.position_id)
        elif isinstance(event, PnlRecorded):
            self._mark(entry, event.position_id)

    def end(self, position: str) -> None:
        """Keep the mark at the highest unit price and the last one, with the sums of the others."""
        self._keep(self._runs.pop(position, []))

    def end_all(self) -> None:
        """End every run: there is no more to come."""
        for position in list(self._runs):
            self.end(position)

    def _mark(self, entry: Entry, position: str) -> None:
        first = position not in self._begun
        self._begun.add(position)
        if first or position in self._closing or _marked(entry).flow:
            # what an adopted position counts from, what says win or loss, or when money came or
            # went: it stays as it is
            self.end(position)
            self._closing.discard(position)
            self.kept[entry.seq] = entry
        else:
            self._runs.setdefault(position, []).append(entry)

    def _keep(self, run: list[Entry]) -> None:
        peak = max(run, key=_unit_price, default=None)
        stretch: list[Entry] = []
        for entry in run:
            stretch.append(entry)
            if entry is peak or entry is run[-1]:
                self.kept[entry.seq] = _summed(stretch)
                stretch = []


def _summed(stretch: Sequence[Entry]) -> Entry:
    """Return the last of some marks with the attribution and flows of all."""
    marks = [_marked(each) for each in stretch]
    lines: dict[str, int] = {}
    for mark in marks:
        for line, amount in mark.attribution.items():
            lines[line] = lines.get(line, 0) + amount
    flow = sum(mark.flow for mark in marks)
    return replace(stretch[-1], event=replace(marks[-1], attribution=lines, flow=flow))


def _unit_price(entry: Entry) -> int:
    return _marked(entry).unit_price


def _marked(entry: Entry) -> PnlRecorded:
    assert isinstance(entry.event, PnlRecorded), "runs are of marks"
    return entry.event
