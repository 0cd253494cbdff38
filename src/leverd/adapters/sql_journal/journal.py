"""The journal on SQL: one writer, one thread, one durable commit for each append."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from loguru import logger
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError

from leverd.adapters.sql_journal import database, migrate, salvaging
from leverd.adapters.sql_journal.codec import Body, encode
from leverd.adapters.sql_journal.lock import acquire_lock, lock_path
from leverd.adapters.sql_journal.reserve import Reserve
from leverd.adapters.sql_journal.rows import entry_of, insert_bodies, microseconds, scan
from leverd.adapters.sql_journal.schema import BINDING
from leverd.domain.events import Event
from leverd.errors import DiskFullError, JournalError, JournalForeignError
from leverd.interfaces.clock import Clock
from leverd.interfaces.journal import Binding, Entry


class SqlJournal:
    """A `Journal` in one SQLite file; holds the file's lock until closed.

    The writing connection lives on its own thread, so an append never blocks the loop;
    `writer` runs it elsewhere, one commit after the other. `appended` is told the last seq of
    each commit, on that thread; it must return at once. `upgrading` is told how many entries
    there are, once, where an older leverd made the tables.

    Raises:
        JournalLockedError: another process has it open.
        JournalDamagedError: it cannot be read; see `salvage`.
        JournalForeignError: the file is some other database.
        JournalError: a newer leverd wrote it, or the file cannot be used.
    """

    def __init__(
        self,
        path_or_url: str | Path,
        clock: Clock,
        *,
        reserve: Reserve | None = None,
        writer: Executor | None = None,
        appended: Callable[[int], None] = lambda _seq: None,
        upgrading: Callable[[int], None] | None = None,
    ) -> None:
        self.path = database.file_of(path_or_url)
        self._clock, self._appended, self._upgrading = clock, appended, upgrading
        self._lock = acquire_lock(lock_path(self.path), what=f"the journal {self.path}")
        self._writer = writer or ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._broken: JournalError | None = None
        self._reserve = reserve or Reserve(self.path)
        try:
            self._connection = self._writer.submit(self._open).result()
        except BaseException:
            self._writer.shutdown()
            self._lock.release()
            raise
        if not self._reserve.hold():
            logger.warning("no space to set aside for {}: the disk is nearly full", self.path)

    def bind(self, binding: Binding) -> None:
        """Bind a new journal, or check an old one; see `Journal.bind`."""
        self._writer.submit(self._bind, binding).result()

    async def append(self, *events: Event, chain_at: int = 0) -> int:
        """Record `events` in one durable commit; see `Journal.append`.

        A cancelled append is carried out before the cancellation is passed on.
        """
        bodies = [encode(event) for event in events]
        if not bodies:
            raise ValueError("nothing to append")
        loop = asyncio.get_running_loop()
        written = loop.run_in_executor(self._writer, self._write, bodies, chain_at)
        try:
            return await asyncio.shield(written)
        except asyncio.CancelledError:
            await asyncio.wait([written])
            raise

    def append_now(self, *events: Event, chain_at: int = 0) -> int:
        """Record `events` like `append`, where no event loop runs."""
        bodies = [encode(event) for event in events]
        return self._writer.submit(self._write, bodies, chain_at).result()

    def replay(self, *, after: int = 0) -> Iterator[Entry]:
        """Yield every entry past `after`, oldest first; see `Journal.replay`."""
        engine = database.reading(self.path)
        with database.translated(self.path), engine.connect() as connection:
            for row in scan(connection, after=after):
                yield entry_of(row)

    def close(self) -> None:
        """Release file, thread and lock."""
        if not self._connection.closed:
            self._writer.submit(self._close).result()
            self._writer.shutdown()
            self._lock.release()

    def _open(self) -> Connection:
        with database.translated(self.path):
            salvaging.finish(self.path)
            if not self.path.exists() and not database.wal_path(self.path).exists():
                database.create(self.path)
            database.check_exists(self.path)
            connection = database.writing(self.path).connect()
            with connection.begin():
                migrate.upgrade(connection, self._upgrading)
        return connection

    def _close(self) -> None:
        with database.translated(self.path):
            self._connection.close()

    def _bind(self, binding: Binding) -> None:
        with database.translated(self.path), self._connection.begin():
            row = self._connection.execute(select(BINDING)).first()
            if row is None:
                values = {"mode": binding.mode, "chain_id": binding.chain_id}
                self._connection.execute(
                    insert(BINDING).values(id=1, genesis=binding.genesis, **values)
                )
                return
        found = Binding(row.mode, row.chain_id, row.genesis)
        if found != binding:
            raise JournalForeignError(
                f"the journal belongs to {_named(found)}, not to {_named(binding)}",
                number=3,
                place=str(self.path),
                remedy="name another file under journal.path, or connect to its own chain",
            )

    def _write(self, bodies: list[Body], chain_at: int) -> int:
        if self._broken is not None:
            raise self._broken
        written_at = microseconds(self._clock.now())
        try:
            last = self._commit(bodies, written_at, chain_at)
        except DiskFullError:
            if not self._reserve.free():
                raise
            logger.critical("the disk is full; the reserve of {} is in use now", self.path)
            last = self._commit(bodies, written_at, chain_at)
        self._appended(last)
        return last

    def _commit(self, bodies: list[Body], written_at: int, chain_at: int) -> int:
        try:
            with self._connection.begin():
                return insert_bodies(self._connection, bodies, written_at, chain_at)
        except DBAPIError as error:
            raised = database.translate(error.orig, self.path)
            if not _left_nothing(error.orig):
                # After a failed sync nobody knows what the disk holds; only a fresh
                # start, which reads it all back, may write again.
                self._broken = raised
            raise raised from error


def _left_nothing(error: BaseException | None) -> bool:
    code = int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
    return code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _named(binding: Binding) -> str:
    return f"{binding.mode} on chain {binding.chain_id} ({binding.genesis})"
