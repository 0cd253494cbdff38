"""A thread that keeps a journal's copy up to date beside the daemon."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from loguru import logger

from leverd.adapters.sql_journal.copier import Copier
from leverd.adapters.sql_journal.heartbeat import Heartbeat
from leverd.adapters.sql_journal.lease import Title
from leverd.adapters.sql_journal.requests import SqlRequests
from leverd.adapters.sql_journal.server import Server
from leverd.errors import (
    JournalDamagedError,
    JournalError,
    JournalForeignError,
    UnreachableError,
)
from leverd.interfaces.clock import Clock

NAME: Final = "journal copy"
"""What status and alerts call it."""

_LOOK_S: Final = 1.0
"""Between two looks for wishes, and for a beat to tell of."""

_PATIENCE_S: Final = (1.0, 60.0)
"""The first and the longest pause after the server did not answer."""


class Copying:
    """Ships as soon as it is woken; a server that is away is tried again, and said.

    Nothing here makes a turn or an append wait. With a `title`, the copy is written only while
    nobody else has the lease. `sights` gives what the last turn and the trader saw, as JSON.
    """

    def __init__(
        self,
        path: Path,
        server: Server,
        clock: Clock,
        title: Title | None = None,
        sights: Callable[[], tuple[str, str]] = lambda: ("", ""),
    ) -> None:
        self._path, self._server, self._clock, self._title = path, server, clock, title
        self._sights = sights
        self._news, self._stop = threading.Event(), threading.Event()
        self._circuit, self._pause = "closed", _PATIENCE_S[0]
        self._thread = threading.Thread(target=self._run, name="journal-copy", daemon=True)

    def start(self) -> None:
        """Begin; the journal's file is there by now."""
        self._thread.start()

    def wake(self, _seq: int = 0) -> None:
        """Say that something was appended."""
        self._news.set()

    def circuits(self) -> Mapping[str, str]:
        """Return whether the copy can be reached: closed if so, else open."""
        return {NAME: self._circuit}

    def close(self, *, wait_s: float = 5.0) -> None:
        """Ship what is left, for at most `wait_s` wall seconds, and end."""
        self._stop.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def _run(self) -> None:
        try:
            while self._is_to_go_on():
                self._stop.wait(self._pause)
                self._pause = min(2 * self._pause, _PATIENCE_S[1])
        except Exception as error:  # noqa: BLE001 -- a thread that ended must not look alive
            self._failed(error)
            logger.error("nothing more is copied until the next start: {!r}", error)

    def _is_to_go_on(self) -> bool:
        """Ship until told to stop; return whether there is more to ship later.

        Raises:
            JournalForeignError: the copy is another journal's.
            JournalDamagedError: the journal cannot be read.
        """
        try:
            self._keep_up()
        except (JournalForeignError, JournalDamagedError):
            raise
        except (UnreachableError, JournalError) as error:
            self._failed(error)
            return not self._stop.is_set()
        return False

    def _keep_up(self) -> None:
        """Ship until told to stop, or until the server is gone."""
        heartbeat, told = Heartbeat(self._path), None
        with (
            closing(Copier(self._path, self._server, self._title)) as copier,
            closing(SqlRequests(self._path, self._clock)) as requests,
        ):
            while True:
                stopping = self._stop.is_set()
                self._news.clear()
                # Looked at first: who reads that a turn has ended finds all of it in the copy.
                turned, sights = heartbeat.last(), self._sights()
                shipped = copier.ship()
                self._answered(shipped.entries)
                if turned is not None and turned != told:
                    copier.beat(turned, *sights)
                    told = turned
                if stopping:
                    return
                copier.fetch(requests)
                self._news.wait(_LOOK_S)

    def _failed(self, error: Exception) -> None:
        if self._circuit == "closed":
            logger.warning("the journal is not copied: {}", error)
        self._circuit = "open"

    def _answered(self, entries: int) -> None:
        if self._circuit != "closed":
            logger.info("the journal is copied again, {} entries were waiting", entries)
        self._circuit, self._pause = "closed", _PATIENCE_S[0]
