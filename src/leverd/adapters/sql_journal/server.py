"""A PostgreSQL server that holds the copy of a journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from leverd.errors import JournalRefusedError, OwnerError, UnreachableError
from leverd.interfaces.secrets import Secret

if TYPE_CHECKING:
    import psycopg

_CONNECT_S: Final = 5
_CONNECT_S_MIN: Final = 2
"""What PostgreSQL's own library takes at least."""

_STATEMENT_MS: Final = 30_000
_IDLE_MS: Final = 1_000
"""A transaction whose client says nothing is ended, so that no lock of its outlives it."""

_ALIVE: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A machine that is gone says nothing: the kernel notices within half a minute, not hours."""

_DRIVER: Final = "postgresql+psycopg"


class Server:
    """A database by its URL, without a password.

    Without `password` it comes from where PostgreSQL's own tools have it: ~/.pgpass, PGPASSWORD,
    or a file named by `?passfile=`. An engine has at most `connections`, for as many threads.

    Raises:
        OwnerError: it is no such URL, a password stands in it, or the driver is not installed.
    """

    def __init__(self, url: str, password: Secret | None = None, *, connections: int = 1) -> None:
        self._url, self.password, self._connections = _url_of(url), password, connections
        _check_driver()
        self.name = f"{self._url.host or 'local socket'}/{self._url.database}"

    def engine(self, *, writes: bool, hurried: bool = False) -> Engine:
        """Return an engine, each of whose connections is tried before it is used.

        With `hurried`, the server ends a transaction in which nothing is said for a second.
        """
        options = f"-c statement_timeout={_STATEMENT_MS} -c timezone=UTC"
        if hurried:
            options += f" -c idle_in_transaction_session_timeout={_IDLE_MS}"
        if not writes:
            # A plan made for any page would sort every entry of a kind; each page has its own.
            options += " -c default_transaction_read_only=on -c plan_cache_mode=force_custom_plan"
            # What one transaction reads is of one moment, whatever is shipped meanwhile.
            options += " -c default_transaction_isolation=repeatable\\ read"
        engine = create_engine(
            self._url,
            pool_size=self._connections,
            max_overflow=0,
            pool_timeout=_CONNECT_S,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": _CONNECT_S,
                "options": options,
                "application_name": "leverd",
                **_ALIVE,
            },
        )
        event.listen(engine, "do_connect", self._give_password)
        return engine

    def renew(self, password: Secret | None) -> None:
        """Connect with `password` from the next connection on; what is connected stays so."""
        self.password = password

    def check(self) -> None:
        """Check that the server lets us in.

        Raises:
            UnreachableError: it does not, or does not answer.
        """
        engine = self.engine(writes=False)
        try:
            with self.translated(), engine.connect():
                """It did."""
        finally:
            engine.dispose()

    def _give_password(self, *given: Any) -> None:
        """Put the password into the driver's arguments, where no URL and no message shows it."""
        if self.password is not None:
            given[-1]["password"] = self.password.reveal()

    def connect(self, limit_s: float) -> psycopg.Connection[Any]:
        """Return a connection for single statements, each of at most `limit_s` wall seconds."""
        import psycopg  # noqa: PLC0415 -- an extra, and heavy

        limit_ms = max(int(limit_s * 1_000), 1)
        return psycopg.connect(
            self._url.set(drivername="postgresql").render_as_string(hide_password=False),
            autocommit=True,
            password=None if self.password is None else self.password.reveal(),
            connect_timeout=max(int(limit_s), _CONNECT_S_MIN),
            options=f"-c statement_timeout={limit_ms} -c lock_timeout={limit_ms} -c timezone=UTC",
            application_name="leverd lease",
        )

    @contextmanager
    def spoken_to(self) -> Iterator[None]:
        """Raise what the bare driver says inside the block; see `translated`."""
        import psycopg  # noqa: PLC0415 -- as above

        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
            raise self._unreachable(error) from error
        except psycopg.Error as error:
            raise self._refused(error) from error

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what the driver says inside the block as an error of ours.

        What another database says in it is none of the server's.

        Raises:
            UnreachableError: no connection, or it was cut; a commit may have been carried out.
            JournalRefusedError: the server says no.
        """
        import psycopg  # noqa: PLC0415 -- as above

        try:
            yield
        except PoolTimeoutError as error:
            raise self._unreachable(error) from error
        except DBAPIError as error:
            if not isinstance(error.orig, psycopg.Error):
                raise
            cut = isinstance(error, OperationalError | InterfaceError)
            if cut or error.connection_invalidated:  # the server hung up on us, in words
                raise self._unreachable(error) from error
            raise self._refused(error) from error

    def _unreachable(self, error: Exception) -> UnreachableError:
        return UnreachableError(
            f"PostgreSQL at {self.name}: {_first_line(error)}",
            number=50,
            place="journal.copy_to",
            remedy="see that the server runs and lets leverd in: pg_isready, pg_hba.conf, "
            "~/.pgpass",
        )

    def _refused(self, error: Exception) -> JournalRefusedError:
        return JournalRefusedError(
            f"PostgreSQL at {self.name}: {_first_line(error)}",
            number=7,
            place="journal.copy_to",
        )


def _url_of(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise _wrong("it is no URL of a database") from error
    if url.get_backend_name() != "postgresql" or url.drivername not in {"postgresql", _DRIVER}:
        raise _wrong(f"it is of {url.drivername}")
    if not url.database:
        raise _wrong("it names no database")
    if url.password is not None or "password" in url.query:
        raise _wrong("a password stands in it")
    return url.set(drivername=_DRIVER)


def _check_driver() -> None:
    """Check that there is a driver: before a daemon starts, not in a thread beside it."""
    if find_spec("psycopg") is None:
        raise OwnerError(
            "a copy on PostgreSQL needs its driver",
            number=110,
            place="journal.copy_to",
            remedy="pip install 'leverd[postgres]'",
        )


def _wrong(why: str) -> OwnerError:
    return OwnerError(
        f"the URL of the journal's copy cannot be used: {why}",
        number=111,
        place="journal.copy_to",
        remedy="postgresql://USER@HOST:PORT/DATABASE; its password under journal.copy_password, in"
        " ~/.pgpass or PGPASSWORD",
    )


def _first_line(error: Exception) -> str:
    said = str(getattr(error, "orig", error)).strip()
    return said.splitlines()[0] if said else "no answer"
