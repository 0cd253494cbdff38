"""Where and when a row stands."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from leverd.interfaces.journal import Entry


class Placed(TypedDict):
    """What every row says of its entry."""

    seq: int
    written_at: datetime
    chain_at: int
    position: str


def placed(entry: Entry, position: str) -> Placed:
    """Return where and when `entry` stands, and which position it is about."""
    return Placed(
        seq=entry.seq, written_at=entry.written_at, chain_at=entry.chain_at, position=position
    )
