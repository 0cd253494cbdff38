"""Realised volatility by several estimators, each from log prices of bars; annualised.

Close-close needs closes alone and is the noisiest. Parkinson (1980) reads the range, Garman and
Klass (1980) the range and the close, Rogers and Satchell (1991) allow for drift; Yang and Zhang
(2000) add what opens away from the last close. Ranges seen through sparse looks are too narrow.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from leverd.domain.outcomes import YEAR_S

Floats: TypeAlias = NDArray[np.float64]

_PARKINSON: Final = 4 * math.log(2)
_CLOSE: Final = 2 * math.log(2) - 1


def close_close(returns: Floats, bar_s: int) -> float:
    """Return the volatility of log returns, a year."""
    return _annual(float(np.dot(returns, returns)) / len(returns), bar_s)


def parkinson(highs: Floats, lows: Floats, bar_s: int) -> float:
    """Return the volatility by high and low, a year."""
    ranges = highs - lows
    return _annual(float(np.dot(ranges, ranges)) / (len(ranges) * _PARKINSON), bar_s)


def garman_klass(opens: Floats, highs: Floats, lows: Floats, closes: Floats, bar_s: int) -> float:
    """Return the volatility by range and close, a year."""
    ranges, bodies = highs - lows, closes - opens
    mean = (0.5 * np.dot(ranges, ranges) - _CLOSE * np.dot(bodies, bodies)) / len(ranges)
    return _annual(max(float(mean), 0.0), bar_s)


def yang_zhang(opens: Floats, highs: Floats, lows: Floats, closes: Floats, bar_s: int) -> float:
    """Return the volatility by all four prices, a year; needs three bars. The first only opens."""
    jumps, bodies = opens[1:] - closes[:-1], (closes - opens)[1:]
    up, down = (highs - opens)[1:], (lows - opens)[1:]
    rows = len(bodies)
    ranges = float(np.dot(up, up - bodies) + np.dot(down, down - bodies)) / rows
    weight = 0.34 / (1.34 + (rows + 1) / (rows - 1))
    mean = float(jumps.var(ddof=1)) + weight * float(bodies.var(ddof=1)) + (1 - weight) * ranges
    return _annual(max(mean, 0.0), bar_s)


def weighted(returns: Floats, weight: float, bar_s: int) -> float:
    """Return the volatility by exponentially weighted squares, a year; the last weighs most."""
    weights = weight ** np.arange(len(returns) - 1, -1, -1)
    return _annual(float(np.dot(weights, returns * returns) / weights.sum()), bar_s)


def _annual(variance: float, bar_s: int) -> float:
    return math.sqrt(variance * YEAR_S / bar_s)
