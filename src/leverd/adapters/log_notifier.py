"""Alerts into the log, where there is no better way to reach a human."""

from __future__ import annotations

from loguru import logger

from leverd.domain.events import AlertRaised


class LogNotifier:
    """A `Notifier` that writes one line for each alert."""

    def notify(self, alert: AlertRaised) -> None:
        """Write `alert` to the log with its code, position and details."""
        details = " ".join(f"{key}={value}" for key, value in sorted(alert.details.items()))
        where = f" [{alert.position_id}]" if alert.position_id else ""
        logger.warning("{}{} {} {}", alert.code, where, alert.message, details)
