"""Look after a journal: verify it, back it up, write it out for other tools."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from sqlalchemy import func, select

from leverd.adapters.sql_journal import daily, database, doors, migrate
from leverd.adapters.sql_journal.codec import encode
from leverd.adapters.sql_journal.rows import entry_of, scan
from leverd.adapters.sql_journal.schema import EVENTS
from leverd.adapters.sql_journal.server import Server
from leverd.errors import OwnerError
from leverd.interfaces.journal import Entry

_PAGES: Final = 256
"""Pages copied between two looks at the daemon's writes."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a whole reading of a journal found."""

    entries: int
    last_seq: int


def verify(path: Path) -> Verified:
    """Read everything, rows, days and file structure, and return what is there.

    Raises:
        JournalDamagedError: something is missing or is not what was written.
        OwnerError: there is no journal.
    """
    found = _entries_of(path)
    with database.translated(path), database.reading(path).connect() as connection:
        daily.stored_days(connection)
    return found


def _entries_of(path: Path) -> Verified:
    """Read every entry and the file's structure; see `verify`."""
    database.check_exists(path)
    entries = last_seq = 0
    with database.translated(path), database.reading(path).connect() as connection:
        migrate.check(connection)
        for row in scan(connection):
            last_seq = entry_of(row).seq
            entries += 1
        found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if found != "ok":
        raise database.damaged_file(path, str(found))
    return Verified(entries, last_seq)


def newest(place: Path | Server) -> int:
    """Return the number of the last entry of a journal, or of a copy; 0 where there is none.

    Raises:
        JournalError: its tables are not of this leverd's shape.
        UnreachableError: the server does not answer.
    """
    door = doors.checked(place)
    try:
        with door.begin() as connection:
            return int(connection.execute(select(func.max(EVENTS.c.seq))).scalar() or 0)
    finally:
        door.close()


def verify_copy(server: Server) -> Verified:
    """Read every entry of a journal's copy and return what is there.

    Raises:
        JournalDamagedError: something is missing or is not what was written.
        UnreachableError: the server does not answer.
    """
    entries = last_seq = 0
    door = doors.checked(server)
    try:
        with door.begin() as connection:
            for row in scan(connection):
                last_seq = entry_of(row).seq
                entries += 1
    finally:
        door.close()
    return Verified(entries, last_seq)


def backup(path: Path, to: Path, progress: Callable[[int, int], None] | None = None) -> Verified:
    """Copy the journal to `to`, also while a daemon writes, and verify the copy.

    `progress` is told (pages left, pages in all).

    Raises:
        OwnerError: something is at `to` already.
    """
    database.check_exists(path)
    if to.exists():
        raise OwnerError("something is there already", number=20, place=str(to))
    half = to.with_name(f"{to.name}.copying")
    database.begin_anew(half)
    with (
        database.translated(path),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(half)) as target,
    ):
        source.backup(
            target, pages=_PAGES, progress=lambda _, left, total: (progress or _silent)(left, total)
        )
    verified = _entries_of(half)  # days are not what a journal is brought back for
    for beside in (database.wal_path(half), database.shm_path(half)):
        beside.unlink(missing_ok=True)  # made by reading; the copy itself is whole
    database.replace_durably(half, to)
    return verified


def export(place: Path | Server, to: TextIO) -> int:
    """Write every entry of a journal or a copy to `to`, one JSON object a line; return how many."""
    count = 0
    with closing(doors.checked(place)) as door, door.begin() as connection:
        for row in scan(connection):
            to.write(json.dumps(as_json(entry_of(row))) + "\n")
            count += 1
    return count


def as_json(entry: Entry) -> dict[str, Any]:
    """Return `entry` as plain JSON; whole numbers beyond 2**53 are decimal strings."""
    body = encode(entry.event)
    return {
        "seq": entry.seq,
        "written_at": entry.written_at.isoformat(),
        "chain_at": entry.chain_at,
        "kind": body.kind,
        "version": body.version,
        "event": json.loads(body.text),
    }


def upgrade(path: Path) -> None:
    """Bring the journal's tables to the newest shape; needs no daemon running.

    Raises:
        JournalError: a newer leverd made them.
    """
    database.check_exists(path)
    with (
        database.translated(path),
        database.writing(path).connect() as connection,
        connection.begin(),
    ):
        migrate.upgrade(connection)


def _silent(_left: int, _total: int) -> None:
    """Ignore progress."""
