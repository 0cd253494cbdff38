"""Bring a journal's file up to its copy, where another daemon has gone on with the story.

What the file has and the copy lacks was written by a daemon that lost the lease before it was
shipped. Where the copy has gone on, the two tell different stories from there: the file is put
aside as it is, nothing of it is deleted, and the copy's story is taken. What those last entries
did on chain is found there, as after any loss. Two that never had anything in common are two
owners' mistake, but for one that was lost in its first life, before any of it was shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select

from leverd.adapters.sql_journal import aside, database, doors, restoring, upkeep
from leverd.adapters.sql_journal.rows import entry_of, scan
from leverd.adapters.sql_journal.schema import BINDING, DAYS, EVENTS, PRUNES
from leverd.adapters.sql_journal.server import Server
from leverd.adapters.sql_journal.taking_back import take_back
from leverd.adapters.sql_journal.tenure import RAN_OUT, TAKEN
from leverd.domain.events import AlertRaised, DaemonStarted
from leverd.errors import JournalForeignError

OTHER_STORY: Final = 17
"""The number of the error that says that two journals never had anything in common."""

SET_ASIDE: Final = "LVD-JRN-018"

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Followed:
    """What it took."""

    entries: int  # taken from the copy
    last: int  # the last entry of the file now, 0 where there is no file
    ahead: int = 0  # entries of the file that the copy lacks; the next holder here ships them
    set_aside: Path | None = None  # the folder that an older story was moved to


def follow(path: Path, server: Server) -> Followed:
    """Make the journal at `path` tell what its copy tells. The caller holds the journal's lock.

    Raises:
        UnreachableError: the server does not answer; call again, nothing comes twice.
        JournalForeignError: the copy is of another chain or mode, or shares no entry with the file.
        JournalDamagedError: one of the two is damaged.
    """
    if not path.exists() and not database.wal_path(path).exists():
        return _begun(path, server)
    upkeep.upgrade(path)
    followed = _gone_on(path, server)
    if followed is not None:
        return followed
    folder = aside.moved_aside(path)
    found = _begun(path, server)
    return Followed(found.entries, found.last, set_aside=folder)


def _begun(path: Path, server: Server) -> Followed:
    """Make the file from the copy; none where nothing was ever copied."""
    if not _is_begun(server):
        return Followed(0, 0)
    made = restoring.restore_copy(server, path)
    return Followed(made.entries, made.last_seq)


def _is_begun(server: Server) -> bool:
    copy = doors.checked(server)
    try:
        with copy.begin() as source:
            return source.execute(select(BINDING.c.id)).first() is not None
    finally:
        copy.close()


def _gone_on(path: Path, server: Server) -> Followed | None:
    """Take what is new in the copy; return None where the two stories part."""
    copy = doors.checked(server)
    try:
        file = doors.writing(path)
        try:
            with copy.begin() as source, file.begin() as target:
                return _taken(source, target, server)
        finally:
            file.close()
    finally:
        copy.close()


def _taken(source: Connection, target: Connection, server: Server) -> Followed | None:
    _check_binding(source, target, server)
    mine, theirs = _newest(target), _newest(source)
    last = _last(target)
    if theirs is None:
        return Followed(0, last, ahead=_count_after(target, 0))
    if _has(target, theirs) or _is_pruned(target, theirs):
        return Followed(0, last, ahead=_count_after(target, theirs.seq))
    if mine is None or (last < theirs.seq and _has(source, mine)):
        taken = _append(source, target, last)
        _take_days(source, target)
        return Followed(taken, int(theirs.seq))
    if not (_share_a_story(source, target) or _is_of_one_tenure(target)):
        raise JournalForeignError(
            f"this journal and the copy at {server.name} have no entry in common",
            number=OTHER_STORY,
            place="journal.path",
            remedy="name another file under journal.path, or an empty database for this one",
        )
    return None


def _check_binding(source: Connection, target: Connection, server: Server) -> None:
    theirs = source.execute(select(BINDING)).mappings().first()
    mine = target.execute(select(BINDING)).mappings().first()
    if theirs is None or mine is None:
        if theirs is not None:
            target.execute(insert(BINDING).values(**theirs))
        return
    if dict(theirs) != dict(mine):
        raise JournalForeignError(
            f"the copy at {server.name} is not this journal's: it belongs to another chain or mode",
            number=14,
            place="journal.copy_to",
            remedy="name an empty database, or another file under journal.path",
        )


def _append(source: Connection, target: Connection, last: int) -> int:
    """Append the copy's entries past `last`, with what is missing among them on purpose."""
    past = select(PRUNES.c.through).where(PRUNES.c.through > last).order_by(PRUNES.c.through)
    gaps = source.execute(past).scalars().all()
    if gaps:
        take_back(target, source, last)
    count = 0
    batch: list[dict[str, object]] = []
    for row in scan(source, after=last):
        batch.append(dict(zip(EVENTS.c.keys(), row, strict=True)))
        count += 1
        if len(batch) == _BATCH:
            target.execute(insert(EVENTS), batch)
            batch = []
    if batch:
        target.execute(insert(EVENTS), batch)
    for through in gaps:
        kept = _count(target, EVENTS.c.seq <= through)
        target.execute(insert(PRUNES).values(through=through, kept=kept))
    return count


