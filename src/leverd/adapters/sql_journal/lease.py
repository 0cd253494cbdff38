"""The lease row on a server: who may act, and in which epoch. Only the server's clock counts.

Every statement is a transaction of its own and one round trip. One that gets no answer is cut
off after a while, so that a server which swallows everything holds nobody up.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

from sqlalchemy import Connection, insert, inspect, select, text

from leverd.adapters.sql_journal import doors, migrate
from leverd.adapters.sql_journal.schema import LEASE
from leverd.adapters.sql_journal.server import Server
from leverd.errors import JournalForeignError, OwnerError

if TYPE_CHECKING:
    import psycopg

LOST: Final = 15
"""The number of the error that says that another daemon acts now."""

HELD: Final = 16
"""The number of the error that says that only the holder of the lease copies."""

_MICRO: Final = 10**6
_FREE: Final = 0  # `until` of a lease that was given back
_TURN: Final = 7_113_001  # a number for PostgreSQL's advisory lock: two may prepare at once

_NOW: LiteralString = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_TAKE: Final[LiteralString] = (
    f"UPDATE lease SET epoch = epoch + 1, holder = %(holder)s, taken_at = {_NOW},"  # noqa: S608 -- constants
    f" until = {_NOW} + %(ttl)s WHERE id = 1 AND until <= {_NOW} RETURNING epoch"
)
_RENEW: Final[LiteralString] = (
    f"UPDATE lease SET until = {_NOW} + %(ttl)s"  # noqa: S608 -- as above
    " WHERE id = 1 AND epoch = %(epoch)s AND holder = %(holder)s RETURNING epoch"
)
_GIVE_BACK: Final[LiteralString] = (
    f"UPDATE lease SET until = {_FREE}"  # noqa: S608 -- as above
    " WHERE id = 1 AND epoch = %(epoch)s AND holder = %(holder)s RETURNING epoch"
)
_TAKE_AWAY: Final[LiteralString] = (
    f"UPDATE lease SET epoch = epoch + 1, holder = '', taken_at = {_NOW}"  # noqa: S608 -- as above
    f" WHERE id = 1 AND holder <> '' AND until > {_NOW} RETURNING epoch"
)
_REHEARSE: Final[LiteralString] = "UPDATE lease SET epoch = epoch WHERE id = 1 RETURNING epoch"
_LOOK: Final[LiteralString] = (
    f"SELECT epoch, holder, until - {_NOW}, {_NOW} - taken_at FROM lease WHERE id = 1"  # noqa: S608 -- as above
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The lease as the server shows it."""

    epoch: int
    holder: str  # "" if an owner took it away, or nobody ever had it
    left_s: float  # until it runs out by the server's clock; not above 0 once it has
    age_s: float  # since this epoch began

    @property
    def is_held(self) -> bool:
        """Whether nobody else may have it now."""
        return self.left_s > 0


@dataclass(frozen=True, slots=True)
class Title:
    """What a holder shows: an epoch is given once."""

    epoch: int
    holder: str


