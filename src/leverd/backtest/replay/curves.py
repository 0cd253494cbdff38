"""The curves of a replay, a row for each bar, for reports and metrics."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np

from leverd.agents.guardian import Guardian, triggers
from leverd.agents.leverage_loop import LeverageLoop
from leverd.backtest.history.exact import Floats, Ints
from leverd.backtest.replay.points import Points
from leverd.backtest.replay.replay import Replayed, Rules
from leverd.backtest.run_record import Band, Curve, RunRecord
from leverd.domain import headroom
from leverd.domain.fixed_point import WAD


def record_of(replayed: Replayed, rules: Rules, settings_hash: str, digest: str) -> RunRecord:
    """Return what a report is made of."""
    world = replayed.world
    return RunRecord(
        mandate=world.mandate,
        mode="backtest",
        settings_hash=settings_hash,
        data_digest=digest,
        entries=replayed.entries,
        curve=curve_of(replayed),
        band=band_of(replayed, rules),
        models=world.models.words(),
    )


def curve_of(replayed: Replayed) -> Curve:
    """Return how the position went: its first point, and the last point of each bar."""
    world, series, track = replayed.world, replayed.series, replayed.track
    points = world.points
    rows = _rows(points)
    equity, unit, leverage = (np.full(len(points), np.nan) for _ in range(3))
    for span, end in track.stretches():
        part = slice(span.point, end)
        equity[part] = series.equity(span.weights, part)
        unit[part] = equity[part] / span.weights.units if span.weights.units else np.nan
        owned = equity[part] * series.share[part]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = series.exposure(span.weights, part) / owned
        leverage[part] = np.where(owned > 0, ratio, np.inf)
    unit /= unit[0]
    healths = track.healths()
    held = world.models.deposit / world.mandate.collateral.unit
    holding = series.collateral[rows] * held / series.share[rows]
    return Curve(
        ts=points.at[rows],
        price=series.price[rows],
        equity=equity[rows],
        unit=unit[rows],
        holding=np.asarray(holding, dtype=np.float64),
        leverage=leverage[rows],
        leverage_high=_since(np.maximum, leverage, rows),
        health=healths[rows],
        health_low=_since(np.minimum, _met(healths, replayed), rows),
    )


def band_of(replayed: Replayed, rules: Rules) -> Band:
    """Return where the agents act, as far as the loop's and the guardian's own words tell."""
    band = Band()
    for seat in rules.seats:
        match seat.agent:
            case LeverageLoop(params):
                band = Band(
                    params.boost_below, params.repay_above, params.target, band.health_trigger
                )
            case Guardian(params):
                trigger = triggers(params, headroom.threshold_of(replayed.end)).deleverage_below
                band = Band(
                    band.leverage_low,
                    band.leverage_high,
                    band.leverage_target,
                    _decimal(trigger),
                )
            case _:
                pass
    return band


def _rows(points: Points) -> slice | Ints:
    """Return the first point and the last of each bar; all without a copy where bars are points."""
    if points.per_bar == 1:
        return slice(None)
    lasts = np.arange(points.per_bar - 1, len(points), points.per_bar, dtype=np.int64)
    return np.concatenate([[0], lasts])


def _since(choose: np.ufunc, values: Floats, rows: slice | Ints) -> Floats:
    """Return for each row the greatest, or least, of the points since the row before."""
    if isinstance(rows, slice):
        return values
    chosen: Floats = choose.reduceat(values, np.concatenate([[0], rows[:-1] + 1]))
    return chosen


def _met(healths: Floats, replayed: Replayed) -> Floats:
    """Return `healths` with what liquidators found before they left what they left."""
    found = healths.copy()
    for point, health in replayed.track.preyed.items():
        found[point] = min(found[point], health / WAD)
    return found


def _decimal(ratio: Fraction) -> Decimal:
    return Decimal(ratio.numerator) / ratio.denominator
