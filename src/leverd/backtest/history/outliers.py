"""A stated rule for values that neither side confirms.

A row is an outlier if its extreme lies further from both the value before it and the value
after it than `FACTOR` times the usual move, and than `FLOOR`. The usual move is the median
absolute logarithmic move between neighbours in the row's block of `BLOCK` rows. A crash that
stays is none; a bad tick, and a wick that comes back within the bar, is one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats, Ints

BLOCK: Final = 240
FACTOR: Final = 25.0
FLOOR: Final = 0.10  # of the logarithm: about a tenth


def outliers(before: Floats, low: Floats, high: Floats, after: Floats) -> Ints:
    """Return the indexes of the rows that stick out; all four are positive, one a row."""
    if not len(low):
        return np.empty(0, dtype=np.int64)
    above = np.log(high) - np.log(np.maximum(before, after))
    below = np.log(np.minimum(before, after)) - np.log(low)
    usual = _usual(np.abs(np.log(after) - np.log(before)))
    return np.flatnonzero(np.maximum(above, below) > np.maximum(FLOOR, FACTOR * usual))


def of_values(values: Floats) -> Ints:
    """Return the indexes of the values that stick out of a row of single values."""
    before = np.concatenate([values[:1], values[:-1]])
    after = np.concatenate([values[1:], values[-1:]])
    return outliers(before, values, values, after)


def _usual(moves: Floats) -> Floats:
    """Return the median of each row's block."""
    count = len(moves)
    whole = count // BLOCK * BLOCK
    usual = np.empty(count, dtype=np.float64)
    if whole:
        medians = np.median(moves[:whole].reshape(-1, BLOCK), axis=1)
        usual[:whole] = np.repeat(medians, BLOCK)
    if whole < count:
        usual[whole:] = np.median(moves[max(0, count - BLOCK) :])
    return usual
