"""Telling a human."""

from __future__ import annotations

from typing import Protocol

from leverd.domain.events import AlertRaised


class Notifier(Protocol):
    """Delivers alerts; never blocks a turn and never raises."""

    def notify(self, alert: AlertRaised) -> None:
        """Queue `alert` for delivery."""
        ...
