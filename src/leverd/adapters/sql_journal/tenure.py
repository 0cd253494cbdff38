"""Holding the lease: renewed by a thread, and over by our own clock before anybody else's.

The server grants `ttl_s` from when it carries a renewal out. We count from when we began to ask,
which was earlier: whatever stopped us in between, a signal, a slow line, a swapped-out process,
we stop signing before the server gives the lease to another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from loguru import logger

from leverd.adapters.sql_journal.lease import LeaseRow, Title
from leverd.adapters.sql_journal.lease_file import HOLDER, WITHOUT, LeaseFile, Standing
from leverd.errors import JournalError, UnreachableError

NAME: Final = "standby lease"
"""What status and alerts call it."""

RAN_OUT: Final = "LVD-LSE-001"
LOST: Final = "LVD-LSE-002"
TAKEN: Final = "LVD-LSE-003"

_DRIFT: Final = 0.02
"""By which share of a lease our clock may be slower than the server's."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a lease lasts, and how often it is renewed; wall seconds."""

    ttl_s: float
    renew_s: float

    @property
    def limit_s(self) -> float:
        """For how long one answer of the server is waited for."""
        return max(self.renew_s, self.ttl_s / 3)


class Tenure:
    """A `Lease` that we hold, or held until the server fell silent. Never regained once lost.

    `now` gives seconds that never go back and pass in a machine's sleep too.
    """

    def __init__(
        self,
        row: LeaseRow,
        title: Title,
        terms: Terms,
        began: float,
        *,
        now: Callable[[], float],
        file: LeaseFile,
    ) -> None:
        self._row, self.title, self._terms = row, title, terms
        self._now, self._file = now, file
        self._ended: Callable[[], None] | None = None
        self._until = began + self._lasts_s
        self._over = False
        self._is_said = False  # that it ran out
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="standby-lease", daemon=True)
        self._tell()

    def holds(self) -> bool:
        """Return whether no other daemon can have the lease by now."""
        return not self._over and self._now() < self._until

    def is_over(self) -> bool:
        """Return whether another daemon has it, or may have, for good."""
        return self._over

    def on_end(self, ended: Callable[[], None]) -> None:
        """Have `ended` called when the lease is another's: on the renewing thread, or at once."""
        self._ended = ended
        if self._over:
            ended()

    def circuits(self) -> Mapping[str, str]:
        """Return whether we hold it, as breakers say it: closed if so, else open."""
        return {NAME: "closed" if self.holds() else "open"}

    def start(self) -> None:
        """Begin to renew it."""
        self._thread.start()

    def close(self) -> None:
        """Sign nothing any more, and let another have the lease at once."""
        self._over = True
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2 * self._terms.limit_s + 1)
        if not self._thread.is_alive():  # else the row is not ours to use; it runs out by itself
            try:
                self._row.give_back(self.title)
            except (UnreachableError, JournalError) as error:
                logger.warning("the lease is not given back, it runs out by itself: {}", error)
            self._row.close()

    @property
    def _lasts_s(self) -> float:
        return self._terms.ttl_s * (1 - _DRIFT)

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._terms.renew_s):
                if not self._renewed():
                    self._lose("another daemon has it")
                    return
        except Exception as error:  # noqa: BLE001 -- a thread that ended must not look alive
            self._lose(repr(error))

    def _renewed(self) -> bool:
        """Ask once; return whether the lease is still ours to ask for."""
        began = self._now()
        try:
            is_ours = self._row.renew(self.title, self._terms.ttl_s)
        except (UnreachableError, JournalError) as error:
            self._notice(error)
            return True
        if is_ours:
            self._until = began + self._lasts_s
            if self._is_said:
                logger.info("the lease is renewed, epoch {}", self.title.epoch)
            self._is_said = False
            self._tell()
        return is_ours

    def _notice(self, error: Exception) -> None:
        if not self.holds() and not self._is_said:
            self._is_said = True
            logger.warning(
                "{} the lease ran out, only deleverages that the chain itself lets happen once "
                "are signed: {}",
                RAN_OUT,
                error,
            )
            self._tell()

    def _lose(self, why: str) -> None:
        self._over = True
        logger.warning("{} the lease of epoch {} is lost: {}", LOST, self.title.epoch, why)
        self._tell()
        if self._ended is not None:
            self._ended()

    def _tell(self) -> None:
        state = HOLDER if self.holds() else WITHOUT
        self._file.say(Standing(state, self.title.epoch, self.title.holder))
