"""Bound a journal's history without changing what folding it gives.

Flows, orders of the owner, completed plans and everything about open slots and open plans
stay. Runs of P&L marks are summed into one. What only tells a story goes: denials, folded
holds, alerts, superseded decisions, the payloads of slots that are final.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy import Connection, delete, func, insert, select, update

from leverd.adapters.sql_journal import database, migrate
from leverd.adapters.sql_journal.codec import encode
from leverd.adapters.sql_journal.rows import entry_of, insert_bodies, microseconds, row_of, scan
from leverd.adapters.sql_journal.schema import EVENTS, PRUNES
from leverd.domain.events import (
    AlertRaised,
    AttemptPublished,
    AttemptSigned,
    DaemonStarted,
    DaemonStopped,
    DecisionTaken,
    ExternalChanged,
    HoldsFolded,
    JournalPruned,
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    PlanDenied,
    PnlRecorded,
    PositionAdopted,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
    StepAccepted,
    StepVerified,
)
from leverd.interfaces.clock import Clock
from leverd.interfaces.journal import Entry

_STORIES: Final = (AlertRaised, DaemonStarted, DaemonStopped, HoldsFolded, PlanDenied)
_SLOTS: Final = (
    AttemptSigned,
    AttemptPublished,
    SlotIncluded,
    SlotReorganised,
    SlotFinal,
    SlotLost,
)
_BREAKS: Final = (PlanCompleted, ExternalChanged, PositionAdopted)
_BALANCES: Final = (StepVerified, StepAccepted, PlanCompleted, ExternalChanged, PositionAdopted)
_DAYS_MIN: Final = 2
"""Entries of the current and the last UTC day carry daily budgets."""
_DAY_S: Final = 86_400
_BATCH: Final = 500

Slot: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did."""

    through: int  # the last seq it looked at
    dropped: int
    kept: int


@dataclass(slots=True)
class _Scan:
    """What one reading of the old entries learns."""

    closed_slots: set[Slot] = field(default_factory=set)
    newest_slot: dict[str, int] = field(default_factory=dict)  # by signer
    closed_plans: set[str] = field(default_factory=set)
    aborted_plans: set[str] = field(default_factory=set)
    decided: dict[str, int] = field(default_factory=dict)  # position -> seq of its last decision
    verified: dict[str, int] = field(default_factory=dict)  # position -> seq of its last step
    marks: dict[int, Entry] = field(default_factory=dict)  # marks to keep, sums carried over
    runs: dict[str, list[Entry]] = field(default_factory=dict)  # position -> its current run
    closing: set[str] = field(default_factory=set)  # the next mark ends a position's story
    payers: dict[Slot, str] = field(default_factory=dict)  # slot -> position
    paid: dict[Slot, int] = field(default_factory=dict)  # slot -> seq of its inclusion
    marked: dict[str, int] = field(default_factory=dict)  # position -> seq of its last mark
    owing: set[str] = field(default_factory=set)  # positions with debt, as far as it has read
    begun: set[str] = field(default_factory=set)  # positions that were marked
    edges: set[int] = field(default_factory=set)  # seqs at which a debt began or ended

    def is_settled(self, slot: Slot) -> bool:
        """Return whether nothing can change about `slot` and a mark has counted its gas."""
        marked = self.marked.get(self.payers.get(slot, ""), 0)
        return slot in self.closed_slots and marked > self.paid.get(slot, 0)


def prune(path: Path, clock: Clock, *, keep_days: int) -> Pruned:
    """Drop what is older than `keep_days` of chain time and nothing depends on.

    The caller holds the journal's lock. One transaction: all of it or nothing.

    Raises:
        JournalDamagedError: the journal must be salvaged first.
    """
    database.check_exists(path)
    with database.translated(path), database.writing(path).connect() as connection:
        with connection.begin():
            migrate.check(connection)
            through = _boundary(connection, max(keep_days, _DAYS_MIN))
            done = _prune_through(connection, through, clock)
        if done.dropped:
            # Without room for a smaller copy, the freed pages are used again by what comes.
            with contextlib.suppress(sqlite3.OperationalError):
                connection.connection.cursor().execute("VACUUM")
    return done


def _boundary(connection: Connection, keep_days: int) -> int:
    """Return the last seq that is older than `keep_days` before the newest chain time."""
    newest: int = connection.execute(select(func.max(EVENTS.c.chain_at))).scalar() or 0
    young = EVENTS.c.chain_at > newest - keep_days * _DAY_S
    first = connection.execute(select(func.min(EVENTS.c.seq)).where(young)).scalar()
    return 0 if first is None else int(first) - 1


def _prune_through(connection: Connection, through: int, clock: Clock) -> Pruned:
    seen = _Scan()
    old: list[tuple[int, bool]] = []
    gas = 0
    for row in scan(connection):
        entry = entry_of(row)
        _learn(seen, entry, old=entry.seq <= through)
    for run in seen.runs.values():
        _close_run(seen, run)
    for row in scan(connection):
        if row.seq > through:
            break
        entry = entry_of(row)
        needed = _is_needed(seen, entry)
        gas += 0 if needed else _paid(entry)
        old.append((entry.seq, needed))
    dropped = [seq for seq, needed in old if not needed]
    if not dropped:
        return Pruned(through, 0, len(old))
    _rewrite(connection, seen.marks.values())
    for start in range(0, len(dropped), _BATCH):
        batch = dropped[start : start + _BATCH]
        connection.execute(delete(EVENTS).where(EVENTS.c.seq.in_(batch)))
    kept = len(old) - len(dropped)
    connection.execute(delete(PRUNES).where(PRUNES.c.through <= through))
    connection.execute(insert(PRUNES).values(through=through, kept=kept))
    note = JournalPruned(through, len(dropped), kept, gas)
    insert_bodies(connection, [encode(note)], microseconds(clock.now()), 0)
    return Pruned(through, len(dropped), kept)


