"""Leases, clocks that jump, and a line that may be cut, for tests of two daemons."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import text
from tests.journal_events import SteadyClock, decision

from leverd.adapters.sql_journal import Server, SqlJournal, doors, lease
from leverd.adapters.sql_journal.copier import Copier
from leverd.adapters.sql_journal.lease import LeaseRow, Title
from leverd.adapters.sql_journal.lease_file import LeaseFile
from leverd.adapters.sql_journal.tenure import Tenure, Terms
from leverd.adapters.system_clock import lasting
from leverd.interfaces.journal import Binding

BINDING = Binding("devnet", 31337, "0xgenesis")

LONG = 60.0
"""Wall seconds: a lease that no test outlives, however slow the machine."""


@dataclass
class Jumping:
    """A clock that goes as the machine's does, and jumps when told to."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return lasting() + self.ahead


def prepared(cluster) -> str:
    """Return a new database in which a lease waits for somebody to take it."""
    url: str = cluster.database()
    lease.prepare(Server(url))
    return url


def expire(url: str) -> None:
    """Have the lease run out by the server's clock, now."""
    _change(url, "until = 1")


def taken_over(url: str) -> None:
    """Have another take the lease at once: a renewal that came between would keep it ours."""
    _change(url, "epoch = epoch + 1, holder = 'theirs'")


def _change(url: str, what: str) -> None:
    with contextlib.closing(doors.writing(Server(url))) as door, door.begin() as connection:
        connection.execute(text(f"UPDATE lease SET {what}"))


@dataclass
class Eyes:
    """What a holder sees of the chain, as a test has it."""

    blind: bool = False
    wakes: int = 0

    def is_blind(self) -> bool:
        return self.blind

    def woken(self) -> None:
        self.wakes += 1


@contextlib.contextmanager
def only_reading(url: str) -> Iterator[None]:
    """Have the server answer and write nothing while inside, as one in recovery does."""
    _let_write(url, "off")
    try:
        yield
    finally:
        _let_write(url, "on")


def _let_write(url: str, word: str) -> None:
    """Say so to every session to come, and end those that there are, as a failover does."""
    name = url.rsplit("/", 1)[1]
    is_reading = {"on": "off", "off": "on"}[word]
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(url.replace(name, "postgres"), autocommit=True) as connection:
        connection.execute(
            f'ALTER DATABASE "{name}" SET default_transaction_read_only = {is_reading}'
        )
        connection.execute(others, [name])


def written(path: Path, url: str, *numbers: int) -> None:
    """Have the journal of some machine tell something, and ship it."""
    journal = SqlJournal(path, SteadyClock())
    journal.bind(BINDING)
    journal.append_now(*map(decision, numbers))
    copier = Copier(path, Server(url))
    copier.ship()
    copier.close()
    journal.close()


def row_of(url: str, limit_s: float = 20.0) -> LeaseRow:
    return LeaseRow(Server(url), limit_s=limit_s)


def tenure_of(row, folder, *, now, ttl_s=LONG, renew_s=0.05, holder="one", sight=None) -> Tenure:
    """Take the lease and hold it; the thread is not started."""
    began = now()
    title = row.take(holder, ttl_s)
    assert title is not None, "somebody has it"
    file = LeaseFile(folder / "journal.db")
    terms = Terms(ttl_s, renew_s)
    return Tenure(row, title, terms, began, now=now, file=file, sight=sight or Eyes())


def eventually(true: Callable[[], bool], what: str) -> None:
    """Wait until it is true, for far longer than a slow machine needs."""
    for _ in range(4_500):
        if true():
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"it never happened: {what}")


def stale(title: Title) -> Title:
    """Return a title of the epoch before."""
    return Title(title.epoch - 1, title.holder)


class Line:
    """A loopback line to a server that may fall silent: it takes all and passes nothing on."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._open = threading.Event()
        self._open.set()
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.05)
        self.port = self._listening.getsockname()[1]
        self._ends: list[socket.socket] = [self._listening]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def url(self, url: str) -> str:
        """Return `url` by way of this line."""
        return url.replace(f":{self._to}/", f":{self.port}/")

    def stall(self) -> None:
        """Pass nothing on from now on; no connection is closed."""
        self._open.clear()

    def heal(self) -> None:
        """Pass on what waits, and what comes."""
        self._open.set()

    def close(self) -> None:
        self._over.set()
        self._open.set()
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                near, _ = self._listening.accept()
            except TimeoutError:
                continue
            self._ends.append(near)
            far = socket.create_connection(("127.0.0.1", self._to))
            self._ends.append(far)
            for one, other in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pump, args=(one, other), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        source.settimeout(0.05)
        with contextlib.suppress(OSError):
            while not self._over.is_set():
                try:
                    chunk = source.recv(65_536)
                except TimeoutError:
                    continue
                while not self._open.wait(0.05):
                    if self._over.is_set():
                        return
                if not chunk:
                    break
                target.sendall(chunk)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def lined(port: int) -> Iterator[Line]:
    """Yield a line to the server at `port`."""
    line = Line(port)
    try:
        yield line
    finally:
        line.close()
