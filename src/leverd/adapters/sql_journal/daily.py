"""Days that pruning leaves of the entries it drops, beside what is left of them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, func, insert, select

from leverd.adapters.sql_journal.codec import read_plain, write_plain
from leverd.adapters.sql_journal.schema import DAYS
from leverd.domain.days import Day, Key, counted
from leverd.domain.events import Event


def counted_through(connection: Connection) -> int:
    """Return the last seq that stored days count; what comes after is counted from entries."""
    return int(connection.execute(select(func.max(DAYS.c.through))).scalar() or 0)


def stored_days(connection: Connection, position_id: str = "") -> list[Day]:
    """Return what days pruning left, of one position or all, oldest first.

    Raises:
        JournalDamagedError: one does not parse.
    """
    query = select(DAYS.c.body).order_by(DAYS.c.day, DAYS.c.position_id)
    if position_id:
        query = query.where(DAYS.c.position_id == position_id)
    return [read_plain(Day, body) for (body,) in connection.execute(query)]


def keep_days(connection: Connection, events: Iterable[tuple[int, Event]], through: int) -> None:
    """Put `events`, with their seqs, up to `through` into stored days that do not count them yet.

    An event is put into the day of its own chain time, which an earlier pruning may have begun.
    """
    before = counted_through(connection)
    known = {(each.day, each.position_id): each for each in stored_days(connection)}
    touched: set[Key] = set()
    for seq, event in events:
        key = counted(known, event) if before < seq <= through else None
        if key is not None:
            touched.add(key)
    for day, name in sorted(touched):
        same = (DAYS.c.day == day) & (DAYS.c.position_id == name)
        connection.execute(delete(DAYS).where(same))
        connection.execute(
            insert(DAYS).values(
                day=day,
                position_id=name,
                through=through,
                body=write_plain(known[day, name]),
            )
        )
