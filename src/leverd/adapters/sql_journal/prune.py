"""Bound a journal's history without changing what folding it gives.

Flows, orders of the owner, completed plans, failures in a row and everything about open
slots and open plans stay. Runs of P&L marks are summed into one. What only tells a story
goes: denials, folded holds, alerts, superseded decisions, the payloads of slots that are final.
Before that, what the old entries say of each day and position is kept as one row.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from leverd.adapters.sql_journal import daily, database, migrate
from leverd.adapters.sql_journal.codec import encode
from leverd.adapters.sql_journal.needs import Needs
from leverd.adapters.sql_journal.rows import (
    entry_of,
    insert_bodies,
    microseconds,
    pruned,
    row_of,
    scan,
)
from leverd.adapters.sql_journal.schema import EVENTS, PRUNES
from leverd.domain.events import Event, JournalPruned
from leverd.domain.slot_events import SlotIncluded
from leverd.interfaces.clock import Clock
from leverd.interfaces.journal import Entry

_COUNTED: Final = frozenset({"PnlRecorded", "PlanCompleted"})
_DAYS_MIN: Final = 2
"""Entries of the current and the last UTC day carry daily budgets."""
_DAY_S: Final = 86_400
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did."""

    through: int  # the last seq it looked at
    dropped: int
    kept: int
    is_behind: bool = False  # an earlier pruning reached further: nothing was looked at


def prune(path: Path, clock: Clock, *, keep_days: int) -> Pruned:
    """Drop what is older than `keep_days` of chain time and nothing depends on.

    The caller holds the journal's lock. One transaction: all of it or nothing. Nothing is
    dropped where an earlier pruning reached further.

    Raises:
        JournalDamagedError: the journal must be salvaged first.
    """
    database.check_exists(path)
    with database.translated(path), database.writing(path).connect() as connection:
        with connection.begin():
            migrate.check(connection)
            now = microseconds(clock.now()) // 10**6
            through = _boundary(connection, max(keep_days, _DAYS_MIN), now)
            done = _prune_through(connection, through, clock)
        if done.dropped:
            # Without room for a smaller copy, the freed pages are used again by what comes.
            with contextlib.suppress(sqlite3.OperationalError):
                connection.connection.cursor().execute("VACUUM")
    return done


def _boundary(connection: Connection, keep_days: int, now: int) -> int:
    """Return the last seq that is older than `keep_days` before the newest chain time.

    A chain time far ahead of our clock, for which one node's lie is enough, makes nothing old.
    """
    told = EVENTS.c.chain_at <= now + _DAY_S
    newest = connection.execute(select(func.max(EVENTS.c.chain_at)).where(told)).scalar() or 0
    young = told & (EVENTS.c.chain_at > newest - keep_days * _DAY_S)
    first = connection.execute(select(func.min(EVENTS.c.seq)).where(young)).scalar()
    return 0 if first is None else int(first) - 1


def _prune_through(connection: Connection, through: int, clock: Clock) -> Pruned:
    reached, left = pruned(connection)
    if through < reached:
        # The count kept by that pruning, of entries beyond this one, would be true no more.
        return Pruned(reached, 0, left, is_behind=True)
    needs = Needs()
    old: list[tuple[int, bool]] = []
    gas = 0
    for row in scan(connection):
        entry = entry_of(row)
        needs.learn(entry, old=entry.seq <= through)
    needs.runs.end_all()
    for row in scan(connection):
        if row.seq > through:
            break
        entry = entry_of(row)
        needed = needs.is_needed(entry)
        gas += 0 if needed else _paid(entry)
        old.append((entry.seq, needed))
    dropped = [seq for seq, needed in old if not needed]
    if not dropped:
        return Pruned(through, 0, len(old))
    daily.keep_days(connection, _counted(connection, through), through)
    _rewrite(connection, needs.runs.kept.values())
    for start in range(0, len(dropped), _BATCH):
        batch = dropped[start : start + _BATCH]
        connection.execute(delete(EVENTS).where(EVENTS.c.seq.in_(batch)))
    kept = len(old) - len(dropped)
    connection.execute(delete(PRUNES).where(PRUNES.c.through <= through))
    connection.execute(insert(PRUNES).values(through=through, kept=kept))
    note = JournalPruned(through, len(dropped), kept, gas)
    insert_bodies(connection, [encode(note)], microseconds(clock.now()), 0)
    return Pruned(through, len(dropped), kept)


def _paid(entry: Entry) -> int:
    """Return the wei that an inclusion paid: a paper purse is what the settings say, less that."""
    event = entry.event
    return event.paid if isinstance(event, SlotIncluded) else 0


def _counted(connection: Connection, through: int) -> Iterator[tuple[int, Event]]:
    """Yield what days are counted from, up to `through`."""
    for row in scan(connection):
        if row.seq > through:
            return
        if row.kind in _COUNTED:
            yield row.seq, entry_of(row).event


def _rewrite(connection: Connection, marks: Iterable[Entry]) -> None:
    for entry in marks:
        at = microseconds(entry.written_at)
        row = row_of(entry.seq, at, entry.chain_at, encode(entry.event))
        connection.execute(update(EVENTS).where(EVENTS.c.seq == entry.seq).values(row))
