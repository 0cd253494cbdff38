"""When to leave a failing dependency alone.

No Protocol: every adapter that asks others needs the same one, and adapters never import each
other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Circuit(StrEnum):
    """What a breaker lets through."""

    CLOSED = "closed"
    """Everything."""

    OPEN = "open"
    """Only probes."""

    HALF_OPEN = "half_open"
    """One call, whose result decides."""


@dataclass(slots=True)
class Breaker:
    """Opens after `failures_max` failures in a row; waits longer after each failed trial.

    It knows no clock: callers say when, in seconds of any clock that never goes back.
    Probes (a guardian's look) always pass, and their success closes it.
    """

    failures_max: int = 3
    wait_s_first: float = 5.0
    wait_s_max: float = 300.0
    _failures: int = field(default=0, init=False)
    _waits: int = field(default=0, init=False)
    _open_until: float | None = field(default=None, init=False)
    _trial_until: float | None = field(default=None, init=False)

    def circuit(self, now: float) -> Circuit:
        """Return what would pass at `now`."""
        if self._open_until is None:
            return Circuit.CLOSED
        return Circuit.OPEN if now < self._open_until else Circuit.HALF_OPEN

    def admits(self, now: float, *, probe: bool = False) -> bool:
        """Return whether a call may be made at `now`; while half open, only one at a time."""
        circuit = self.circuit(now)
        if circuit is Circuit.HALF_OPEN and (self._trial_until is None or now > self._trial_until):
            self._trial_until = now + self.wait_s_first
            return True
        return probe or circuit is Circuit.CLOSED

    def succeeded(self) -> None:
        """Close: the dependency answers."""
        self._failures = self._waits = 0
        self._open_until = self._trial_until = None

    def failed(self, now: float) -> None:
        """Count a failure at `now`, and open when there were too many in a row."""
        self._failures += 1
        self._trial_until = None
        if self._failures < self.failures_max:
            return
        if self._open_until is None or now >= self._open_until:
            self._open_until = now + min(self.wait_s_first * 2**self._waits, self.wait_s_max)
            self._waits = min(self._waits + 1, 16)

    def rest(self, until: float) -> None:
        """Open until `until` at least: the dependency itself asked for the pause."""
        self._trial_until = None
        self._open_until = max(until, self._open_until or until)
