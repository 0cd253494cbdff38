"""What came true, what the simplest forecast would have said, and how far off each was.

Logarithms are floats, rounded to millionths: predictions are the one place where floats are
allowed, and nothing of value is reckoned from them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, assert_never

from leverd.domain.bars import Bar
from leverd.domain.prediction import MICRO, Quantity

YEAR_S: Final = 31_536_000
EWMA: Final = 0.97
"""Weight of the past in the mean of squares: of hourly bars, a half-life of a day."""

_RECENT: Final = 240
_ENOUGH: Final = 24
"""Returns that a mean of squares needs to be worth comparing with."""

_WHOLE: Final = 0.9
"""Share of a horizon's bars that must be there for its outcome to be known."""


def outcome(
    quantity: Quantity, bars: Sequence[Bar], *, made_at: int, until: int, bar_s: int
) -> int | None:
    """Return the truth about (made_at, until] in millionths; None where bars are missing."""
    known = [bar for bar in bars if made_at <= bar.at <= until]
    if not known or known[0].at != made_at or known[-1].at != until:
        return None
    if len(known) - 1 < _WHOLE * (until - made_at) / bar_s:
        return None
    match quantity:
        case Quantity.VOLATILITY:
            return volatility([bar.close for bar in known], until - made_at)
        case Quantity.DIRECTION:
            return _log(known[-1].close, known[0].close)
        case Quantity.PRICE:
            return known[-1].close * MICRO // 10**8
        case Quantity.BORROW_RATE:
            return known[-1].last.borrow_rate
        case Quantity.FUNDING:
            paid = [each.last.funding for each in known[1:]]
            told = [each for each in paid if each is not None]
            return sum(told) // len(told) if told else None
        case _:
            assert_never(quantity)


def volatility(closes: Sequence[int], seconds: int) -> int:
    """Return the annualised volatility of prices that span `seconds`, millionths."""
    squares = sum(math.log(b / a) ** 2 for a, b in pairwise(closes))
    return round(math.sqrt(squares * YEAR_S / seconds) * MICRO)


def baseline(quantity: Quantity, bars: Sequence[Bar], bar_s: int) -> int | None:
    """Return what the simplest forecast says after `bars`, millionths; None if it cannot.

    Volatility: the exponentially weighted mean of squares. Direction: up, whatever happens.
    The rest: as it is now.
    """
    last = bars[-1].last
    match quantity:
        case Quantity.VOLATILITY:
            return ewma([bar.close for bar in bars[-_RECENT:]], bar_s)
        case Quantity.DIRECTION:
            return 1
        case Quantity.PRICE:
            return last.price * MICRO // 10**8
        case Quantity.BORROW_RATE:
            return last.borrow_rate
        case Quantity.FUNDING:
            return last.funding
        case _:
            assert_never(quantity)


def ewma(closes: Sequence[int], bar_s: int) -> int | None:
    """Return the annualised volatility by exponentially weighted squares; None of too few."""
    if len(closes) <= _ENOUGH:
        return None
    weight, mean = 0.0, 0.0
    for a, b in pairwise(closes):
        mean = EWMA * mean + (1 - EWMA) * math.log(b / a) ** 2
        weight = EWMA * weight + (1 - EWMA)
    return round(math.sqrt(mean / weight * YEAR_S / bar_s) * MICRO)


def loss(quantity: Quantity, value: int, truth: int) -> int:
    """Return how far off `value` was, millionths; 0 is right.

    Volatility and price: as a log ratio. Direction: the return missed by the wrong sign. Rates:
    the difference.
    """
    match quantity:
        case Quantity.VOLATILITY | Quantity.PRICE:
            return abs(_log(max(value, 1), max(truth, 1)))
        case Quantity.DIRECTION:
            return abs(truth) if (value > 0) != (truth > 0) else 0
        case Quantity.BORROW_RATE | Quantity.FUNDING:
            return abs(value - truth)
        case _:
            assert_never(quantity)


def _log(price: int, of: int) -> int:
    return round(math.log(price / of) * MICRO)
