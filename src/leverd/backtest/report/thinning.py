"""Fewer points of a curve for a plot, with every peak and trough kept."""

from __future__ import annotations

from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats, Ints

POINTS_MAX: Final = 4_000
"""About twice the pixels of a wide screen; a plot of more looks the same and opens slowly."""

_KEPT: Final = 4  # of each bucket: its first, lowest, highest and last row


def kept_rows(values: Floats, points_max: int = POINTS_MAX) -> Ints:
    """Return the rows to draw of `values`, rising: all, or at most about `points_max`.

    The rows lie in equal buckets; of each the first, the lowest, the highest and the last
    stay. What is not finite is drawn as a gap, and is the lowest or highest of nothing.
    """
    count = len(values)
    if count <= points_max:
        return np.arange(count)
    buckets = max(points_max // _KEPT, 1)
    edges = np.linspace(0, count, buckets + 1).astype(np.int64)
    starts, ends = edges[:-1], edges[1:]
    finite = np.isfinite(values)
    lows = _first_like(np.where(finite, values, np.inf), starts, ends, np.minimum)
    highs = _first_like(np.where(finite, values, -np.inf), starts, ends, np.maximum)
    rows: Ints = np.unique(np.concatenate([starts, lows, highs, ends - 1]))
    return rows


def _first_like(values: Floats, starts: Ints, ends: Ints, choose: np.ufunc) -> Ints:
    """Return of each bucket the first row that holds its least, or greatest, value."""
    best = np.repeat(choose.reduceat(values, starts), ends - starts)
    found = np.flatnonzero(values == best)
    rows: Ints = found[np.searchsorted(found, starts)]
    return rows
