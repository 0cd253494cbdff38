"""Keep the whole prefix of a damaged journal and set the rest aside, never silently."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, insert, select

from leverd.adapters.sql_journal import database, upkeep
from leverd.adapters.sql_journal.codec import NEWER, encode, read_plain
from leverd.adapters.sql_journal.lock import acquire_lock, lock_path
from leverd.adapters.sql_journal.rows import (
    entry_of,
    insert_bodies,
    microseconds,
    pruned,
    stored,
)
from leverd.adapters.sql_journal.schema import BINDING, DAYS, EVENTS, PRUNES, REQUESTS
from leverd.domain.days import Day
from leverd.domain.events import AlertRaised
from leverd.errors import JournalDamagedError, JournalError
from leverd.interfaces.clock import Clock

ALERT: Final = "LVD-JRN-020"
"""The code of the alert that a salvaged journal begins anew with."""

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was kept of a damaged journal, and where all of it still is."""

    kept: int  # whole entries
    last_seq: int  # of the last of them, 0 for none
    reason: str
    quarantine: Path  # folder with the damaged files as they were


def salvage(path: Path, clock: Clock) -> Salvage | None:
    """Return what was kept of the journal at `path`, None when nothing is wrong with it.

    Whatever instant the process dies at, the next opening finds the old or the new journal
    whole, and the damaged files stay in the quarantine folder.

    Raises:
        JournalLockedError: a daemon has it open.
    """
    with acquire_lock(lock_path(path), what=f"the journal {path}"):
        finish(path)
        reason = damage(path)
        if reason is None:
            return None
        quarantine = _set_aside(path)
        kept, last_seq = _rebuild(path, quarantine / path.name, reason, clock)
        finish(path)
    return Salvage(kept, last_seq, reason.message, quarantine)


def damage(path: Path) -> JournalDamagedError | None:
    """Return why the journal cannot be used wholly, None when it can.

    What no entry stands on may be broken too, and then nothing can be added.
    """
    try:
        upkeep.verify(path)
    except JournalDamagedError as error:
        return error
    return None


def finish(path: Path) -> None:
    """Put a salvaged journal in its place, if one is ready; else do nothing."""
    ready = _ready(path)
    if ready.exists():
        # The old log must be gone first: SQLite would replay it into the new file.
        database.wal_path(path).unlink(missing_ok=True)
        database.shm_path(path).unlink(missing_ok=True)
        database.sync_folder(path.parent)
        database.replace_durably(ready, path)


def _ready(path: Path) -> Path:
    return path.with_name(f"{path.name}.salvaged")


def _set_aside(path: Path) -> Path:
    """Return a new folder with durable copies of the journal's files."""
    number = 1
    while (folder := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    folder.mkdir(mode=0o700)
    for each in (path, database.wal_path(path)):
        if each.exists():
            copy = folder / each.name
            half = shutil.copy2(each, folder / f"{each.name}.copying")
            database.replace_durably(Path(half), copy)
    database.sync_folder(folder.parent)
    return folder


def _rebuild(
    path: Path, damaged: Path, reason: JournalDamagedError, clock: Clock
) -> tuple[int, int]:
    """Write the prefix of `damaged` to a new journal, ready for `finish`."""
    half = path.with_name(f"{path.name}.salvaging")
    database.begin_anew(half)
    database.create(half)
    kept, last_seq = 0, 0
    with database.translated(half), database.writing(half).connect() as new:
        for batch in _batches(_prefix(damaged)):
            with new.begin():
                new.execute(insert(EVENTS), [row._asdict() for row in batch])
            kept, last_seq = kept + len(batch), batch[-1].seq
        with new.begin():
            _carry_over(damaged, new, last_seq)
            _say_so(new, damaged, reason, kept, clock)
    database.replace_durably(half, _ready(path))
    return kept, last_seq


def _prefix(damaged: Path) -> Iterator[Row[Any]]:
    """Yield the whole entries of `damaged`, up to the first that is missing or broken."""
    try:
        with _opened(damaged) as connection:
            through, _ = pruned(connection)
            last = through
            for row in stored(connection):
                if row.seq > through and row.seq != last + 1:
                    return
                entry_of(row)
                last = max(last, row.seq)
                yield row
    except JournalError:
        return


def _batches(rows: Iterator[Row[Any]]) -> Iterator[list[Row[Any]]]:
    batch: list[Row[Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _carry_over(damaged: Path, new: Connection, last_seq: int) -> None:
    """Copy binding, prunes and wishes, as far as they can still be read."""
    for row in _readable(damaged, BINDING):
        new.execute(insert(BINDING).values(**row._asdict()))
    for row in _readable(damaged, REQUESTS):
        new.execute(insert(REQUESTS).values(**row._asdict()))
    through = max((row.through for row in _readable(damaged, PRUNES)), default=0)
    if through := min(through, last_seq):
        kept = len(new.execute(select(EVENTS.c.seq).where(EVENTS.c.seq <= through)).all())
        new.execute(insert(PRUNES).values(through=through, kept=kept))
        for row in _readable(damaged, DAYS):
            if _is_broken(row.body):
                continue
            whole = {**row._asdict(), "through": min(row.through, last_seq)}
            new.execute(insert(DAYS).values(**whole))


def _is_broken(body: str) -> bool:
    """Return whether a day cannot be read; one of a newer leverd may be by that."""
    try:
        read_plain(Day, body)
    except JournalDamagedError as error:
        return error.number != NEWER
    return False


@contextmanager
def _opened(damaged: Path) -> Iterator[Connection]:
    engine = database.reading(damaged, damaged=True)
    with database.translated(damaged), engine.connect() as connection:
        yield connection


def _readable(damaged: Path, table: Table) -> list[Row[Any]]:
    try:
        with _opened(damaged) as connection:
            return list(connection.execute(select(table)).all())
    except JournalError:
        return []


def _say_so(
    new: Connection, damaged: Path, reason: JournalDamagedError, kept: int, clock: Clock
) -> None:
    alert = AlertRaised(
        position_id="",
        code=ALERT,
        message=f"the journal was damaged ({reason.message}); its first {kept} entries were kept",
        details={"quarantine": str(damaged.parent), "kept": str(kept)},
    )
    insert_bodies(new, [encode(alert)], microseconds(clock.now()), 0)
