"""Questions to a journal, through a connection that cannot write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import func, select

from leverd.adapters.sql_journal import database, migrate
from leverd.adapters.sql_journal.rows import entry_of
from leverd.adapters.sql_journal.schema import BINDING, EVENTS
from leverd.interfaces.journal import Binding, Entry


class SqlLedger:
    """A `Ledger` over a journal's file; takes no lock and never waits for the daemon.

    Raises:
        JournalError: other tables than this leverd's.
        OwnerError: there is no journal.
        JournalDamagedError: it cannot be read.
    """

    def __init__(self, path_or_url: str | Path) -> None:
        self.path = database.file_of(path_or_url)
        database.check_exists(self.path)
        with database.translated(self.path):
            self._connection = database.reading(self.path).connect()
            with self._connection.begin():
                migrate.check(self._connection)

    def binding(self) -> Binding | None:
        """Return what the journal belongs to, None before the first start."""
        with database.translated(self.path), self._connection.begin():
            row = self._connection.execute(select(BINDING)).first()
        return None if row is None else Binding(row.mode, row.chain_id, row.genesis)

    def entries(
        self,
        *,
        kinds: Sequence[str] = (),
        position_id: str = "",
        after: int = 0,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[Entry]:
        """Return entries that match every filter given; see `Ledger.entries`."""
        query = select(EVENTS).where(EVENTS.c.seq > after).limit(limit)
        if kinds:
            query = query.where(EVENTS.c.kind.in_(kinds))
        if position_id:
            query = query.where(EVENTS.c.position_id == position_id)
        query = query.order_by(EVENTS.c.seq.desc() if newest_first else EVENTS.c.seq)
        with database.translated(self.path), self._connection.begin():
            return [entry_of(row) for row in self._connection.execute(query)]

    def count(self) -> int:
        """Return how many entries there are."""
        with database.translated(self.path), self._connection.begin():
            return self._connection.execute(select(func.count()).select_from(EVENTS)).scalar() or 0

    def close(self) -> None:
        """Release the file."""
        self._connection.close()