def _learn(seen: _Scan, entry: Entry, *, old: bool) -> None:
    match entry.event:
        case SlotFinal(slot=slot, signer=signer) if old:
            seen.closed_slots.add((signer, slot))
        case AttemptSigned(slot=slot, signer=signer, position_id=position_id):
            seen.newest_slot[signer] = max(slot, seen.newest_slot.get(signer, slot))
            seen.payers[signer, slot] = position_id
        case SlotIncluded(slot=slot, signer=signer):
            seen.paid[signer, slot] = entry.seq
        case PnlRecorded(position_id=position_id):
            seen.marked[position_id] = entry.seq
        case PlanCompleted(plan_id=plan_id) | PlanAborted(plan_id=plan_id) if old:
            seen.closed_plans.add(plan_id)
            if isinstance(entry.event, PlanAborted):
                seen.aborted_plans.add(plan_id)
        case DecisionTaken(position_id=position_id):
            seen.decided[position_id] = entry.seq
        case StepVerified(position_id=position_id) | StepAccepted(position_id=position_id):
            seen.verified[position_id] = entry.seq
        case _:
            pass
    if old:
        _learn_edge(seen, entry)
        _learn_mark(seen, entry)


def _learn_edge(seen: _Scan, entry: Entry) -> None:
    """Notice where a debt begins or ends: orders count from the mark before it."""
    event = entry.event
    if not isinstance(event, _BALANCES):
        return
    owes = any(event.snapshot.owed.values())
    if owes != (event.position_id in seen.owing):
        (seen.owing.add if owes else seen.owing.discard)(event.position_id)
        seen.edges.add(entry.seq)
        _close_run(seen, seen.runs.pop(event.position_id, []))


def _learn_mark(seen: _Scan, entry: Entry) -> None:
    event = entry.event
    if isinstance(event, _BREAKS):
        _close_run(seen, seen.runs.pop(event.position_id, []))
    if isinstance(event, PlanCompleted):
        seen.closing.add(event.position_id)
    elif isinstance(event, PnlRecorded):
        first = event.position_id not in seen.begun
        seen.begun.add(event.position_id)
        if first or event.position_id in seen.closing:
            # what an adopted position counts from, or what says win or loss: it stays as it is
            seen.closing.discard(event.position_id)
            seen.marks[entry.seq] = entry
        else:
            seen.runs.setdefault(event.position_id, []).append(entry)


def _close_run(seen: _Scan, run: list[Entry]) -> None:
    """Keep the mark at the highest unit price and the last one, with the sums of the others."""
    peak = max(run, key=_unit_price, default=None)
    carried: dict[str, int] = {}
    flow = 0
    for entry in run:
        event = entry.event
        assert isinstance(event, PnlRecorded), "runs are of marks"
        for line, amount in event.attribution.items():
            carried[line] = carried.get(line, 0) + amount
        flow += event.flow
        if entry is peak or entry is run[-1]:
            summed = replace(event, attribution=carried, flow=flow)
            seen.marks[entry.seq] = replace(entry, event=summed)
            carried, flow = {}, 0


def _unit_price(entry: Entry) -> int:
    assert isinstance(entry.event, PnlRecorded), "runs are of marks"
    return entry.event.unit_price


def _is_needed(seen: _Scan, entry: Entry) -> bool:
    event = entry.event
    if isinstance(event, _STORIES):
        return False
    if isinstance(event, _SLOTS):
        newest = seen.newest_slot.get(event.signer) == event.slot
        return newest or not seen.is_settled((event.signer, event.slot))
    match event:
        case DecisionTaken(position_id=position_id):
            return seen.decided[position_id] == entry.seq
        case StepVerified() | StepAccepted():
            position_id, plan_id = event.position_id, event.plan_id
            last = seen.verified[position_id] == entry.seq
            return last or entry.seq in seen.edges or plan_id not in seen.closed_plans
        case PlanApproved(plan_id=plan_id) | PlanAborted(plan_id=plan_id):
            return plan_id not in seen.aborted_plans
        case PnlRecorded():
            return entry.seq in seen.marks
        case _:
            return True


def _paid(entry: Entry) -> int:
    """Return the wei that an inclusion paid: a paper purse is what the settings say, less that."""
    event = entry.event
    return event.gas_used * event.gas_price if isinstance(event, SlotIncluded) else 0


def _rewrite(connection: Connection, marks: Iterable[Entry]) -> None:
    for entry in marks:
        at = microseconds(entry.written_at)
        row = row_of(entry.seq, at, entry.chain_at, encode(entry.event))
        connection.execute(update(EVENTS).where(EVENTS.c.seq == entry.seq).values(row))
