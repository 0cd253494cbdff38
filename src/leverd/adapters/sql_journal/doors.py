"""Where tables are: a journal's file, or the copy of one on a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TypeAlias

from sqlalchemy import Connection, inspect

from leverd.adapters.sql_journal import database, migrate
from leverd.adapters.sql_journal.server import Server
from leverd.errors import OwnerError

Place: TypeAlias = str | Path | Server


class Door(Protocol):
    """A way to the tables, for one thread."""

    def begin(self) -> AbstractContextManager[Connection]:
        """Return a transaction, committed at its end, undone by what is raised in it.

        Raises:
            JournalError: the tables cannot be used.
            UnreachableError: the server does not answer; what was written may be there.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def reading(place: Place) -> Door:
    """Return a door that nothing can be written through."""
    if isinstance(place, Server):
        return ServerDoor(place, writes=False)
    return FileDoor(database.file_of(place), writes=False)


def checked(place: Place) -> Door:
    """Return a reading door to tables of this leverd's shape.

    Raises:
        JournalError: they have another, or there are none.
        OwnerError: the server holds no copy yet.
    """
    door = reading(place)
    try:
        with door.begin() as connection:
            if isinstance(place, Server):
                _check_not_empty(place, connection)
            migrate.check(connection)
    except BaseException:
        door.close()
        raise
    return door


def writing(place: Place) -> Door:
    """Return a door whose commits survive a power cut."""
    if isinstance(place, Server):
        return ServerDoor(place, writes=True)
    return FileDoor(database.file_of(place), writes=True)


def _check_not_empty(server: Server, connection: Connection) -> None:
    if not inspect(connection).get_table_names():
        raise OwnerError(
            "there is no copy of a journal here yet",
            number=11,
            place=server.name,
            remedy="start the daemon with this journal.copy_to, or run leverd db copy",
        )


class FileDoor:
    """One connection to a journal's file, held open.

    Raises:
        OwnerError: there is no journal.
        JournalDamagedError: it cannot be read.
    """

    def __init__(self, path: Path, *, writes: bool) -> None:
        self._path = path
        database.check_exists(path)
        with database.translated(path):
            engine = database.writing(path) if writes else database.reading(path)
            self._connection = engine.connect()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Return a transaction; see `Door.begin`."""
        with database.spoken_to(self._path), self._connection.begin():
            yield self._connection

    def close(self) -> None:
        """Release the file."""
        self._connection.close()


class ServerDoor:
    """A connection to a server, made anew when it was lost; see `Server.engine`."""

    def __init__(self, server: Server, *, writes: bool, hurried: bool = False) -> None:
        self._server = server
        self._engine = server.engine(writes=writes, hurried=hurried)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Return a transaction; see `Door.begin`."""
        with self._server.translated(), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Hang up."""
        self._engine.dispose()
