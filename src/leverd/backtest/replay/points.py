"""The prices and fees that a replay goes through, one after another, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history.exact import Ints
from leverd.backtest.history.history import Bars, History
from leverd.backtest.history.keys import Kind, SeriesKey, Side
from leverd.backtest.replay.models import Chain, Listing, Models, Oracle, Walk
from leverd.backtest.replay.sources import check_known, series_read
from leverd.domain.fixed_point import WAD
from leverd.domain.money import Asset
from leverd.domain.side import Side as Way

_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_CORNERS: Final = 4
"""Prices of a bar that are gone through worst-first."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Moments of a replay. Arrays have a row for each; `at` rises strictly."""

    at: Ints  # unix seconds
    per_bar: int  # points of each bar
    market: Mapping[Asset, Ints]  # USD 1e8
    oracle: Mapping[Asset, Ints]  # USD 1e8
    base_fee: Ints  # wei a gas
    congested: NDArray[np.bool_]  # whether blocks are hard to get into
    staking: Mapping[Asset, Ints]  # wad: what a token of those that are staked stands for

    def __len__(self) -> int:
        return len(self.at)

    def between(self, prices: Mapping[Asset, Ints], asset: Asset, point: int, at: int) -> int:
        """Return a price at a time from `point` up to the next one: on the straight line."""
        first, array = int(self.at[point]), prices[asset]
        here = int(array[point])
        if at == first or point + 1 == len(self):
            return here
        span = int(self.at[point + 1]) - first
        return here + (int(array[point + 1]) - here) * (at - first) // span


def points_of(history: History, models: Models, way: Way, assets: Sequence[Asset]) -> Points:
    """Return the points of `history` for a position on the side `way`.

    Raises:
        DataError: the history lacks what a listing names, or learns it later than the first point.
    """
    at, per_bar = _times(history, models.walk)
    check_known(history, series_read(history, models, assets), int(at[0]))
    listings = {each: models.listings[each] for each in assets}
    staking = {
        each: _rates(history, listing, at)
        for each, listing in listings.items()
        if listing.staked_at
    }
    market = {
        each: _prices(history, listing, staking.get(each), len(at), (models.walk, way))
        for each, listing in listings.items()
    }
    oracle = {each: _oracle(history, models, each, at, market[each]) for each in assets}
    native = market.get(models.native)
    fees = _base_fees(history, models.chain, at, native)
    congested = _congested(fees, at, models.chain)
    return Points(at, per_bar, market, oracle, fees, congested, staking)


def _times(history: History, walk: Walk) -> tuple[Ints, int]:
    if walk is Walk.CLOSE:
        return history.ts + history.bar_s, 1
    steps = np.arange(_CORNERS, dtype=np.int64) * history.bar_s // _CORNERS
    return (history.ts[:, None] + steps[None, :]).reshape(-1), _CORNERS


def _prices(
    history: History, listing: Listing, rates: Ints | None, count: int, how: tuple[Walk, Way]
) -> Ints:
    if listing.bars is None:
        return _still(listing.price, count)
    prices = _walked(history.bars_of(listing.bars), *how)
    if rates is None:
        return prices
    products = [int(price) * int(rate) // WAD for price, rate in zip(prices, rates, strict=True)]
    return np.array(products, dtype=np.int64)


def _rates(history: History, listing: Listing, at: Ints) -> Ints:
    series = history.series_of(SeriesKey(Kind.LST_RATE, listing.staked_at, listing.asset.symbol))
    return np.asarray(series.values[series.rows_at(at)], dtype=np.int64)


def _walked(bars: Bars, walk: Walk, way: Way) -> Ints:
    if walk is Walk.CLOSE:
        return bars.close
    worst, best = (bars.high, bars.low) if way is Way.SHORT else (bars.low, bars.high)
    return np.stack([bars.open, worst, best, bars.close], axis=1).reshape(-1)


def _oracle(history: History, models: Models, asset: Asset, at: Ints, market: Ints) -> Ints:
    listing = models.listings[asset]
    if not listing.oracle_at:
        return _answers(market, at, models.oracle)
    series = history.series_of(SeriesKey(Kind.ORACLE, listing.oracle_at, asset.symbol))
    return np.asarray(series.values[series.rows_at(at)], dtype=np.int64)


def _answers(market: Ints, at: Ints, oracle: Oracle) -> Ints:
    """Return what the oracle says at each point, never anything the market said later."""
    if oracle.follows or (market == market[0]).all():
        return market
    source = _late(market, at, oracle.lag_s)
    if not oracle.deviation:
        return source
    share, of = oracle.deviation.as_integer_ratio()
    said, since, answers = int(source[0]), int(at[0]), []
    for price, now in zip(source.tolist(), at.tolist(), strict=True):
        if abs(price - said) * of >= share * said or now - since >= oracle.heartbeat_s:
            said, since = price, now
        answers.append(said)
    return np.array(answers, dtype=np.int64)


def _late(market: Ints, at: Ints, lag_s: int) -> Ints:
    """Return the market's price `lag_s` before each point, on the line that leads there."""
    if not lag_s:
        return market
    then = np.maximum(at - lag_s, at[0])
    row = np.searchsorted(at, then, side="right") - 1
    after = np.minimum(row + 1, len(at) - 1)
    span = np.maximum(at[after] - at[row], 1)
    return np.asarray(market[row] + (market[after] - market[row]) * (then - at[row]) // span)


def _base_fees(history: History, chain: Chain, at: Ints, native: Ints | None) -> Ints:
    if chain.fees_at:
        series = history.series_of(SeriesKey(Kind.GAS, chain.fees_at, side=Side.BASE_FEE))
        fees = np.asarray(series.values[series.rows_at(at)], dtype=np.int64)
    else:
        fees = _still(chain.base_fee, len(at))
    if native is None or not chain.fee_on_fall:
        return fees
    hour_ago = np.searchsorted(at, at - _HOUR_S, side="left")
    fallen = np.maximum(1.0 - native / native[hour_ago], 0.0)
    raised = np.rint(fees * (1.0 + float(chain.fee_on_fall) * fallen)).astype(np.int64)
    return np.minimum(raised, np.maximum(fees, chain.base_fee_max))


def _still(number: int, count: int) -> Ints:
    """Return `number` for each of `count` points, kept once."""
    return np.broadcast_to(np.int64(number), count)


def _congested(fees: Ints, at: Ints, chain: Chain) -> NDArray[np.bool_]:
    """Return where fees stand above their own median of the day before, times `congested`.

    The median is taken of at most a hundred values, evenly apart.
    """
    if int(fees.max(initial=0)) == int(fees.min(initial=0)):
        return np.zeros(len(fees), dtype=np.bool_)
    day = max(int(np.searchsorted(at, int(at[0]) + _DAY_S, side="left")), 1)
    stride = max(day // 100, 1)
    padded = np.concatenate([np.full(day, fees[0], dtype=np.int64), fees[:-1]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, day)[:, ::stride]
    usual = np.empty(len(fees), dtype=np.float64)
    for first in range(0, len(fees), 16_384):  # bounded memory
        usual[first : first + 16_384] = np.median(windows[first : first + 16_384], axis=1)
    return fees > usual * float(chain.congested)
