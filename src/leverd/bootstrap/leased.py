"""What a daemon acts under where two share a key: the lease, and what it does without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from eth_account.signers.local import LocalAccount

from leverd.adapters.sql_journal import Server
from leverd.adapters.sql_journal.lease import Title
from leverd.adapters.sql_journal.tenure import NAME, Tenure
from leverd.bootstrap.chain_sight import ChainSight
from leverd.bootstrap.tuning import FileTuner
from leverd.domain.events import SettingsChanged
from leverd.domain.view import View
from leverd.engine.charter import Charter
from leverd.engine.tuning import Offer, Tuned
from leverd.engine.turn import Seat
from leverd.interfaces.lease import Lease, Unheld
from leverd.interfaces.supervisor import Supervisor
from leverd.interfaces.watcher import Nobody, Watcher

Seats: TypeAlias = Mapping[str, Sequence[Seat]]

GUARDS: Final = "standby lease: run out -> the guards alone"
ALL: Final = "standby lease: renewed -> every agent"
_BY: Final = "lease"


@dataclass(frozen=True, slots=True)
class Post:
    """The right to act, or the lack of it, and the key that was unlocked while waiting."""

    account: LocalAccount
    tenure: Tenure | None  # None: the server did not answer, and nobody gave us anything
    news: str = ""  # what to journal of how it came about
    server: Server | None = None  # where the lease is, and the journal's copy
    sight: ChainSight | None = None  # None: there is no lease that one might let go

    @property
    def lease(self) -> Lease:
        """What the signer asks."""
        return self.tenure or Unheld()

    @property
    def title(self) -> Title | None:
        """What the journal's copy is written with, None where it is not written."""
        return None if self.tenure is None else self.tenure.title

    @property
    def watcher(self) -> Watcher:
        """Who is to be told of every turn, so that a blind holder lets go."""
        return self.sight or Nobody()

    def circuits(self) -> Mapping[str, str]:
        """Return whether the lease is held, as breakers say it."""
        return {NAME: "open"} if self.tenure is None else self.tenure.circuits()

    def standing(self) -> str:
        """Return in a few words how we stand, for a status line."""
        if self.lease.holds() and self.tenure is not None:
            return f"holds the lease, epoch {self.tenure.title.epoch}"
        return "WITHOUT THE LEASE, guards only"


class LeasedTuner:
    """A `Tuner` that leaves the guards alone while the lease is not held, and `inner` otherwise."""

    def __init__(
        self, lease: Lease, guards_of: Callable[[Seats], Seats], inner: FileTuner | None
    ) -> None:
        self._lease, self._guards_of, self._inner = lease, guards_of, inner
        self._everyone: Seats | None = None  # who sat there before the guards were left alone
        self._own: Tuned | None = None
        self._before: Seats = {}  # who sat there when it was offered

    def offer(self, charter: Charter, views: Mapping[str, View]) -> Offer | None:
        """Return what there is to change in `charter`, None for nothing; see `Tuner`."""
        holds, everyone = self._lease.holds(), self._everyone
        if holds and everyone is not None:
            return self._offered(charter, everyone, ALL)
        if not holds and everyone is None:
            return self._offered(charter, self._guards_of(charter.seats), GUARDS)
        return self._inner.offer(charter, views) if holds and self._inner is not None else None

    def settled(self, offer: Offer) -> None:
        """Learn that `offer` is in force, or that its refusal is journaled."""
        if offer is not self._own:
            assert self._inner is not None, "what is not ours is the inner tuner's"
            self._inner.settled(offer)
            return
        self._everyone = self._before if self._everyone is None else None
        self._own = None

    def _offered(self, charter: Charter, seats: Seats, what: str) -> Tuned:
        self._before = charter.seats
        marked = charter.settings_hash
        event = SettingsChanged(marked, marked, (what,), _BY)
        self._own = Tuned(replace(charter, seats=seats), event)
        return self._own


class TellingSupervisor:
    """A `Supervisor` that is told with each turn how we stand to the lease, or whom we do without.

    What ends with the lease is not the process, which `waits_on`: whoever looks after it would
    end it for good where it was told that it stops.
    """

    def __init__(
        self, inner: Supervisor, standing: Callable[[], str], waits_on: Callable[[], bool]
    ) -> None:
        self._inner, self._standing, self._waits_on = inner, standing, waits_on

    def starting(self, status: str, within_s: float) -> None:
        """Say what the start waits for."""
        self._inner.starting(self._said(status), within_s)

    def turned(self, status: str, *, fresh: bool) -> None:
        """Say that a turn was completed."""
        self._inner.turned(self._said(status), fresh=fresh)

    def reloading(self) -> None:
        """Say that new settings are about to be looked at."""
        self._inner.reloading()

    def reloaded(self) -> None:
        """Say that new settings are in force, or refused."""
        self._inner.reloaded()

    def pace(self, look_s: float) -> None:
        """Say that turns may lie `look_s` wall seconds apart."""
        self._inner.pace(look_s)

    def stopping(self, status: str, within_s: float) -> None:
        """Say that we are leaving, or only that we live."""
        if self._waits_on():
            self.turned(status, fresh=False)
        else:
            self._inner.stopping(status, within_s)

    def _said(self, status: str) -> str:
        standing = self._standing()
        return f"{standing}: {status}" if standing else status
