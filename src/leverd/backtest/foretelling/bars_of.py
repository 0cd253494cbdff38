"""Recorded history as the bars that predictors read: each known when it was over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leverd.backtest.history.exact import Ints
from leverd.backtest.history.history import History
from leverd.backtest.history.keys import BarsKey, Kind, SeriesKey, Side
from leverd.domain.bars import Bar, Tick
from leverd.domain.outcomes import YEAR_S
from leverd.domain.prediction import MICRO

_HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Sources:
    """Which of a history's numbers are seen beside the price; None is none."""

    prices: BarsKey
    rates: BarsKey | None = None  # venue and asset of the lending rates
    gas: str = ""  # chain, "" for none
    funding: BarsKey | None = None  # venue and asset


def bars_of(history: History, sources: Sources) -> list[Bar]:
    """Return the bars of one asset, oldest first; beside the price, what held at each one's end.

    Raises:
        DataError: the history lacks what is named.
    """
    found, ends = history.bars_of(sources.prices), history.ts + history.bar_s
    beside = _beside(history, sources, ends)
    bars = []
    prices = zip(*(array.tolist() for array in found.arrays()), strict=True)
    for row, (at, (opened, high, low, close)) in enumerate(zip(ends.tolist(), prices, strict=True)):
        known = {name: column[row] for name, column in beside.items()}
        bars.append(Bar(at, opened, high, low, Tick(at, close, **known)))
    return bars


def _beside(history: History, sources: Sources, ends: Ints) -> dict[str, list[int | None]]:
    found: dict[str, list[int | None]] = {}
    if sources.rates is not None:
        venue, asset = sources.rates.venue, sources.rates.asset
        for name, side in (("borrow_rate", Side.BORROW), ("supply_rate", Side.SUPPLY)):
            key = SeriesKey(Kind.RATE, venue, asset, side)
            found[name] = _held(history, key, ends, MICRO)
    if sources.gas:
        key = SeriesKey(Kind.GAS, sources.gas, side=Side.BASE_FEE)
        found["base_fee"] = _held(history, key, ends, 1)
    if sources.funding is not None:
        key = SeriesKey(Kind.FUNDING, sources.funding.venue, sources.funding.asset)
        found["funding"] = _funding(history, key, ends)
    return found


def _held(history: History, key: SeriesKey, ends: Ints, scale: int) -> list[int | None]:
    """Return what held at each end; None before anything was known."""
    series = history.series_of(key)
    rows, values = series.rows_at(ends).tolist(), series.values
    return [None if row < 0 else round(float(values[row]) * scale) for row in rows]


def _funding(history: History, key: SeriesKey, ends: Ints) -> list[int | None]:
    """Return the last settled rate at each end, a year."""
    series = history.series_of(key)
    assert series.interval_h is not None, "funding is for an interval"
    a_year = np.asarray(series.values) * (YEAR_S / _HOUR_S) / series.interval_h
    rows = series.rows_at(ends).tolist()
    return [None if row < 0 else round(float(a_year[row]) * MICRO) for row in rows]
