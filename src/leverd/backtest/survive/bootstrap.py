"""Years that might have been: blocks of the recorded past, drawn and put end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history import codes
from leverd.backtest.history.exact import INT64_MAX, Floats, Ints
from leverd.backtest.history.history import Bars, History
from leverd.domain.money import USD
from leverd.errors import DataError

YEAR_S: Final = 365 * 86_400
_Z: Final = 1.959963984540054  # of a normal, for 95 %


@dataclass(frozen=True, slots=True)
class Odds:
    """How often something happened in so many draws, and the interval of its probability."""

    hits: int
    draws: int

    @property
    def share(self) -> float:
        """The share of draws it happened in."""
        return self.hits / self.draws

    def interval(self) -> tuple[float, float]:
        """Return Wilson's interval of the probability, 95 %.

        Source: E. B. Wilson, 1927; it holds near 0 and 1, where a normal one does not.
        """
        n, p = self.draws, self.share
        middle = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
        half = _Z / (1 + _Z * _Z / n) * sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n))
        return max(middle - half, 0.0), min(middle + half, 1.0)


def drawn(
    past: History,
    seed: int,
    number: int,
    *,
    block_s: int,
    span_s: int = YEAR_S,
    holes: Sequence[tuple[int, int]] = (),
) -> History:
    """Return the `number`-th year drawn from `past`: blocks of about `block_s`, prices chained.

    Blocks have a length drawn anew (geometric, `block_s` on average), begin anywhere and go
    round the end to the beginning; all assets share them. Bars in `holes`, where prices were
    only held, are left out: they are calmer than anything was. Rates and fees are those of `past`.
    Source: D. N. Politis and J. P. Romano, The Stationary Bootstrap, 1994.

    Raises:
        DataError: `past` is shorter than a block, or its moves add up to a price beyond all.
    """
    rng = np.random.default_rng([seed, number])
    count = max(span_s // past.bar_s, 1)
    usable = np.flatnonzero(~_within(past.ts, holes))
    if len(usable) * past.bar_s < block_s:
        raise DataError(
            f"the past, bars: {len(usable)}, is shorter than one block that years are drawn in",
            number=codes.EMPTY,
            remedy="take a longer past, shorter blocks (--block-hours), or draw none: --years 0",
        )
    rows = usable[_rows(rng, len(usable), count, mean=max(block_s // past.bar_s, 1))]
    ts = past.since + past.bar_s * np.arange(count, dtype=np.int64)
    bars = {key: _chained(each, rows) for key, each in past.bars.items()}
    return History(past.bar_s, ts, bars, past.series)


def _within(ts: Ints, holes: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    found = np.zeros(len(ts), dtype=np.bool_)
    for since, until in holes:
        found |= (ts >= since) & (ts < until)
    return found


def _rows(rng: np.random.Generator, length: int, count: int, *, mean: int) -> Ints:
    begins = rng.random(count) < 1 / mean
    begins[0] = True
    starts = rng.integers(0, length, count)
    block = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    within = np.arange(count) - first[block]
    return np.asarray((starts[first][block] + within) % length, dtype=np.int64)


def _chained(bars: Bars, rows: Ints) -> Bars:
    """Return bars whose moves are those of `rows`, one after the other."""
    opens, highs, lows, closes = (each / 1e8 for each in bars.arrays())
    before = np.concatenate([opens[:1], closes[:-1]])  # what a bar moved away from
    levels = np.cumprod(closes[rows] / before[rows]) * opens[0]
    base = np.concatenate([opens[:1], levels[:-1]])
    made = [base * each[rows] / before[rows] for each in (opens, highs, lows)]
    return Bars(*(_units(each) for each in (*made, levels)))


def _units(prices: Floats) -> Ints:
    """Return USD 1e-8, at least one: a token worth cents has moves too."""
    raw = np.rint(prices * USD.unit)
    if not (raw < INT64_MAX).all():
        raise DataError(
            "a year drawn from this past has a price over 92 billion USD",
            number=codes.CELL,
            remedy="look for a bar that jumps, take a longer past, or draw none: --years 0",
        )
    return np.maximum(raw.astype(np.int64), 1)
