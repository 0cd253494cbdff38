"""Holding the lease: renewed by a thread, and over by our own clock before anybody else's.

The server grants `ttl_s` from when it carries a renewal out. We count from when we began to ask,
which was earlier: whatever stopped us in between, a signal, a slow line, a swapped-out process,
we stop signing before the server gives the lease to another.

Who does not see the chain acts on nothing, and renews as well as anybody: it lets another have
the lease. It signs nothing from that moment, and keeps the lease while it ships its journal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from loguru import logger

from leverd.adapters.sql_journal.lease import LeaseRow, Title
from leverd.adapters.sql_journal.lease_file import HOLDER, WITHOUT, LeaseFile, Standing
from leverd.errors import JournalError, UnreachableError

NAME: Final = "standby lease"
"""What status and alerts call it."""

RAN_OUT: Final = "LVD-LSE-001"
LOST: Final = "LVD-LSE-002"
TAKEN: Final = "LVD-LSE-003"
BLIND: Final = "LVD-LSE-004"

_LEAVE_S: Final = 15.0
"""Wall seconds in which one that lets the lease go may settle and ship; then another has it."""

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


class Sight(Protocol):
    """What a holder sees of the chain; asked by the renewing thread."""

    def is_blind(self) -> bool:
        """Return whether it is too long since the chain was seen as it is."""
        ...

    def woken(self) -> None:
        """Learn that what was due may have been due in a sleep."""
        ...


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
        sight: Sight,
    ) -> None:
        self._row, self.title, self._terms = row, title, terms
        self._now, self._file, self._sight = now, file, sight
        self._ended: Callable[[], None] | None = None
        self._until = began + self._lasts_s
        self._over = False
        self._leaves_by: float | None = None  # by `now`; None while we mean to keep it
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
            self._give_back()
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
                if self._leaves_by is None:
                    self._let_go_if_blind()
                elif self._now() >= self._leaves_by:
                    self._give_back()
                    return
        except Exception as error:  # noqa: BLE001 -- a thread that ended must not look alive
            self._lose(repr(error))

    def _renewed(self) -> bool:
        """Ask once; return whether the lease is still ours to ask for."""
        began, held = self._now(), self.holds()
        try:
            is_ours = self._row.renew(self.title, self._terms.ttl_s)
        except (UnreachableError, JournalError) as error:
            self._notice(error)
            return True
        if is_ours:
            self._until = began + self._lasts_s
            if not held:
                self._sight.woken()
            if self._is_said:
                logger.info("the lease is renewed, epoch {}", self.title.epoch)
            self._is_said = False
            self._tell()
        return is_ours

    def _let_go_if_blind(self) -> None:
        """Sign nothing any more where we do not see the chain, and have what acts come to its end.

        A lease that ran out is nobody's by the server: we guard on, blind as we may be.
        """
        if self.holds() and self._sight.is_blind():
            self._leaves_by = self._now() + _LEAVE_S
            self._end(BLIND, "is left to others: the chain was not seen as it is for too long")

    def _give_back(self) -> None:
        try:
            self._row.give_back(self.title)
        except (UnreachableError, JournalError) as error:
            logger.warning("the lease is not given back, it runs out by itself: {}", error)

    def _notice(self, error: Exception) -> None:
        if not self._over and not self.holds() and not self._is_said:
            self._is_said = True
            logger.warning(
                "{} the lease ran out, only deleverages that the chain itself lets happen once "
                "are signed: {}",
                RAN_OUT,
                error,
            )
            self._tell()

    def _lose(self, why: str) -> None:
        self._end(LOST, f"is lost: {why}")

    def _end(self, code: str, what: str) -> None:
        self._over = True
        logger.warning("{} the lease of epoch {} {}", code, self.title.epoch, what)
        self._tell()
        if self._ended is not None:
            self._ended()

    def _tell(self) -> None:
        state = HOLDER if self.holds() else WITHOUT
        self._file.say(Standing(state, self.title.epoch, self.title.holder))
