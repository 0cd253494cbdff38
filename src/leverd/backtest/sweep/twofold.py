"""Numbers of two floats, 106 bits together, for the few places where whole units are counted.

`(high, low)` is their sum, and `high` that sum rounded. Sources: Dekker 1971; Hida, Li and Bailey,
Library for Double-Double Arithmetic, 2001. No fused multiplication is used or needed, so every
machine's bits agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from leverd.backtest.history.exact import Floats, Wide
from leverd.backtest.sweep.jit import compiled

Two: TypeAlias = tuple[float, float]

_NINE: Final = 10**9
_SPLIT: Final = 134217729.0  # 2^27 + 1
_floor: Callable[[float], float] = np.floor  # to a float, where the standard library's gives ints


@compiled
def added(a: Two, b: Two) -> Two:
    """Return a + b."""
    high = a[0] + b[0]
    part = high - a[0]
    rest = (a[0] - (high - part)) + (b[0] - part)
    low = a[1] + b[1]
    part = low - a[1]
    last = (a[1] - (low - part)) + (b[1] - part)
    rest += low
    total = high + rest
    rest = rest - (total - high) + last
    high = total + rest
    return high, rest - (high - total)


@compiled
def less(a: Two, b: Two) -> Two:
    """Return a - b."""
    return added(a, (-b[0], -b[1]))


@compiled
def _product(a: float, b: float) -> Two:
    """Return a b, all of it."""
    high = a * b
    part = _SPLIT * a
    a_high = part - (part - a)
    a_low = a - a_high
    part = _SPLIT * b
    b_high = part - (part - b)
    b_low = b - b_high
    return high, ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low


@compiled
def times(a: Two, b: Two) -> Two:
    """Return a b."""
    high, low = _product(a[0], b[0])
    low += a[0] * b[1] + a[1] * b[0]
    total = high + low
    return total, low - (total - high)


@compiled
def scaled(a: Two, b: float) -> Two:
    """Return a b of a plain b."""
    high, low = _product(a[0], b)
    low += a[1] * b
    total = high + low
    return total, low - (total - high)


@compiled
def over(a: Two, b: Two) -> Two:
    """Return a / b."""
    first = a[0] / b[0]
    back = scaled(b, first)
    second = ((a[0] - back[0]) - back[1] + a[1]) / b[0]
    total = first + second
    return total, second - (total - first)


@compiled
def parted(a: Two, b: float) -> Two:
    """Return a / b of a plain b."""
    first = a[0] / b
    back = _product(first, b)
    second = ((a[0] - back[0]) - back[1] + a[1]) / b
    total = first + second
    return total, second - (total - first)


@compiled
def root(a: Two) -> Two:
    """Return the square root of a >= 0."""
    if a[0] <= 0.0:
        return 0.0, 0.0
    near = math.sqrt(a[0])
    left = less(a, _product(near, near))
    rest = left[0] / (2.0 * near)
    high = near + rest
    return high, rest - (high - near)


@compiled
def down(a: Two) -> Two:
    """Return the whole number at or below a."""
    high = _floor(a[0])
    if high != a[0]:
        return high, 0.0
    low = _floor(a[1])
    total = high + low
    return total, low - (total - high)


@compiled
def up(a: Two) -> Two:
    """Return the whole number at or above a."""
    high, low = down((-a[0], -a[1]))
    return -high, -low


@compiled
def lower(a: Two, b: Two) -> Two:
    """Return the lower of both."""
    return a if a[0] < b[0] or (a[0] == b[0] and a[1] < b[1]) else b


@compiled
def in_ones(index: Wide, high: Floats, low: Floats) -> None:
    """Write an index, ray in pairs of 1e18, as ones: 1.0 is one ray."""
    for at in range(index.shape[0]):
        bottom = index[at, 1]
        upper = parted((float(bottom // _NINE), 0.0), 1e18)
        rest = parted((float(bottom % _NINE), 0.0), 1e27)
        whole = parted((float(index[at, 0]), 0.0), 1e9)
        high[at], low[at] = added(whole, added(upper, rest))
