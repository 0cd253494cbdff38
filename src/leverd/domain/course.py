"""What orders have to remember of an open position: folded from the journal, never guessed.

A course begins when a position owes something and ends when it owes nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fired:
    """An order that is being carried out: it fired once and needs no trigger any more."""

    order: str  # its name, from what it asks, e.g. "stop_loss at price 1800"
    reason: str  # what was seen
    at: int  # chain time, unix seconds
    closes: bool  # everything is repaid, and nothing reopened before a human's resume
    urgent: bool  # it limits a loss
    keep: int  # raw size (domain.side.size) it leaves, 0 if it closes
    reference: int  # price a further fall is measured from, 1e8 of domain.side.counted_in
    urgency_max: int  # wad, how much of what a liquidation would cost may be paid in a crash


@dataclass(frozen=True, slots=True)
class Course:
    """A position since it was opened."""

    since: int  # chain time of the first debt, unix seconds
    prices: Mapping[str, int]  # oracle prices then, symbol -> USD 1e8
    unit: int = 0  # unit price then (Record.unit_price), 0 while unknown
    best_price: int = 0  # 1e8 of domain.side.counted_in; 0 before the first mark
    best_unit: int = 0
    best_health: int = 0  # wad
    done: tuple[str, ...] = ()  # orders carried out, by name
    pending: Fired | None = None  # one that sells a share, not carried out yet
    last: Fired | None = None  # the newest one carried out
    last_block: int = 0  # in which that was seen
    keep: int | None = None  # raw size that nobody buys beyond, after shares were sold
