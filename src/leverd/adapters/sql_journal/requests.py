"""The letter box between people and the daemon, in the journal's own database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from loguru import logger
from sqlalchemy import insert, select, update

from leverd.adapters.sql_journal import doors
from leverd.adapters.sql_journal.rows import microseconds
from leverd.adapters.sql_journal.schema import REQUESTS
from leverd.interfaces.clock import Clock
from leverd.interfaces.requests import Request, RequestKind

_KINDS: Final = frozenset(RequestKind)


class SqlRequests:
    """`Requests` any process may put and only the daemon takes.

    Raises:
        JournalError: other tables than this leverd's.
        OwnerError: there is no journal.
        UnreachableError: the server of its copy does not answer; also from each call.
    """

    def __init__(self, place: doors.Place, clock: Clock) -> None:
        self._clock = clock
        self._unheard: set[int] = set()
        # Reading takes no write lock, so a look never makes an append wait.
        self._reading = doors.checked(place)
        self._writing = doors.writing(place)

    def put(self, kind: RequestKind, position_id: str, by: str) -> int:
        """Record a wish durably and return its id."""
        row = {"kind": kind.value, "position_id": position_id, "by": by}
        at = microseconds(self._clock.now())
        with self._writing.begin() as connection:
            done = connection.execute(insert(REQUESTS).values(put_at=at, **row))
            return int(done.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted

    def pending(self) -> Sequence[Request]:
        """Return wishes not yet taken, oldest first.

        One of a kind that a newer leverd put waits for a daemon that knows it; it is said once.
        """
        query = select(REQUESTS).where(REQUESTS.c.taken == 0).order_by(REQUESTS.c.id)
        with self._reading.begin() as connection:
            waiting = connection.execute(query).all()
        for row in waiting:
            if row.kind not in _KINDS and row.id not in self._unheard:
                self._unheard.add(row.id)
                logger.error("request {} is not understood: {!r}", row.id, row.kind)
        return [
            Request(row.id, RequestKind(row.kind), row.position_id, row.by)
            for row in waiting
            if row.kind in _KINDS
        ]

    def has_asked(self, by: str) -> bool:
        """Return whether `by` ever put a wish, taken or not."""
        query = select(REQUESTS.c.id).where(REQUESTS.c.by == by).limit(1)
        with self._reading.begin() as connection:
            return connection.execute(query).first() is not None

    def taken(self, request_id: int) -> None:
        """Mark a wish as taken; its effect is in the journal already."""
        mark = update(REQUESTS).where(REQUESTS.c.id == request_id).values(taken=1)
        with self._writing.begin() as connection:
            connection.execute(mark)

    def close(self) -> None:
        """Release the file, or hang up."""
        self._writing.close()
        self._reading.close()
