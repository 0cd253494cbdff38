"""What the last looks at each position add up to: breakers, the fall of health, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from leverd.domain import loans
from leverd.domain.events import AlertRaised, BreakerTurned
from leverd.domain.view import View
from leverd.engine.book import Book, Page
from leverd.engine.turn import Seat
from leverd.interfaces.notifier import Notifier
from leverd.risk import breakers, drift, frost
from leverd.risk.limits import Limits
from leverd.risk.only_close import only_close

ALERT: Final = "LVD-GRD-001"
BREAKERS: Final = "LVD-BRK-001"
ONLY_CLOSE: Final = "LVD-GRD-003"
FROZEN: Final = "LVD-FRZ-001"
DEPENDENCY: Final = "LVD-BRK-002"

CLOSED: Final = "closed"
OPEN: Final = "open"


class Watchman:
    """Remembers counts between looks, and tells a human once for each spell."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._breakers: dict[str, breakers.Breakers] = {}
        self._drifts: dict[str, drift.Drift] = {}
        self._said: set[tuple[str, str]] = set()

    def watched(
        self, name: str, view: View, limits: Limits, page: Page, seats: Sequence[Seat]
    ) -> tuple[View, tuple[BreakerTurned, ...]]:
        """Return the view with what breakers and guards make of it, and what is new to journal."""
        before = self._breakers.get(name) or breakers.Breakers.standing(page.record.breakers)
        after = breakers.watch(before, view, limits, failures=page.failures)
        self._breakers[name] = after
        if after.opened != before.opened:
            faults = ", ".join(after.opened) or "none"
            text = f"breakers that hold back new risk: {faults}"
            self._notifier.notify(AlertRaised(name, BREAKERS, text))
        alerts = (seat.alert(view) for seat in seats)
        self.warn(name, ALERT, next(filter(None, alerts), ""))
        self.warn(name, FROZEN, frost.frozen(view))
        self.warn(name, ONLY_CLOSE, only_close(view))
        record = replace(
            view.record, breakers=tuple(after.opened), health_fall=self._fall(name, view)
        )
        events = turned(name, page.record.breakers, after.opened)
        return replace(view, record=record), events

    def dependencies(
        self, circuits: Mapping[str, str], book: Book
    ) -> tuple[BreakerTurned | AlertRaised, ...]:
        """Return what to journal of dependencies whose breaker is not as the journal says."""
        events: list[BreakerTurned | AlertRaised] = []
        for name, circuit in sorted(circuits.items()):
            if circuit == book.dependencies.get(name, CLOSED):
                continue
            events.append(BreakerTurned("", name, circuit, "it did not answer as it must"))
            if circuit == OPEN and name not in book.dependencies:
                events.append(AlertRaised("", DEPENDENCY, f"{name} fails and is left alone"))
        return tuple(events)

    def warn(self, name: str, code: str, message: str) -> None:
        """Tell a human, once for each spell: an empty message ends the spell."""
        if message and (name, code) not in self._said:
            self._notifier.notify(AlertRaised(name, code, message))
        (self._said.add if message else self._said.discard)((name, code))

    def _fall(self, name: str, view: View) -> int:
        loan = view.state.position.loan
        health = loans.summarise(view.state.market, loan, view.now).health
        self._drifts[name] = drift.with_look(self._drifts.get(name, ()), view.now, health)
        return drift.fall(self._drifts[name])


def turned(name: str, before: Sequence[str], after: Sequence[str]) -> tuple[BreakerTurned, ...]:
    """Return what to journal of breakers that were open `before` and are open `after`."""
    opened = [
        BreakerTurned(name, fault, OPEN, "bad for too long")
        for fault in after
        if fault not in before
    ]
    closed = [
        BreakerTurned(name, fault, CLOSED, "good for a while")
        for fault in before
        if fault not in after
    ]
    return (*opened, *closed)