def _take_days(source: Connection, target: Connection) -> None:
    """Take what pruning kept of days, where the copy's goes further than ours."""
    if _days_through(source) > _days_through(target):
        rows = [dict(row) for row in source.execute(select(DAYS)).mappings()]
        target.execute(delete(DAYS))
        target.execute(insert(DAYS), rows)


def _days_through(connection: Connection) -> int:
    """Return the last entry that a day kept by pruning counts, 0 for none."""
    return int(connection.execute(select(func.max(DAYS.c.through))).scalar() or 0)


def _share_a_story(source: Connection, target: Connection) -> bool:
    """Return whether any entry is the same in both, looking from the newest that both may have."""
    before = min(_last(source), _last(target)) + 1
    while True:
        here = select(EVENTS.c.seq, EVENTS.c.digest).where(EVENTS.c.seq < before)
        rows = target.execute(here.order_by(EVENTS.c.seq.desc()).limit(_BATCH)).all()
        if not rows:
            return False
        seqs = [row.seq for row in rows]
        there = select(EVENTS.c.seq, EVENTS.c.digest).where(EVENTS.c.seq.in_(seqs))
        if {tuple(row) for row in rows} & {tuple(row) for row in source.execute(there)}:
            return True
        before = seqs[-1]


def _is_of_one_tenure(target: Connection) -> bool:
    """Return whether the file was begun by one of two daemons, and never started again.

    Its holder was stopped, or cut off, before the copy had its first entry.
    """
    starts = _count(target, EVENTS.c.kind == DaemonStarted.__name__)
    alerts = select(EVENTS).where(EVENTS.c.kind == AlertRaised.__name__).order_by(EVENTS.c.seq)
    first = target.execute(alerts.limit(1)).first()
    said = None if first is None else entry_of(first).event
    begun = isinstance(said, AlertRaised) and said.code in {RAN_OUT, TAKEN}
    return begun and starts <= 1


def _newest(connection: Connection) -> Row[Any] | None:
    return connection.execute(select(EVENTS).order_by(EVENTS.c.seq.desc()).limit(1)).first()


def _last(connection: Connection) -> int:
    """Return the number of the newest entry, 0 for none."""
    newest = _newest(connection)
    return 0 if newest is None else int(newest.seq)


def _has(connection: Connection, entry: Row[Any]) -> bool:
    found = connection.execute(select(EVENTS.c.digest).where(EVENTS.c.seq == entry.seq)).scalar()
    return bool(found == entry.digest)


def _is_pruned(target: Connection, entry: Row[Any]) -> bool:
    """Return whether the file had that entry, and pruning took it."""
    through = target.execute(select(func.max(PRUNES.c.through))).scalar() or 0
    gone = _count(target, EVENTS.c.seq == entry.seq) == 0
    return bool(gone and entry.seq <= through)


def _count_after(connection: Connection, seq: int) -> int:
    return _count(connection, EVENTS.c.seq > seq)


def _count(connection: Connection, those: Any) -> int:
    found = connection.execute(select(func.count()).select_from(EVENTS).where(those)).scalar()
    return int(found or 0)
