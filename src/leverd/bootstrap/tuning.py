"""Settings that change while the daemon runs: read whole, judged whole, offered whole.

A signal asks for whatever the files say. Without one a changed file is taken only where it
tightens. A file that is still being written is left until it has been still for a while, and
is read between two hashes of it: what was read is what was there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from loguru import logger

from leverd.bootstrap import feasible
from leverd.bootstrap.renewal import Renewal, Renewed
from leverd.bootstrap.sources import Source
from leverd.domain.events import AlertRaised, SettingsChanged
from leverd.domain.position import LegKind, Position
from leverd.domain.view import View
from leverd.engine.charter import Charter
from leverd.engine.tuning import Offer, Refused, Tuned
from leverd.errors import InfeasibleError, LeverdError, SettingsError
from leverd.interfaces.agent import AgentKind
from leverd.interfaces.clock import Clock
from leverd.interfaces.supervisor import Supervisor
from leverd.settings import Change, Needs, Settings, changes

STILL_S: Final = 1.0
"""Wall seconds for which a file must not change before it is read."""

_CEILINGS: Final = frozenset({"gas_price_gwei_max", "gas_price_gwei_worst"})
"""What the highest fee that the signer ever signs for comes from."""

_UNREADABLE: Final = "LVD-CFG-009"
_LOOSENS: Final = 91
_RESTART: Final = 92


@dataclass(frozen=True, slots=True)
class Hands:
    """What a tuner works with; `apply` and `keep` are called with settings now in force."""

    clock: Clock
    supervisor: Supervisor
    kinds: Mapping[str, AgentKind[Any]]  # as they were at the start: code does not change here
    charter_of: Callable[[Settings, Charter], Charter]
    fits: Callable[[Settings], bool]  # whether the signer's own ceilings, set at start, hold it
    apply: Callable[[Settings], None]
    renewal: Renewal


class FileTuner:
    """Offers what the files say anew. Reads nothing but a stat while nothing changes."""

    def __init__(self, source: Source, settings: Settings, hands: Hands) -> None:
        self._source, self._hands = source, hands
        self._settings, self._next = settings, settings
        self._asked = False
        self.rouse: Callable[[], None] = _sleep_on  # has a turn begin now
        self._seen = source.look()
        self._still_since = hands.clock.monotonic() - STILL_S
        self._renewed = Renewed()
        self._later: list[Refused] = []  # what is to be said after what was offered
        self._done = ""  # what was last taken or refused: not yet what the files say now
        self._done_seen: tuple[tuple[int, ...], ...] = ()

    @property
    def in_force(self) -> Settings:
        """The settings that the daemon acts by now."""
        return self._settings

    def ask(self) -> None:
        """Note that a person asks for what the files say now."""
        self._asked = True
        self._hands.renewal.forget()  # they may have changed since they were read
        self._hands.supervisor.reloading()
        self.rouse()

    def offer(self, charter: Charter, views: Mapping[str, View]) -> Offer | None:
        """Return what there is to change, None for nothing; see `Tuner`."""
        if self._later:
            return self._later.pop()
        if not views or not self._is_still() or self._hands.renewal.is_reading():
            return None
        if not self._asked and (not self._settings.engine.watch or self._seen == self._done_seen):
            return None
        digest = self._source.digest()
        if not self._asked and digest == self._done:
            self._done_seen = self._seen
            return None
        offer = self._judged(charter, views, digest)
        if self._source.digest() != digest:
            self._again(STILL_S)  # written while we read: what we read is nothing
            return None
        if self._hands.renewal.is_reading():
            return None  # what they name is being read; the end of that rouses us
        self._done, self._done_seen = digest, self._seen
        if offer is None:
            self._answer()
        return offer

    def settled(self, offer: Offer) -> None:
        """Learn that `offer` is in force, or that its refusal is journaled."""
        if isinstance(offer, Tuned):
            self._settings = self._next
            self._renewed.take()
            self._hands.apply(self._settings)
            self._hands.supervisor.pace(offer.charter.pace.look_s_max / offer.charter.speed)
        if self._later:
            self.rouse()
        else:
            self._answer()

    def _is_still(self) -> bool:
        """Return whether the files have not changed for a while."""
        now, seen = self._hands.clock.monotonic(), self._source.look()
        if seen != self._seen:
            self._seen, self._still_since = seen, now
        left = self._still_since + STILL_S - now
        if left > 0 and (self._asked or self._settings.engine.watch):
            self._again(left)
        return left <= 0

    def _again(self, seconds: float) -> None:
        """Have a turn begin once the files may be still."""
        asyncio.get_running_loop().call_later(seconds, self.rouse)

    def _judged(self, charter: Charter, views: Mapping[str, View], digest: str) -> Offer | None:
        try:
            self._source.check_whole()
            new = self._source.load(self._hands.kinds)
            found = changes(self._settings, new)
            self._check(new, found, views)
            renewed = self._secrets(new, views, digest)
            if renewed is None:
                return None
            renewed.check(found)
            made = self._hands.charter_of(new, charter)
        except (LeverdError, OSError) as error:
            return Refused(_alert(error))
        told = (*(str(each) for each in found), *renewed.told)
        said = [] if (alert := renewed.alert()) is None else [Refused(alert)]
        if not told:
            if self._asked and not said:
                logger.info("settings: nothing differs from what runs; secrets: all are good")
            return said[0] if said else None
        self._next, self._renewed, self._later = new, renewed, said
        by = "signal" if self._asked else "file"
        return Tuned(made, SettingsChanged(charter.settings_hash, made.settings_hash, told, by))

    def _secrets(self, new: Settings, views: Mapping[str, View], digest: str) -> Renewed | None:
        """Return what came of reading the secrets anew; None while they are being read."""
        if not self._asked:
            return Renewed()
        renewed = self._hands.renewal.result(digest)
        if renewed is None:
            open_ = [name for name, view in views.items() if _is_open(view.state.position)]
            self._hands.renewal.begin(new, digest, open_, self.rouse)
        return renewed

    def _check(self, new: Settings, found: Sequence[Change], views: Mapping[str, View]) -> None:
        """Check that `new` may come into force now.

        Raises:
            SettingsError: it takes a signal, or a restart.
            InfeasibleError: the market does not let it be kept.
        """
        fixed = [each for each in found if each.needs is Needs.RESTART]
        if not fixed and not self._hands.fits(new):
            fixed = [each for each in found if each.path[-1] in _CEILINGS]
        if fixed:
            remedy = "restart the daemon; it settles what is in flight first"
            raise _refused(_RESTART, fixed, remedy)
        loose = [each for each in found if each.needs is not Needs.NOTHING]
        if loose and not self._asked:
            raise _refused(
                _LOOSENS, loose, "systemctl reload leverd, or kill -HUP, says that you mean it"
            )
        loose = [each for each in loose if each.needs is not Needs.TRIAL]
        for name, view in views.items():
            refused = feasible.judged(new, name, view).refused
            if refused and (loose or not feasible.judged(self._settings, name, view).refused):
                raise InfeasibleError(
                    "; ".join(str(each) for each in refused), number=1, place=f"positions.{name}"
                )

    def _answer(self) -> None:
        if self._asked:
            self._asked = False
            self._hands.supervisor.reloaded()


def tuned(charter: Charter, made: Charter) -> Charter:
    """Return `charter` with what may change while it runs taken from `made`."""
    return replace(
        charter,
        settings_hash=made.settings_hash,
        seats=made.seats,
        limits=made.limits,
        timing=made.timing,
        pace=made.pace,
    )


def _refused(number: int, found: Sequence[Change], remedy: str) -> SettingsError:
    message = "; ".join(str(each) for each in found)
    return SettingsError(message, number=number, place="settings", remedy=remedy)


def _is_open(position: Position) -> bool:
    return any(leg.kind is not LegKind.IDLE for leg in position.legs())


def _sleep_on() -> None:
    """Wake nobody: no daemon is there yet."""


def _alert(error: LeverdError | OSError) -> AlertRaised:
    message = f"changed settings are refused, the old ones stay in force: {error}"
    return AlertRaised("", error.code if isinstance(error, LeverdError) else _UNREADABLE, message)
