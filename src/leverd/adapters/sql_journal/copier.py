"""Ship a journal's entries to its copy, in order; take wishes that were put there.

The file is always written first. The copy only ever lags: nothing in it is changed, but where it
lagged behind a pruning (see `taking_back`), and what is in it without being in the file stops the
copying rather than being written over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from loguru import logger
from sqlalchemy import Connection, Row, delete, func, insert, inspect, select, update

from leverd.adapters.sql_journal import doors, lease, migrate
from leverd.adapters.sql_journal.lease import Title
from leverd.adapters.sql_journal.requests import SqlRequests
from leverd.adapters.sql_journal.rows import microseconds, pruned
from leverd.adapters.sql_journal.schema import BINDING, DAYS, EVENTS, PRUNES, REQUESTS, TURNS
from leverd.adapters.sql_journal.server import Server
from leverd.adapters.sql_journal.taking_back import take_back
from leverd.errors import JournalForeignError
from leverd.interfaces.requests import RequestKind

_BATCH: Final = 500
SAFER: Final = frozenset(
    {RequestKind.PAUSE, RequestKind.REDUCE, RequestKind.UNWIND, RequestKind.UNWIND_NOW}
)
"""What may be asked from afar: only what makes the system safer."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """Where the copy stands."""

    entries: int  # shipped by this call
    last: int  # the last entry of the copy


class Copier:
    """One journal's way to one server. Used by one thread.

    With a `title` to the lease, nothing is written once another has it.
    """

    def __init__(self, path: Path, server: Server, title: Title | None = None) -> None:
        self._server, self._title = server, title
        self._file = doors.reading(path)
        self._copy = doors.ServerDoor(server, writes=True, hurried=title is not None)
        self._is_greeted = False

    def ship(self) -> Shipped:
        """Bring the copy to the newest entry of the file.

        Raises:
            UnreachableError: the server does not answer; call again, nothing comes twice.
            JournalForeignError: the copy belongs to another journal.
            JournalError: the server refuses.
        """
        if not self._is_greeted:
            self._is_greeted = self._greet()
        entries = 0
        while True:
            done = self._ship_some()
            entries += done.entries
            if done.entries < _BATCH:
                return Shipped(entries, done.last)

    def beat(self, ended_at: datetime, sight: str = "", spot: str = "") -> None:
        """Tell the copy when the last turn ended, and what it and the trader saw, as JSON.

        Raises:
            UnreachableError: the server does not answer.
        """
        told = {"ended_at": microseconds(ended_at), "sight": sight or None, "spot": spot or None}
        with self._writing() as copy:
            if copy.execute(update(TURNS).values(**told)).rowcount == 0:
                copy.execute(insert(TURNS).values(id=1, **told))

    def fetch(self, requests: SqlRequests) -> int:
        """Put the wishes that wait at the copy into `requests`; return how many there were.

        One that was put and not yet marked when a process died is put again: asked twice, it
        makes things no less safe. Others than those that lower risk are not heard from afar.

        Raises:
            UnreachableError: the server does not answer.
        """
        waiting = select(REQUESTS).where(REQUESTS.c.taken == 0).order_by(REQUESTS.c.id)
        with self._copy.begin() as copy:
            wishes = copy.execute(waiting).all()
        for wish in wishes:
            if wish.kind in SAFER:
                requests.put(RequestKind(wish.kind), wish.position_id, f"{wish.by} afar")
            else:
                logger.warning("a wish from afar is not heard: {}", wish.kind)
            mark = update(REQUESTS).where(REQUESTS.c.id == wish.id).values(taken=1)
            with self._writing() as copy:
                copy.execute(mark)
        return len(wishes)

    def close(self) -> None:
        """Release the file and hang up."""
        self._file.close()
        self._copy.close()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Return a transaction that is kept only if nobody took the lease over before its end."""
        with self._copy.begin() as copy:
            yield copy
            if self._title is not None:
                lease.check_held(copy, self._title, self._server)

    def _greet(self) -> bool:
        """See that the copy has our tables and is this journal's; return whether it is bound."""
        with self._file.begin() as file:
            mine = file.execute(select(BINDING)).mappings().first()
        with self._writing() as copy:
            if inspect(copy).get_table_names():
                migrate.upgrade(copy)
            else:
                migrate.install(copy)
            if self._title is None:
                lease.check_unheld(copy, self._server)
            theirs = copy.execute(select(BINDING)).mappings().first()
            if mine is None:
                return False
            if theirs is None:
                copy.execute(insert(BINDING).values(**mine))
            elif dict(theirs) != dict(mine):
                raise self._foreign("it belongs to another chain or mode")
        return True

    def _ship_some(self) -> Shipped:
        """Ship a batch; all that pruning left in one go, for half of it looks like damage."""
        with self._writing() as copy, self._file.begin() as file:
            last = copy.execute(select(EVENTS).order_by(EVENTS.c.seq.desc()).limit(1)).first()
            before = seq = 0 if last is None else int(last.seq)
            through, _ = pruned(file)
            self._check_same(file, last, through)
            if 0 < before < through:  # pruned before it was shipped
                take_back(copy, file, before)
            entries, is_more = 0, True
            while is_more:
                newer = select(EVENTS).where(EVENTS.c.seq > seq).order_by(EVENTS.c.seq)
                rows = [dict(row) for row in file.execute(newer.limit(_BATCH)).mappings()]
                if rows:
                    copy.execute(insert(EVENTS), rows)
                    seq = int(rows[-1]["seq"])
                entries += len(rows)
                is_more = len(rows) == _BATCH and seq < through
            if before < through <= seq:
                _note_gap(copy, file, through)
        return Shipped(entries, seq)

    def _check_same(self, file: Connection, last: Row[Any] | None, through: int) -> None:
        """Check that the copy's newest entry is the file's; pruning may have taken it there.

        Raises:
            JournalForeignError: it is not.
        """
        if last is None:
            return
        found = file.execute(select(EVENTS.c.digest).where(EVENTS.c.seq == last.seq)).scalar()
        if found == last.digest or (last.seq <= through and found is None):
            return
        newest = file.execute(select(func.max(EVENTS.c.seq))).scalar() or 0
        if newest < last.seq:
            raise self._foreign(f"it has entry {last.seq}, this journal ends at {newest}")
        if last.seq > through:
            raise self._foreign(f"its entry {last.seq} is another than this journal's")

    def _foreign(self, why: str) -> JournalForeignError:
        return JournalForeignError(
            f"the copy at {self._server.name} is not this journal's: {why}",
            number=14,
            place="journal.copy_to",
            remedy="name an empty database, or bring this journal back from the copy with "
            "leverd db restore",
        )


def _note_gap(copy: Connection, file: Connection, through: int) -> None:
    """Say in the copy that what pruning took before it was shipped is missing on purpose."""
    count = select(func.count()).select_from(EVENTS).where(EVENTS.c.seq <= through)
    kept = copy.execute(count).scalar() or 0
    copy.execute(insert(PRUNES).values(through=through, kept=kept))
    rows = [dict(row) for row in file.execute(select(DAYS)).mappings()]
    copy.execute(delete(DAYS))  # the file's count what was never shipped
    if rows:
        copy.execute(insert(DAYS), rows)
