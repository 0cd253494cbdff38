"""Send alerts from a thread of their own: no turn waits for a service, none fails with it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from loguru import logger

from leverd.adapters.apprise_notifier.outbox import Message, Outbox, Policy
from leverd.adapters.apprise_notifier.targets import Target
from leverd.domain.events import AlertRaised
from leverd.interfaces.clock import Clock

_PAUSES_S: Final = (5.0, 30.0, 120.0, 600.0)
"""Between the tries of one message at one service that does not take it."""

_TRYING_MAX: Final = 100
"""Messages kept for another try; the oldest goes when there are more."""


@dataclass(frozen=True, slots=True)
class _Try:
    """One message on its way to one service."""

    at: float
    target: Target
    message: Message
    tries: int = 0


class AppriseNotifier:
    """A `Notifier` to the owner's services."""

    def __init__(self, targets: Sequence[Target], policy: Policy, clock: Clock) -> None:
        self._targets, self._clock = targets, clock
        self._outbox = Outbox(policy)
        self._trying: list[_Try] = []
        self._news = threading.Condition()
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def notify(self, alert: AlertRaised) -> None:
        """Queue `alert` for delivery."""
        with self._news:
            if self._outbox.add(alert, self._clock.monotonic()):
                self._news.notify()

    def tells(self, targets: Sequence[Target]) -> bool:
        """Return whether these are the services that are told already."""
        held = self._targets
        return len(held) == len(targets) and all(map(Target.is_same, held, targets))

    def renew(self, targets: Sequence[Target]) -> None:
        """Tell `targets` from now on; what waits for another try goes to the one of that name."""
        by_name = {each.name: each for each in targets}
        with self._news:
            self._targets = targets
            self._trying = [
                replace(each, target=by_name[each.target.name])
                for each in self._trying
                if each.target.name in by_name
            ]

    def close(self, *, wait_s: float = 5.0) -> None:
        """Send what waits once, also what waits for another try, and end.

        It takes at most `wait_s` wall seconds.
        """
        with self._news:
            self._is_ending = True
            self._news.notify()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def _run(self) -> None:
        while True:
            with self._news:
                due = self._gathered()
                while not due and not self._is_ending:
                    self._news.wait(self._until_next())
                    due = self._gathered()
                ending = self._is_ending
                if ending:
                    due, self._trying = [*due, *self._trying], []
                    if (last := self._outbox.flush()) is not None:
                        due += [_Try(0.0, each, last) for each in self._targets]
            for each in due:
                self._send(each, again=not ending)
            if ending:
                return

    def _gathered(self) -> list[_Try]:
        """Return what is due now, and forget it."""
        now = self._clock.monotonic()
        if (message := self._outbox.take(now)) is not None:
            self._trying += [_Try(now, each, message) for each in self._targets]
        due = [each for each in self._trying if each.at <= now]
        self._trying = [each for each in self._trying if each.at > now]
        return due

    def _until_next(self) -> float | None:
        times = [each.at for each in self._trying]
        if (due := self._outbox.due_at()) is not None:
            times.append(due)
        return max(min(times) - self._clock.monotonic(), 0.0) if times else None

    def _send(self, each: _Try, *, again: bool) -> None:
        if each.target.send(each.message):
            return
        if not again or each.tries >= len(_PAUSES_S):
            logger.warning("{} did not take an alert: {}", each.target.name, each.message.title)
            return
        if each.tries == 0:
            logger.warning("{} does not take an alert now, trying again", each.target.name)
        later = self._clock.monotonic() + _PAUSES_S[each.tries]
        with self._news:
            # it may have been renewed while this was on its way
            named = (one for one in self._targets if one.name == each.target.name)
            target = next(named, each.target)
            self._trying.append(_Try(later, target, each.message, each.tries + 1))
            if len(self._trying) > _TRYING_MAX:
                gone = self._trying.pop(0)
                logger.warning("{} gets no more of: {}", gone.target.name, gone.message.title)
