"""Bring a journal back: from a backup, or from its copy on a server."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import insert, select

from leverd.adapters.sql_journal import database, doors, upkeep
from leverd.adapters.sql_journal.rows import scan
from leverd.adapters.sql_journal.schema import BINDING, DAYS, EVENTS, PRUNES
from leverd.adapters.sql_journal.server import Server
from leverd.adapters.sql_journal.upkeep import Verified
from leverd.errors import OwnerError

_BATCH: Final = 500


def restore_backup(backup: Path, to: Path) -> Verified:
    """Make the journal at `to` from a backup; whole or not at all.

    Raises:
        OwnerError: there is no backup, or a journal is at `to` already.
        JournalDamagedError: the backup is damaged.
    """
    check_room(to)
    return upkeep.backup(backup, to)


def restore_copy(server: Server, to: Path) -> Verified:
    """Make the journal at `to` from its copy; whole or not at all.

    What the copy lacks, because it lagged when the file was lost, the next start finds on chain.

    Raises:
        OwnerError: a journal is at `to` already.
        UnreachableError: the server does not answer.
        JournalDamagedError: the copy is damaged.
    """
    check_room(to)
    half = to.with_name(f"{to.name}.restoring")
    database.begin_anew(half)
    database.create(half)
    copy, file = doors.checked(server), doors.writing(half)
    try:
        with copy.begin() as source, file.begin() as target:
            for table in (BINDING, PRUNES, DAYS):
                rows = [dict(row) for row in source.execute(select(table)).mappings()]
                if rows:
                    target.execute(insert(table), rows)
            batch: list[dict[str, object]] = []
            for row in scan(source):
                batch.append(dict(zip(EVENTS.c.keys(), row, strict=True)))
                if len(batch) == _BATCH:
                    target.execute(insert(EVENTS), batch)
                    batch = []
            if batch:
                target.execute(insert(EVENTS), batch)
    finally:
        copy.close()
        file.close()
    return put_in_place(half, to)


def put_in_place(half: Path, to: Path) -> Verified:
    """Verify the journal at `half` while it becomes the one at `to`; nothing is left of `half`."""
    found = upkeep.backup(half, to)
    database.discard(half)
    return found


def check_room(to: Path) -> None:
    """Check that no journal, nor what is left of one, is at `to`."""
    if to.exists() or database.wal_path(to).exists():
        raise OwnerError(
            "a journal is there already",
            number=26,
            place=str(to),
            remedy="move it away first, with what lies beside it",
        )
