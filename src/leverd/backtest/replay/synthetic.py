"""A year that never was: seeded hours of ether with calm, storms and one great crash.

It needs no data, so that a backtest runs out of the box. The same seed gives the same year.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats, Ints
from leverd.backtest.history.history import Bars, History
from leverd.backtest.history.keys import BarsKey, Kind, SeriesKey, Side
from leverd.backtest.history.series import Series

NAME: Final = "synthetic"
"""The venue, and the chain, of everything in it."""

HOURS: Final = 365 * 24
_HOUR_S: Final = 3_600
_SINCE: Final = 1_672_531_200  # 2023-01-01
_PRICE: Final = 2_000.0
_STEPS: Final = 12  # within an hour, so that its high and low are those of a path
_CALM: Final = 0.55  # volatility a year
_CRASH_HOURS: Final = 30
_CRASH: Final = 0.42  # how much of the price is lost in them
_ENDS_AT: Final = 1.2  # times the price it begins at
_FACTOR: Final = 0.10  # of the borrower's interest, kept by the protocol


def synthetic(seed: int, hours: int = HOURS) -> History:
    """Return `hours` of ether's price, of both markets' rates and of base fees.

    Volatility wanders between a third and three times its mean; two thirds into the year the
    price falls by two fifths within thirty hours, and the year ends a fifth above its beginning.
    Dollars are dearer to borrow after rises.
    """
    rng = np.random.default_rng(seed)
    ts = _SINCE + np.arange(hours, dtype=np.int64) * _HOUR_S
    bars = _bars(rng, hours)
    closes = bars.close / 1e8
    days = ts[::24]
    risen = np.zeros(len(days))
    risen[7:] = closes[7 * 24 :: 24][: len(days) - 7] / closes[::24][: len(days) - 7] - 1
    dollars = np.clip(0.05 + 0.25 * risen + rng.normal(0, 0.005, len(days)), 0.01, 0.3)
    ether = np.clip(0.024 + rng.normal(0, 0.002, len(days)), 0.005, 0.06)
    series = {
        **_rates("USDC", days, dollars, used=0.8),
        **_rates("WETH", days, ether, used=0.85),
        **_fees(rng, ts),
    }
    return History(_HOUR_S, ts, {BarsKey(NAME, "ETH"): bars}, series)


def _bars(rng: np.random.Generator, hours: int) -> Bars:
    wander = np.empty(hours)
    wander[0] = 0.0
    for hour, drawn in enumerate(rng.normal(0, 0.03, hours - 1).tolist()):
        wander[hour + 1] = 0.995 * wander[hour] + drawn
    each = _CALM * np.exp(np.clip(wander, -1.1, 1.1)) / np.sqrt(HOURS * _STEPS)
    moves = rng.standard_normal((hours, _STEPS)) * each[:, None] - each[:, None] ** 2 / 2
    moves -= moves.mean() - np.log(_ENDS_AT / (1 - _CRASH)) / moves.size
    begins = hours * 2 // 3
    crash = moves[begins : begins + _CRASH_HOURS]
    crash *= 3
    crash -= crash.mean() if crash.size else 0.0
    moves[begins : begins + _CRASH_HOURS] += np.log(1 - _CRASH) / (_CRASH_HOURS * _STEPS)
    path = _PRICE * np.exp(np.cumsum(moves.reshape(-1))).reshape(hours, _STEPS)
    closes = path[:, -1]
    opens = np.concatenate([[_PRICE], closes[:-1]])
    highs = np.maximum(opens, path.max(axis=1))
    lows = np.minimum(opens, path.min(axis=1))
    return Bars(_cents(opens), _cents(highs), _cents(lows), _cents(closes))


def _cents(prices: Floats) -> Ints:
    return np.rint(prices * 100).astype(np.int64) * 10**6


def _rates(asset: str, days: Ints, borrow: Floats, *, used: float) -> dict[SeriesKey, Series]:
    supply = borrow * used * (1 - _FACTOR)
    found = {}
    for side, rates in ((Side.BORROW, borrow), (Side.SUPPLY, supply)):
        key = SeriesKey(Kind.RATE, NAME, asset, side)
        found[key] = Series(key, days.copy(), np.round(rates, 6))
    return found


def _fees(rng: np.random.Generator, ts: Ints) -> dict[SeriesKey, Series]:
    key = SeriesKey(Kind.GAS, NAME, side=Side.BASE_FEE)
    daily = np.sin(2 * np.pi * np.arange(len(ts)) / 24) * 0.3
    wei = np.rint(15e9 * np.exp(daily + rng.normal(0, 0.25, len(ts)))).astype(np.int64)
    return {key: Series(key, ts.copy(), wei)}
