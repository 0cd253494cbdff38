"""Figures people compare runs by, from a curve. Pure; float64, for people and never for money.

Returns are those of a unit: flows do not bend them, and gas is paid out of them. A year has
365 days. What is annualised comes from daily returns, a day being 86,400 s from the first row,
or one of UTC in a journal, and worth what the last row in it says; a day without a row counts as
unchanged, so its move falls on the next day that has one. Shares of time and turnover are of the
part that is finely known. The risk-free rate is 0. A figure that cannot be told is
None, never NaN: what speaks of a year needs `YEARLY_S_MIN`, what divides needs a divisor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import sqrt
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.run_record import Curve, Grain

DAY_S: Final = 86_400
YEAR_S: Final = 365 * DAY_S
YEARLY_S_MIN: Final = 30 * DAY_S
"""The shortest curve that a yearly figure is made from; of less it would be noise, enlarged."""

NEAR_HEALTH: Final = 1.1
"""The health below which a position counts as near liquidation, unless said otherwise."""

_WHOLE: Final = Grain()
_STILL: Final = 1e-12
"""A daily deviation below this is rounding, not risk."""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of a unit below its best so far; times are unix seconds."""

    depth: float  # fraction of the peak, 0.2 is 20 %
    since: int  # when the peak was
    until: int  # when it was deepest
    recovered: int | None  # when a unit was worth the peak again, None if it never was


@dataclass(frozen=True, slots=True)
class Lowest:
    """The lowest health factor, and the row it was seen in."""

    health: float
    at: int  # unix seconds


@dataclass(frozen=True, slots=True)
class Metrics:
    """Every figure of one curve. Ratios are plain fractions."""

    seconds: int  # from the first row to the last
    total_return: float | None
    cagr: float | None
    volatility: float | None  # a year
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    drawdown: Drawdown | None  # None without a fall
    best_day: float | None
    worst_day: float | None
    near_liquidation: float | None  # share of the time with health below `near_health`
    near_health: float
    lowest: Lowest | None  # None if nothing was ever owed
    leverage_mean: float | None  # over the time it had equity
    leverage_max: float | None  # also between rows, as far as the curve knows
    levered: float | None  # share of the time with debt
    turnover: float | None  # mean equities swapped a year
    profit_factor: float | None
    trips: int  # closed round trips
    trips_won: int


def metrics_of(
    curve: Curve,
    *,
    swapped: float = 0.0,
    trips: Sequence[float] = (),
    near_health: float = NEAR_HEALTH,
    grain: Grain = _WHOLE,
) -> Metrics:
    """Return the figures of `curve`.

    `swapped` is the value of all swaps that are finely known and `trips` the P&L of each closed
    round trip, in whole units of the share class.
    """
    days = daily_returns(curve, utc=grain.utc_days)
    fine = finely_known(curve, grain.fine_from)
    fall = max_drawdown(curve)
    yearly = cagr(curve)
    return Metrics(
        seconds=_seconds(curve),
        total_return=total_return(curve),
        cagr=yearly,
        volatility=volatility(days),
        sharpe=sharpe(days),
        sortino=sortino(days),
        calmar=None if yearly is None or fall is None else yearly / fall.depth,
        drawdown=fall,
        best_day=float(days.max()) if len(days) else None,
        worst_day=float(days.min()) if len(days) else None,
        near_liquidation=near_liquidation(fine, near_health),
        near_health=near_health,
        lowest=lowest_health(curve),
        leverage_mean=mean_leverage(fine),
        leverage_max=_highest(curve.leverage_high),
        levered=_share_of_time(fine, np.isfinite(fine.health[:-1])),
        turnover=turnover(fine, swapped),
        profit_factor=profit_factor(trips),
        trips=len(trips),
        trips_won=sum(trip > 0 for trip in trips),
    )


def total_return(curve: Curve) -> float | None:
    """Return what a unit gained from the first row to the last; -1 once it was lost whole."""
    unit = curve.unit
    if len(unit) == 0 or unit[0] <= 0:
        return None
    if bool((unit <= 0).any()):
        return -1.0
    return float(unit[-1] / unit[0]) - 1


def cagr(curve: Curve) -> float | None:
    """Return the total return as a constant yearly one: (1 + total) ** (1 / years) - 1."""
    total = total_return(curve)
    if total is None or _seconds(curve) < YEARLY_S_MIN:
        return None
    return float((1 + total) ** (YEAR_S / _seconds(curve)) - 1)


def finely_known(curve: Curve, since: int) -> Curve:
    """Return the rows of `curve` from `since` on, unix seconds."""
    first = int(np.searchsorted(curve.ts, since))
    return Curve(**{each.name: getattr(curve, each.name)[first:] for each in fields(Curve)})


