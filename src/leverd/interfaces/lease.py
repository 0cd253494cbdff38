"""The right to act for a key that several machines have: one of them at a time."""

from __future__ import annotations

from typing import Protocol


class Lease(Protocol):
    """Asked right before anything is signed or sent; never waits for anybody."""

    def holds(self) -> bool:
        """Return whether no other daemon can have been given the right by now."""
        ...


class Unheld:
    """A `Lease` that nobody gave us."""

    def holds(self) -> bool:
        """Return False."""
        return False
