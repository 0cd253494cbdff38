"""A reserve's interest over the past: the exact reserve as of any second, and its floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats, Ints, narrowed, to_ray
from leverd.backtest.history.history import History
from leverd.backtest.history.keys import Kind, SeriesKey, Side
from leverd.backtest.history.series import Series
from leverd.backtest.replay.models import Listing
from leverd.domain.fixed_point import RAY, ray_mul
from leverd.domain.lending import Compounding, LendingRules, Reserve
from leverd.domain.rates import SECONDS_PER_YEAR, compounded_factor, linear_factor

_ONE: Final = float(RAY)
_KEPT: Final = 64
"""Recorded rows kept as reserves: a look and the block that follows it ask for the same."""


@dataclass(slots=True)
class _Side:
    """One side of a reserve: from each row on, an index that grows at a rate."""

    series: Series | None  # recorded indexes, which count as they are
    rates: Series | None  # recorded rates
    constant: int  # ray a year, where neither is recorded

    def times(self) -> Ints:
        """Return when something recorded changes."""
        parts = [each.ts for each in (self.series, self.rates) if each is not None]
        return _merged(*parts)

    def rate(self, at: int) -> int:
        """Return the rate that holds at `at`, ray a year; none where indexes are recorded alone."""
        if self.rates is None:
            return 0 if self.series is not None else self.constant
        return to_ray(float(self.rates.value(self.rates.row_at(at))))

    def recorded(self, at: int, *, first: bool) -> int | None:
        """Return the index recorded at `at`, ray; None where it has grown since its row.

        The `first` is the newest there is by then.
        """
        if self.series is None:
            return None
        row = self.series.row_at(at)
        grows = self.rates is not None and not first
        if grows and int(self.series.ts[row]) != at:
            return None
        return narrowed(self.series.values[row])


class Accrual:
    """One reserve in time.

    Between two rows the index grows at the first one's rate, as the contract has it grow;
    a recorded index takes its place at each of its rows. Rows are made when first asked for.
    """

    def __init__(self, history: History, listing: Listing, rules: LendingRules, since: int) -> None:
        """Make one that is asked for no time before `since`, when all its series are known."""
        self._listing, self._rules = listing, rules
        self._supply = _side(history, listing, Side.SUPPLY, listing.supply_rate)
        self._borrow = _side(history, listing, Side.BORROW, listing.borrow_rate)
        times = _merged(self._supply.times(), self._borrow.times())
        self._since = since
        self._later: Ints = times[times.searchsorted(since, side="right") :]
        self._rows: list[Reserve] = []
        self._exact = _needs_no_chain(self._supply) and _needs_no_chain(self._borrow)
        self._kept: dict[int, Reserve] = {}

    def reserve(self, at: int, price: int) -> Reserve:
        """Return the reserve as last touched at or before `at`, at that oracle price."""
        found = self._row(int(self._later.searchsorted(at, side="right")))
        if found.price == price:
            return found
        return Reserve(
            found.asset,
            found.reserve_id,
            found.params,
            found.curve,
            price,
            found.liquidity_index,
            found.borrow_index,
            found.liquidity_rate,
            found.borrow_rate,
            found.updated_at,
            found.scaled_supply,
            found.scaled_debt,
            found.available,
            found.accrued_to_treasury,
        )

    def floats(self, at: Ints) -> tuple[Floats, Floats]:
        """Return supply and borrow index at each of `at` in whole units, within 1e-12."""
        rows = self._later.searchsorted(at, side="right")
        if self._exact:  # nothing grows between two rows
            return self._float_rows(self._supply)[0][rows], self._float_rows(self._borrow)[0][rows]
        elapsed = (at - self._times()[rows]).astype(np.float64)
        supply, borrow = self._float_rows(self._supply), self._float_rows(self._borrow)
        earned = supply[1][rows] * elapsed / SECONDS_PER_YEAR
        owed = _compounded(borrow[1][rows], elapsed, self._rules.compounding)
        return supply[0][rows] * (1.0 + earned), borrow[0][rows] * owed

    def _time(self, row: int) -> int:
        """Return when a row begins; the first is where the history does."""
        return int(self._later[row - 1]) if row else self._since

    def _times(self) -> Ints:
        return np.concatenate([np.array([self._since], dtype=np.int64), self._later])

    def _row(self, row: int) -> Reserve:
        if self._exact:  # every row is recorded: no need to go through those before it
            found = self._kept.get(row)
            if found is None:
                if len(self._kept) >= _KEPT:
                    self._kept.clear()
                found = self._kept[row] = self._made(self._time(row), RAY, RAY)
            return found
        while len(self._rows) <= row:
            self._rows.append(self._next())
        return self._rows[row]

    def _next(self) -> Reserve:
        at = self._time(len(self._rows))
        if not self._rows:
            return self._made(at, RAY, RAY)
        last = self._rows[-1]
        seconds = at - last.updated_at
        compounding = self._rules.compounding
        liquidity = ray_mul(linear_factor(last.liquidity_rate, seconds), last.liquidity_index)
        borrow = ray_mul(
            compounded_factor(last.borrow_rate, seconds, compounding), last.borrow_index
        )
        return self._made(at, liquidity, borrow)

    def _made(self, at: int, liquidity: int, borrow: int) -> Reserve:
        listing = self._listing
        first = at == self._since
        liquidity = self._supply.recorded(at, first=first) or liquidity
        borrow = self._borrow.recorded(at, first=first) or borrow
        return Reserve(
            asset=listing.asset,
            reserve_id=0,
            params=listing.params,
            curve=listing.curve,
            price=listing.price,
            liquidity_index=liquidity,
            borrow_index=borrow,
            liquidity_rate=self._supply.rate(at),
            borrow_rate=self._borrow.rate(at),
            updated_at=at,
            scaled_supply=listing.supplied * RAY // liquidity,
            scaled_debt=listing.borrowed * RAY // borrow,
            available=listing.supplied - listing.borrowed,
            accrued_to_treasury=0,
        )

    def _float_rows(self, side: _Side) -> tuple[Floats, Floats]:
        """Return index and rate of one side at each row, whole units."""
        ts = self._times()
        rates = np.full(len(ts), 0.0 if side.series is not None else side.constant / _ONE)
        if side.rates is not None:
            rates = side.rates.floats()[side.rates.rows_at(ts)]
        if side.series is not None and side.rates is None:
            return side.series.floats()[side.series.rows_at(ts)], rates
        self._row(len(ts) - 1)
        supplies = side is self._supply
        exact = [each.liquidity_index if supplies else each.borrow_index for each in self._all()]
        return np.array([each / _ONE for each in exact], dtype=np.float64), rates

    def _all(self) -> list[Reserve]:
        return [self._row(row) for row in range(1 + len(self._later))]


def _side(history: History, listing: Listing, side: Side, constant: int) -> _Side:
    name = listing.asset.symbol
    index = history.series.get(SeriesKey(Kind.INDEX, listing.rates_at, name, side))
    rates = history.series.get(SeriesKey(Kind.RATE, listing.rates_at, name, side))
    return _Side(index, rates, constant)


def _merged(*parts: Ints) -> Ints:
    """Return all times of `parts`, each of which rises strictly, once and in order."""
    distinct = [each for place, each in enumerate(parts) if not _is_in(each, parts[:place])]
    if len(distinct) <= 1:
        return distinct[0] if distinct else np.empty(0, dtype=np.int64)
    times = np.sort(np.concatenate(distinct))
    return np.asarray(times[np.concatenate([[True], times[1:] != times[:-1]])], dtype=np.int64)


def _is_in(times: Ints, others: Sequence[Ints]) -> bool:
    return any(np.array_equal(times, each) for each in others)


def _needs_no_chain(side: _Side) -> bool:
    return side.series is not None and side.rates is None


def _compounded(rate: Floats, seconds: Floats, compounding: Compounding) -> Floats:
    """Return the borrow index's growth in floats; see `domain.rates.compounded_factor`."""
    x = rate * seconds / SECONDS_PER_YEAR
    if compounding is Compounding.TAYLOR:
        return np.asarray(1.0 + x + x * x / 2 + x * x * x / 6)
    one, two = np.maximum(seconds - 1, 0), np.maximum(seconds - 2, 0)
    each = rate / SECONDS_PER_YEAR
    square = seconds * one * each**2 / 2
    return np.asarray(1.0 + x + square + seconds * one * two * each**3 / 6)
