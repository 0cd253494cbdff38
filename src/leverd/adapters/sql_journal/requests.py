"""The letter box between people and the daemon, in the journal's own database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import insert, select, update

from leverd.adapters.sql_journal import database, migrate
from leverd.adapters.sql_journal.rows import microseconds
from leverd.adapters.sql_journal.schema import REQUESTS
from leverd.interfaces.clock import Clock
from leverd.interfaces.requests import Request, RequestKind


class SqlRequests:
    """`Requests` any process may put and only the daemon takes.

    Raises:
        JournalError: other tables than this leverd's.
        OwnerError: there is no journal.
    """

    def __init__(self, path_or_url: str | Path, clock: Clock) -> None:
        self.path = database.file_of(path_or_url)
        self._clock = clock
        database.check_exists(self.path)
        with database.translated(self.path):
            self._connection = database.writing(self.path).connect()
            # Reading takes no write lock, so a look never makes an append wait.
            self._reading = database.reading(self.path).connect()
            with self._reading.begin():
                migrate.check(self._reading)

    def put(self, kind: RequestKind, position_id: str, by: str) -> int:
        """Record a wish durably and return its id."""
        row = {"kind": kind.value, "position_id": position_id, "by": by}
        at = microseconds(self._clock.now())
        with database.translated(self.path), self._connection.begin():
            done = self._connection.execute(insert(REQUESTS).values(put_at=at, **row))
            return int(done.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted

    def pending(self) -> Sequence[Request]:
        """Return wishes not yet taken, oldest first."""
        query = select(REQUESTS).where(REQUESTS.c.taken == 0).order_by(REQUESTS.c.id)
        with database.translated(self.path), self._reading.begin():
            return [
                Request(row.id, RequestKind(row.kind), row.position_id, row.by)
                for row in self._reading.execute(query)
            ]

    def has_asked(self, by: str) -> bool:
        """Return whether `by` ever put a wish, taken or not."""
        query = select(REQUESTS.c.id).where(REQUESTS.c.by == by).limit(1)
        with database.translated(self.path), self._reading.begin():
            return self._reading.execute(query).first() is not None

    def taken(self, request_id: int) -> None:
        """Mark a wish as taken; its effect is in the journal already."""
        mark = update(REQUESTS).where(REQUESTS.c.id == request_id).values(taken=1)
        with database.translated(self.path), self._connection.begin():
            self._connection.execute(mark)

    def close(self) -> None:
        """Release the file."""
        self._connection.close()
        self._reading.close()
