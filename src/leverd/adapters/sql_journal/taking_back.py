"""Take back what another's pruning counts again, where it pruned what was never shipped.

Its marks past the newest entry here are sums of marks that are here already, and its note of the
gas that dropped inclusions paid counts inclusions that are here. Nothing is taken back where
entries only went missing there: a copy keeps its years.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, func, select

from leverd.adapters.sql_journal.needs import SLOTS
from leverd.adapters.sql_journal.schema import EVENTS

_SLOTS: Final = [kind.__name__ for kind in SLOTS]
_BATCH: Final = 500


def take_back(here: Connection, there: Connection, last: int) -> None:
    """Drop from `here`, whose newest entry is `last`, what the entries to come count again."""
    _take_back_marks(here, there, last)
    _take_back_slots(here, there, last)


def _take_back_marks(here: Connection, there: Connection, last: int) -> None:
    """Drop the marks after the last one that both have: the next one there is the sum of them."""
    marks = (EVENTS.c.kind == "PnlRecorded") & (EVENTS.c.seq <= last)
    ends = select(EVENTS.c.position_id, func.max(EVENTS.c.seq)).where(marks)
    for position, end in there.execute(ends.group_by(EVENTS.c.position_id)).all():
        later = (EVENTS.c.position_id == position) & (EVENTS.c.seq > end)
        here.execute(delete(EVENTS).where(marks & later))


def _take_back_slots(here: Connection, there: Connection, last: int) -> None:
    """Drop what slots did that was dropped there: no slot looks open, no gas is paid twice."""
    slots = select(EVENTS.c.seq).where(EVENTS.c.kind.in_(_SLOTS) & (EVENTS.c.seq <= last))
    kept = set(there.execute(slots).scalars())
    gone = [seq for seq in here.execute(slots).scalars() if seq not in kept]
    for start in range(0, len(gone), _BATCH):
        here.execute(delete(EVENTS).where(EVENTS.c.seq.in_(gone[start : start + _BATCH])))
