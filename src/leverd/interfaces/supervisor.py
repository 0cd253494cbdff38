"""Whoever started us and starts us again: told when we are ready, alive, changing or leaving."""

from __future__ import annotations

from typing import Protocol


class Supervisor(Protocol):
    """Takes notices; never blocks a turn and never raises."""

    def starting(self, status: str, within_s: float) -> None:
        """Say what the start waits for, and that there will be news within `within_s`."""
        ...

    def turned(self, status: str, *, fresh: bool) -> None:
        """Say that a turn was completed; the first one with a `fresh` view makes us ready."""
        ...

    def reloading(self) -> None:
        """Say that new settings are about to be looked at."""
        ...

    def reloaded(self) -> None:
        """Say that new settings are in force, or refused."""
        ...

    def pace(self, look_s: float) -> None:
        """Say that turns may lie `look_s` wall seconds apart."""
        ...

    def stopping(self, status: str, within_s: float) -> None:
        """Say that we are leaving, and will be gone, or say more, within `within_s`."""
        ...


class Alone:
    """A `Supervisor` for a process that nobody looks after."""

    def starting(self, status: str, within_s: float) -> None:
        """Tell nobody."""

    def turned(self, status: str, *, fresh: bool) -> None:
        """Tell nobody."""

    def reloading(self) -> None:
        """Tell nobody."""

    def reloaded(self) -> None:
        """Tell nobody."""

    def pace(self, look_s: float) -> None:
        """Tell nobody."""

    def stopping(self, status: str, within_s: float) -> None:
        """Tell nobody."""
