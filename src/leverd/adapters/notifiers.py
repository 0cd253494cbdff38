"""Several ways to reach a human at once."""

from __future__ import annotations

from leverd.domain.events import AlertRaised
from leverd.interfaces.notifier import Notifier


class Notifiers:
    """A `Notifier` that tells each of several."""

    def __init__(self, *each: Notifier) -> None:
        self._each = each

    def notify(self, alert: AlertRaised) -> None:
        """Hand `alert` to each, in order."""
        for notifier in self._each:
            notifier.notify(alert)
