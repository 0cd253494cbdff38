"""What is to be said, gathered so that a storm of alerts is one message. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from leverd.domain.events import AlertRaised
from leverd.domain.severity import Severity, severity_of

_HOUR_S: Final = 3_600.0
_LINES_MAX: Final = 20
"""Lines of one message; what is beyond is counted."""

_KEPT_MAX: Final = 1_000
"""Different alerts that wait, while nothing may be sent; beyond that the lightest are counted."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner wants to hear of, and how often."""

    least: Severity = Severity.WARNING
    codes: Mapping[str, Severity | None] = field(default_factory=dict)  # None: never
    group_s: float = 10.0  # alerts within so many seconds of the first are one message
    hour_max: int = 30  # messages an hour; what is critical is sent beyond them

    def severity(self, code: str) -> Severity | None:
        """Return how much `code` matters to the owner, None if it is not to be said.

        A whole family is named by its beginning, as LVD-BRK; the longest name that fits counts.
        """
        said = [name for name in self.codes if code == name or code.startswith(f"{name}-")]
        found = self.codes[max(said, key=len)] if said else severity_of(code)
        return None if found is None or found < self.least else found


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one or many services."""

    title: str
    body: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class _Line:
    """What one or many alerts say alike."""

    code: str
    position_id: str
    message: str
    severity: Severity

    def text(self, count: int) -> str:
        where = f" [{self.position_id}]" if self.position_id else ""
        times = f" ({count} times)" if count > 1 else ""
        return f"{self.code}{where} {self.message}{times}"


class Outbox:
    """Alerts that wait to be sent. Times are monotonic seconds."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._waiting: dict[_Line, int] = {}  # how often, in the order of their first time
        self._beyond = 0  # alerts too many to keep
        self._since: float | None = None
        self._sent: deque[float] = deque()

    def add(self, alert: AlertRaised, now: float) -> bool:
        """Take `alert` in; return whether anybody wants to hear of it."""
        severity = self._policy.severity(alert.code)
        if severity is None:
            return False
        line = _Line(alert.code, alert.position_id, alert.message, severity)
        self._waiting[line] = self._waiting.get(line, 0) + 1
        if len(self._waiting) > _KEPT_MAX:  # of the lightest the newest goes
            lightest = min(reversed(self._waiting), key=lambda each: each.severity)
            self._beyond += self._waiting.pop(lightest)
        self._since = now if self._since is None else self._since
        return True

    def due_at(self) -> float | None:
        """Return when the next message is to be sent, None while there is nothing to say."""
        if self._since is None:
            return None
        due = self._since + self._policy.group_s
        if self._gravest is Severity.CRITICAL or len(self._sent) < self._policy.hour_max:
            return due
        return max(due, self._sent[0] + _HOUR_S)

    def take(self, now: float) -> Message | None:
        """Return the message that is due, None if none is."""
        while self._sent and self._sent[0] <= now - _HOUR_S:
            self._sent.popleft()
        due = self.due_at()
        if due is None or due > now:
            return None
        message = self._message()
        self._sent.append(now)
        self._waiting.clear()
        self._beyond = 0
        self._since = None
        return message

    def flush(self) -> Message | None:
        """Return all that waits, due or not; the process ends."""
        return self._message() if self._waiting else None

    @property
    def _gravest(self) -> Severity:
        return max((each.severity for each in self._waiting), default=Severity.INFO)

    def _message(self) -> Message:
        """Return what waits, the gravest first: of many lines only the first are read."""
        grave_first = sorted(self._waiting, key=lambda each: -each.severity)
        lines = [each.text(self._waiting[each]) for each in grave_first]
        more = len(lines) - _LINES_MAX + self._beyond
        shown = [*lines[:_LINES_MAX], f"and {more} more"] if more > 0 else lines
        total = sum(self._waiting.values()) + self._beyond
        first = grave_first[0].code
        if total == 1:
            what = first
        elif self._gravest is Severity.CRITICAL:
            what = f"{first} and {total - 1} more"
        else:
            what = f"{total} alerts"
        return Message(f"leverd: {what}", "\n".join(shown), self._gravest)
