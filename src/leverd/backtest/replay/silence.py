"""How far a replay may go without looking: what agents promise and the engine's own rules.

Whatever floats say is only a hint. A point where one of them is within a billionth of a bound
counts as beyond it, and is then looked at exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history.exact import Floats, Ints
from leverd.backtest.replay.floats import Series, Weights
from leverd.backtest.replay.world import World
from leverd.domain.fixed_point import WAD
from leverd.domain.money import USD
from leverd.domain.quiet import Band, Quiet
from leverd.domain.view import View
from leverd.engine.turn import Seat
from leverd.interfaces.agent import quieting
from leverd.risk.limits import Limits

_CARE: Final = 1e-9
"""Relative distance to a bound that counts as beyond it."""

_SAME: Final = 1e-12
"""Relative distance within which floats do not tell which of two is the higher."""

_DAY_S: Final = 86_400
_FIRST: Final = 128
_LAST: Final = 16_384
"""Points scanned at once: few at first, for what rebalances often, then ever more."""


def promised(view: View, seats: Sequence[Seat]) -> Quiet | None:
    """Return within what all agents only hold, None if one of them promises nothing."""
    promise = Quiet()
    for seat in seats:
        agent = quieting(seat.agent)
        if agent is None:
            return None
        each = agent.quiet(view)
        if each is None:
            return None
        promise = promise.both(each)
    return promise


@dataclass(slots=True, eq=False)
class Silence:
    """Scans a world for the next point that must be looked at."""

    world: World
    series: Series
    limits: Limits
    foretold: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    dust: float = 1.0  # USD idle beside a debt that is not put to use
    noisy: Ints = field(init=False)
    unit: Floats = field(init=False)  # unit price at every point gone through
    top: float = field(init=False)  # of the series' `grown`
    top_idle: float = field(init=False)  # of the series' `collateral`
    peak: float = field(init=False, default=0.0)
    peak_at: int = field(init=False, default=-1)

    def __post_init__(self) -> None:
        points, limits = self.world.points, self.limits
        loud = points.base_fee + self.world.models.chain.tip > limits.gas_price_wei_max
        loud |= self.series.gap >= float(limits.oracle_gap_max) * (1 - _CARE)
        for asset, prices in points.oracle.items():
            if asset.symbol in limits.pegged:
                off = np.abs(prices - USD.unit) / USD.unit
                loud |= off >= float(limits.depeg_max) * (1 - _CARE)
        self.noisy = np.union1d(np.flatnonzero(loud), self.foretold)
        self.unit = np.full(len(points), np.nan)
        self.top = float(self.series.grown.max())
        self.top_idle = float(self.series.collateral.max())

    def note(self, point: int, weights: Weights) -> None:
        """Learn the unit price at a point that is looked at."""
        self._fill(point, point + 1, weights)
        self._rise(point, point + 1)

    def until(self, point: int, promise: Quiet, weights: Weights) -> int:
        """Return the first point after `point` that must be looked at; the end if none."""
        first, end = point + 1, self._bound(point, promise)
        size = _FIRST
        while first < end:
            last = min(first + size, end)
            found = self._loud(first, last, promise, weights)
            if found is not None:
                self._rise(first, found)
                return found
            self._rise(first, last)
            first, size = last, min(size * 4, _LAST)
        return end

    def fell(self, point: int) -> tuple[bool, bool]:
        """Return whether the unit may have fallen too far from its peak, and from the day's."""
        now = self.unit[point]
        if np.isnan(now):  # nothing is marked yet
            return False, False
        at = self.world.points.at
        since = int(at.searchsorted(at[point] - _DAY_S))
        day = float(np.fmax.reduce(self.unit[since : point + 1]))
        stop = self.peak * (1 - float(self.limits.portfolio_stop))
        drawn = day * (1 - float(self.limits.drawdown_day_max))
        return bool(now < stop * (1 + _CARE)), bool(now < drawn * (1 + _CARE))

    def tops(self, point: int) -> list[int]:
        """Return the points of the day before that may have had its highest unit price."""
        at = self.world.points.at
        since = int(np.searchsorted(at, at[point] - _DAY_S, side="right"))
        day = np.nan_to_num(self.unit[since:point], nan=0.0)
        if not day.any():
            return []
        return (since + np.flatnonzero(day >= day.max() * (1 - _SAME))).tolist()

    def _bound(self, point: int, promise: Quiet) -> int:
        """Return the point by which time, or what is known to be noisy, ends the silence."""
        end = len(self.world.points)
        later = int(self.noisy.searchsorted(point + 1))
        if later < len(self.noisy):
            end = min(end, int(self.noisy[later]))
        if promise.time.below is not None:
            end = min(end, int(self.world.points.at.searchsorted(promise.time.below)))
        return max(end, point + 1)

    def _loud(self, first: int, last: int, promise: Quiet, weights: Weights) -> int | None:
        rows = slice(first, last)
        loud: NDArray[np.bool_] | None = None

        def add(found: NDArray[np.bool_]) -> None:
            nonlocal loud
            loud = found if loud is None else loud | found

        if weights.owed:
            for found in self._owing(rows, promise, weights):
                add(found)
        if promise.price != Band():
            add(_outside(self.series.price[rows] * USD.unit, promise.price, slack=1.0))
        if promise.equity != Band() or weights.units:
            self._fill(first, last, weights)
        if promise.equity != Band():
            unit = self.world.mandate.share_class.unit
            equity = self.unit[rows] * (weights.units * unit)
            add(_outside(equity, promise.equity, slack=2.0))
        if weights.units:
            fallen = self._fallen(first, last)
            if fallen is not None:
                add(fallen)
        if loud is None:
            return None
        at = int(loud.argmax())
        return first + at if loud[at] else None

    def _owing(self, rows: slice, promise: Quiet, weights: Weights) -> Iterator[NDArray[np.bool_]]:
        """Yield where a debt may wake somebody: liquidators, agents, limits, what lies idle."""
        series, limits = self.series, self.limits
        least = max(promise.health.above or 0, WAD, int(limits.health_min * WAD)) / WAD
        health, levered = series.health(weights, rows), self._levered(weights)
        yield health <= max(least, levered or 0.0) * (1 + _CARE)
        if promise.health.below is not None:
            yield health >= promise.health.below / WAD * (1 - _CARE)
        if levered is None:
            exposure = series.exposure(weights, rows) * (1 + _CARE)
            equity = series.equity(weights, rows) * series.share[rows]
            yield exposure >= equity * float(limits.leverage_max)
        if self._most(weights) * (1 + _CARE) >= float(limits.position_usd_max):
            exposure = series.exposure(weights, rows) * (1 + _CARE)
            yield exposure >= float(limits.position_usd_max)
        if weights.idle_collateral:
            yield series.collateral[rows] * weights.idle_collateral >= self.dust * (1 - _CARE)
        if weights.idle_debt:
            yield series.debt[rows] * weights.idle_debt >= self.dust * (1 - _CARE)

    def _levered(self, weights: Weights) -> float | None:
        """Return the health down to which leverage is below its limit, None if it is not so simple.

        Without idle money it is 1 / (1 - threshold / health).
        """
        most, idle = float(self.limits.leverage_max), weights.idle_collateral or weights.idle_debt
        if idle or not weights.threshold or most <= 1 + _CARE:
            return None
        return weights.threshold * most / (most - 1 - _CARE)

    def _most(self, weights: Weights) -> float:
        """Return what exposure, USD, is never above with these weights."""
        return self.top * weights.posted + self.top_idle * weights.idle_collateral

    def _fallen(self, first: int, last: int) -> NDArray[np.bool_] | None:
        """Return where the unit may have fallen too far, None if nowhere."""
        unit = self.unit[first:last]
        lowest, highest = float(unit.min()), max(self.peak, float(unit.max()))
        stop = (1 - float(self.limits.portfolio_stop)) * (1 + _CARE)
        drawn = (1 - float(self.limits.drawdown_day_max)) * (1 + _CARE)
        at = self.world.points.at
        since = int(at.searchsorted(at[first] - _DAY_S))
        recent = self.unit[since:last]
        day = float(np.fmax.reduce(recent))  # what is not known yet is passed over
        if lowest >= highest * stop and lowest >= day * drawn:
            return None
        peaks = np.maximum(np.maximum.accumulate(unit), self.peak)
        starts = np.searchsorted(at, at[first:last] - _DAY_S) - since
        ends = np.arange(first, last) - since + 1
        known = np.nan_to_num(recent, nan=0.0)
        days = np.array([known[a:b].max() for a, b in zip(starts, ends, strict=True)])
        return np.asarray((unit < peaks * stop) | (unit < days * drawn))

    def _fill(self, first: int, last: int, weights: Weights) -> None:
        if weights.units:
            rows = slice(first, last)
            self.unit[rows] = self.series.equity(weights, rows) / weights.units

    def _rise(self, first: int, last: int) -> None:
        part = self.unit[first:last]
        if not len(part) or np.isnan(part[0]):
            return
        top = int(part.argmax())
        if part[top] > self.peak:
            self.peak, self.peak_at = float(part[top]), first + top


def _outside(values: Floats, band: Band, *, slack: float) -> NDArray[np.bool_]:
    """Return which values may lie outside `band`, by a billionth and `slack` units."""
    out = np.zeros(len(values), dtype=np.bool_)
    if band.above is not None:
        out |= values <= band.above + abs(band.above) * _CARE + slack
    if band.below is not None:
        out |= values >= band.below - abs(band.below) * _CARE - slack
    return out
