"""What was seen of an asset, bar by bar: the past that predictions are made from.

A bar is stamped with the moment it was over, which is when all of it was known. It opens where
the one before it closed: these markets never pause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leverd.domain.changed import changed
from leverd.domain.prediction import JUMP_MAX

UNKNOWN: Final = None

BARS_MAX: Final = 2_000
"""Bars kept of each subject: twelve weeks of hours."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One asset at one moment. What nobody says of it is None."""

    at: int  # chain time, unix seconds
    price: int  # USD 1e8
    borrow_rate: int | None = UNKNOWN  # millionths a year
    supply_rate: int | None = UNKNOWN  # millionths a year
    utilisation: int | None = UNKNOWN  # millionths
    base_fee: int | None = UNKNOWN  # wei a gas
    funding: int | None = UNKNOWN  # millionths a year; positive: longs pay
    basis: int | None = UNKNOWN  # millionths: perp over spot, less 1


@dataclass(frozen=True, slots=True)
class Bar:
    """One asset over one stretch of time, as known at its end."""

    at: int  # when it was over
    open: int  # USD 1e8
    high: int
    low: int
    last: Tick  # the newest that fell into it

    @property
    def close(self) -> int:
        """The last price, USD 1e8."""
        return self.last.price


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of `subject` now: bars that are over, oldest first."""

    subject: str
    bar_s: int
    bars: Sequence[Bar]

    @property
    def now(self) -> int:
        """When the newest bar was over; a prediction is made then."""
        return self.bars[-1].at


@dataclass(frozen=True, slots=True)
class Growing:
    """A bar that is not over yet; None before the first tick."""

    bar_s: int
    bar: Bar | None = None

    def grown(self, tick: Tick) -> tuple[Growing, Bar | None]:
        """Return what grows on after `tick`, and the bar that is over by it, if any.

        A tick falls into the bar that ends at its own moment, or next after it.
        """
        ends = -(-tick.at // self.bar_s) * self.bar_s
        old = self.bar
        over = None
        if old is None:
            bar = Bar(ends, tick.price, tick.price, tick.price, tick)
        elif ends == old.at:
            high, low = max(old.high, tick.price), min(old.low, tick.price)
            bar = changed(old, high=high, low=low, last=tick)
        else:
            over = old
            opened, price = old.close, tick.price
            bar = Bar(ends, opened, max(opened, price), min(opened, price), tick)
        return Growing(self.bar_s, bar), over


def jumped(before: int, price: int) -> bool:
    """Return whether a price cannot follow another: a hundred times it, either way, or nothing."""
    low, high = sorted((before, price))
    return low <= 0 or high >= JUMP_MAX * low
