"""How much an alert matters to its reader."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Severity(IntEnum):
    """From what is nice to know to what cannot wait."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3


_CRITICAL: Final = frozenset(
    {
        "LVD-EXE-001",  # a step did something else than it should
        "LVD-EXE-002",  # somebody else's transaction spent a nonce
        "LVD-EXE-005",  # the key cannot pay for what it should send
        "LVD-GRD-002",  # what is urgent has no plan that may go
        "LVD-GRD-004",  # a position that nobody guards, or not as the settings say
        "LVD-JRN-020",  # a damaged journal was salvaged
        "LVD-REC-001",  # balances changed and nobody knows why
        "LVD-REC-002",  # liquidated
        "LVD-REC-003",  # the market names another pool than the one that keeps the position
        "LVD-SPT-001",  # an order on a book is lost, and nobody knows what it did
        "LVD-SPT-002",  # the portfolio stop of spot: everything is sold
        "LVD-SPT-005",  # what is held on a book cannot be sold
    }
)
_INFO: Final = frozenset({"LVD-ORD-001"})  # an order of the owner's fired


def severity_of(code: str) -> Severity:
    """Return how much an alert with `code` matters where the owner says nothing."""
    if code in _CRITICAL:
        return Severity.CRITICAL
    return Severity.INFO if code in _INFO else Severity.WARNING