class LeaseRow:
    """One thread's way to the lease. No answer within `limit_s` wall seconds counts as none.

    Each method may raise `UnreachableError`: what was asked may or may not have been done. And
    `JournalRefusedError`: it was not done, as where a server only reads.
    """

    def __init__(self, server: Server, *, limit_s: float) -> None:
        self._server, self._limit_s = server, limit_s
        self._connection: psycopg.Connection[Any] | None = None

    def take(self, holder: str, ttl_s: float) -> Title | None:
        """Return the title of a new epoch, None while another's lease runs."""
        row = self._ask(_TAKE, holder=holder, ttl=_micro(ttl_s))
        return None if row is None else Title(int(row[0]), holder)

    def rehearse(self) -> None:
        """Have the server write what changes nothing: whether it would let a lease be taken.

        That it answers says little: one in recovery, read-only or full shows the lease as ever.
        """
        self._ask(_REHEARSE)

    def renew(self, title: Title, ttl_s: float) -> bool:
        """Return whether the lease is ours for `ttl_s` from now on; False: it never will be."""
        asked = self._ask(_RENEW, epoch=title.epoch, holder=title.holder, ttl=_micro(ttl_s))
        return asked is not None

    def give_back(self, title: Title) -> bool:
        """Let another have it at once. The caller signs nothing any more."""
        asked = self._ask(_GIVE_BACK, epoch=title.epoch, holder=title.holder)
        return asked is not None

    def take_away(self) -> bool:
        """End the present epoch; return whether one ran.

        Nobody gets the lease before it would have run out: until then its holder may not know.
        """
        return self._ask(_TAKE_AWAY) is not None

    def look(self) -> Seen:
        """Return how things stand."""
        row = self._ask(_LOOK)
        if row is None:
            raise OwnerError(
                "there is no lease here yet",
                number=130,
                place=self._server.name,
                remedy="start a daemon with standby.enabled and this journal.copy_to",
            )
        epoch, holder, left, age = row
        return Seen(int(epoch), str(holder), int(left) / _MICRO, int(age) / _MICRO)

    def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ask(self, query: LiteralString, **values: object) -> tuple[Any, ...] | None:
        with self._server.spoken_to():
            try:
                if self._connection is None:
                    self._connection = self._server.connect(self._limit_s)
                with _cut_after(self._connection, self._limit_s):
                    return self._connection.execute(query, values).fetchone()
            except BaseException:
                self.close()  # nobody knows what is left unread on it
                raise


def prepare(server: Server) -> None:
    """See that the server has our tables, and a lease that nobody holds yet.

    Raises:
        UnreachableError: it does not answer.
        JournalError: it refuses, or a newer leverd made the tables.
    """
    door = doors.writing(server)
    try:
        with door.begin() as copy:
            copy.execute(text(f"SELECT pg_advisory_xact_lock({_TURN})"))
            if inspect(copy).get_table_names():
                migrate.upgrade(copy)
            else:
                migrate.install(copy)
            if copy.execute(select(LEASE.c.id)).first() is None:
                nobody = {"epoch": 0, "holder": "", "until": _FREE, "taken_at": _FREE}
                copy.execute(insert(LEASE).values(id=1, **nobody))
    finally:
        door.close()


def check_held(copy: Connection, title: Title, server: Server) -> None:
    """Check that `title` is the newest, and see that it stays so until `copy` is committed.

    Raises:
        JournalForeignError: another daemon took over; nothing of this transaction is kept.
    """
    newest = select(LEASE.c.epoch, LEASE.c.holder).with_for_update(read=True)
    row = copy.execute(newest).first()
    if row is None or Title(row.epoch, row.holder) != title:
        now = "nobody" if row is None else f"{row.holder or 'nobody'}, epoch {row.epoch}"
        raise JournalForeignError(
            f"the lease at {server.name} was ours in epoch {title.epoch}, and is no more: {now}",
            number=LOST,
            place="standby",
            remedy="nothing is to be done: this daemon waits for the lease now",
        )


def check_unheld(copy: Connection, server: Server) -> None:
    """Check that nobody holds the lease: who copies without one would write between its holder's.

    Raises:
        JournalForeignError: somebody does.
    """
    row = copy.execute(text(_LOOK)).first()
    if row is not None and row[2] > 0:
        raise JournalForeignError(
            f"the copy at {server.name} is kept by the holder of its lease, {row[0]}: {row[1]}",
            number=HELD,
            place="journal.copy_to",
            remedy="set standby.enabled here too, or name another database",
        )


@contextlib.contextmanager
def _cut_after(connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    """Have whatever waits for an answer inside the block end after `seconds`."""
    timer = threading.Timer(seconds, _cut, (connection.fileno(),))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # what it would cut may be somebody else's the moment we close it


def _cut(descriptor: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=descriptor) as line:
        try:
            line.shutdown(socket.SHUT_RDWR)
        finally:
            line.detach()


def _micro(seconds: float) -> int:
    return int(seconds * _MICRO)
