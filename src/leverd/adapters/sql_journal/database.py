"""Open a journal's database: durable to write, harmless to read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from leverd.adapters.sql_journal import migrate
from leverd.adapters.sql_journal.unusable import unusable
from leverd.errors import (
    DiskFullError,
    JournalDamagedError,
    JournalError,
    JournalLockedError,
    OwnerError,
)

_BUSY_MS: Final = 10_000
_WRITE_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
_MAGIC: Final = b"SQLite format 3\x00"
_SHORTEST: Final = 512  # bytes: the smallest page
_DAMAGES: Final = ("no such table", "Could not decode")
"""What only a damaged journal has SQLite, or Python on reading its text, say."""

_PRIMARY: Final = 0xFF  # SQLite's primary code within its extended one


def file_of(path_or_url: str | Path) -> Path:
    """Return the journal's file.

    Raises:
        JournalError: the URL names a database other than SQLite.
    """
    if isinstance(path_or_url, Path) or "://" not in path_or_url:
        return Path(path_or_url)
    try:
        url = make_url(path_or_url)
    except ArgumentError as error:
        raise JournalError(f"not a database URL: {error}", number=9) from error
    if url.get_backend_name() != "sqlite" or not url.database:
        raise JournalError(
            f"a journal is a file of this machine, {url.get_backend_name()} may hold its copy",
            number=9,
            remedy="name a file under journal.path, and the server under journal.copy_to",
        )
    return Path(url.database)


def writing(path: Path) -> Engine:
    """Return an engine whose commits survive a power cut; transactions begin immediate."""
    engine = _engine(path, "rwc")

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN, the driver does not guess
        for pragma in (f"busy_timeout = {_BUSY_MS}", *_WRITE_PRAGMAS):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reading(path: Path, *, damaged: bool = False) -> Engine:
    """Return an engine that cannot write, safe beside a daemon.

    What a transaction reads is of one moment, whatever is written or pruned meanwhile.
    With `damaged`, SQLite opens a file shorter than its header says and reads what is there.
    """
    engine = _engine(path, "ro")

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # as above
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        if damaged:
            connection.execute("PRAGMA writable_schema = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _engine(path: Path, mode: str) -> Engine:
    uri = f"{path.absolute().as_uri()}?mode={mode}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, check_same_thread=False)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def check_exists(path: Path) -> None:
    """Check that there is a journal to open, without opening it.

    Raises:
        OwnerError: there is none yet.
        JournalDamagedError: there was one: its head is gone, or only its log is left.
    """
    if not path.exists():
        log = wal_path(path)
        if log.exists() and log.stat().st_size:
            raise damaged_file(path, "its database is gone, only its log is left")
        raise OwnerError(
            "there is no journal here yet",
            number=11,
            place=str(path),
            remedy="start the daemon once, or name the right settings with -c",
        )
    # SQLite takes a file this short for a new database, and deletes the log beside it.
    with translated(path), path.open("rb") as file:
        if len(head := file.read(_SHORTEST)) < _SHORTEST or not head.startswith(_MAGIC):
            raise damaged_file(path, "its beginning is missing or not a database's")


def create(path: Path) -> None:
    """Make an empty journal at `path`, which holds none yet; whole or not at all."""
    half = path.with_name(f"{path.name}.new")
    begin_anew(half)
    engine = writing(half)
    with translated(path), engine.begin() as connection:
        migrate.install(connection)
    engine.dispose()
    replace_durably(half, path)


def begin_anew(half: Path) -> None:
    """Make an empty file of the owner's alone at `half`, and the folders that lead there.

    Nothing is left of one that a process died over: SQLite would replay its log into the new one.

    Raises:
        JournalError: nothing can be written there.
    """
    with translated(half):
        half.parent.mkdir(parents=True, exist_ok=True)
        discard(half)
        half.touch(mode=0o600, exist_ok=False)


def discard(path: Path) -> None:
    """Remove the database at `path`, if there is one, with the logs beside it."""
    for each in (wal_path(path), shm_path(path), path.with_name(f"{path.name}-journal"), path):
        each.unlink(missing_ok=True)


def replace_durably(new: Path, old: Path) -> None:
    """Put `new`, a closed file, in the place of `old` in one step that survives a power cut."""
    if wal_path(new).exists():
        raise JournalError(f"{new} is still open somewhere", number=7, place=str(new))
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(old)
    sync_folder(old.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def wal_path(path: Path) -> Path:
    """Return where SQLite keeps the write-ahead log of `path`."""
    return path.with_name(f"{path.name}-wal")


def shm_path(path: Path) -> Path:
    """Return where SQLite keeps the index of that log."""
    return path.with_name(f"{path.name}-shm")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what SQLite and the system say inside the block as a `JournalError` about `path`."""
    try:
        with spoken_to(path):
            yield
    except OSError as error:
        raise unusable(error, path) from error


@contextmanager
def spoken_to(path: Path) -> Iterator[None]:
    """Raise what SQLite says inside the block as a `JournalError` about `path`.

    What others say in it, a server or a file that is written beside, is none of the journal's.
    """
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        raise translate(error.orig, path) from error
    except sqlite3.Error as error:
        raise translate(error, path) from error


def translate(error: BaseException | None, path: Path) -> JournalError:
    """Return what SQLite's `error` means to the owner of `path`."""
    extended = int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR))
    place = str(path)
    match extended & _PRIMARY:
        case sqlite3.SQLITE_FULL:
            return DiskFullError(
                "the disk is full; nothing of this was recorded",
                number=5,
                place=place,
                remedy="free some space, then start again",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return JournalLockedError(
                "another process keeps writing to the journal", number=4, place=place
            )
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return damaged_file(path, str(error))
        case sqlite3.SQLITE_ERROR if str(error).startswith(_DAMAGES):
            return damaged_file(path, str(error))
        case sqlite3.SQLITE_IOERR if extended == sqlite3.SQLITE_IOERR_SHORT_READ:
            return damaged_file(path, "it ends too early")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY:
            remedy = f"let the user that runs leverd write the files in {path.parent}"
            message = f"cannot use the journal: {error}"
            return JournalError(message, number=7, place=place, remedy=remedy)
        case _:
            return JournalError(f"cannot use the journal: {error}", number=7, place=place)


def damaged_file(path: Path, why: str) -> JournalDamagedError:
    """Return the error for a journal file that cannot be read."""
    return JournalDamagedError(
        f"the journal is damaged: {why}",
        number=2,
        place=str(path),
        remedy="leverd db salvage keeps every whole entry and sets the rest aside",
    )