def daily_returns(curve: Curve, *, utc: bool = False) -> Floats:
    """Return what a unit gained on each whole day; nothing is gained on nothing."""
    if len(curve) < 2:  # noqa: PLR2004 -- a return needs two rows
        return np.zeros(0)
    if utc:  # what is at midnight is of the day that begins
        ends = np.arange((curve.ts[0] // DAY_S + 1) * DAY_S, curve.ts[-1] + 1, DAY_S)
        rows = np.searchsorted(curve.ts, ends, side="left") - 1
    else:
        ends = np.arange(curve.ts[0], curve.ts[-1] + 1, DAY_S)
        rows = np.searchsorted(curve.ts, ends, side="right") - 1
    unit = np.maximum(curve.unit[rows], 0.0)
    before, after = unit[:-1], unit[1:]
    gained: Floats = np.divide(after, before, out=np.ones_like(after), where=before > 0) - 1
    return gained


def volatility(days: Floats) -> float | None:
    """Return the sample deviation of daily returns times sqrt(365); None for less than two."""
    if len(days) < 2:  # noqa: PLR2004 -- a sample deviation needs two
        return None
    return float(np.std(days, ddof=1)) * sqrt(365)


def sharpe(days: Floats) -> float | None:
    """Return the mean daily return over its sample deviation, times sqrt(365)."""
    deviation = volatility(days)
    if deviation is None or deviation < _STILL:
        return None
    return float(np.mean(days)) * 365 / deviation


def sortino(days: Floats) -> float | None:
    """Return the mean daily return over the root mean square of the losses, times sqrt(365).

    The mean of squares is over all days, those without loss counting 0.
    """
    if len(days) < 2:  # noqa: PLR2004 -- as for Sharpe
        return None
    downside = float(np.sqrt(np.mean(np.square(np.minimum(days, 0.0)))))
    return None if downside < _STILL else float(np.mean(days)) / downside * sqrt(365)


def drawdowns(curve: Curve) -> Floats:
    """Return for each row how far a unit is below its best so far, at most 0."""
    peaks = np.maximum.accumulate(curve.unit)
    fallen: Floats = np.divide(curve.unit, peaks, out=np.ones_like(peaks), where=peaks > 0) - 1
    return fallen


def max_drawdown(curve: Curve) -> Drawdown | None:
    """Return the deepest fall, None if there is none; of two alike the first."""
    if len(curve) == 0:
        return None
    fallen = drawdowns(curve)
    trough = int(np.argmin(fallen))
    if fallen[trough] >= 0:
        return None
    peak = int(np.argmax(curve.unit[: trough + 1]))
    again = np.flatnonzero(curve.unit[trough:] >= curve.unit[peak])
    recovered = int(curve.ts[trough + int(again[0])]) if len(again) else None
    depth = min(float(-fallen[trough]), 1.0)
    return Drawdown(depth, int(curve.ts[peak]), int(curve.ts[trough]), recovered)


def near_liquidation(curve: Curve, bound: float) -> float | None:
    """Return the share of time in whose rows the lowest health was below `bound`."""
    return _share_of_time(curve, curve.health_low[1:] < bound)


def lowest_health(curve: Curve) -> Lowest | None:
    """Return the lowest health and its row, None if nothing was ever owed."""
    if len(curve) == 0:
        return None
    row = int(np.argmin(curve.health_low))
    health = float(curve.health_low[row])
    return Lowest(health, int(curve.ts[row])) if np.isfinite(health) else None


def mean_leverage(curve: Curve) -> float | None:
    """Return the mean leverage, each row's holding until the next; without equity none counts."""
    spans, leverage = np.diff(curve.ts), curve.leverage[:-1]
    counted = np.isfinite(leverage)
    if not counted.any():
        return None
    return float(np.average(leverage[counted], weights=spans[counted]))


def turnover(curve: Curve, swapped: float) -> float | None:
    """Return how many times its mean equity a year swaps, given the value of all swaps."""
    spans = np.diff(curve.ts)
    if _seconds(curve) < YEARLY_S_MIN:
        return None
    equity = float(np.average(curve.equity[:-1], weights=spans))
    return swapped / equity * YEAR_S / _seconds(curve) if equity > 0 else None


def profit_factor(trips: Sequence[float]) -> float | None:
    """Return what winning round trips made over what losing ones lost; None if none lost."""
    lost = -sum(trip for trip in trips if trip < 0)
    return sum(trip for trip in trips if trip > 0) / lost if lost > 0 else None


def _seconds(curve: Curve) -> int:
    return int(curve.ts[-1] - curve.ts[0]) if len(curve) else 0


def _share_of_time(curve: Curve, rows: np.typing.NDArray[np.bool_]) -> float | None:
    """Return the share of the time between rows that `rows`, one for each span, is true of."""
    seconds = _seconds(curve)
    return float(np.diff(curve.ts)[rows].sum()) / seconds if seconds else None


def _highest(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else None
