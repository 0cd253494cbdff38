"""A recorded history as the past that a sweep walks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from leverd.backtest.history import BarsKey, History, Kind, Series, SeriesKey, Side, to_ray
from leverd.backtest.history.exact import WIDE_MAX, WIDE_UNIT, Ints, Wide, widened
from leverd.backtest.history.words import moment
from leverd.backtest.sweep import codes
from leverd.backtest.sweep.past import Past
from leverd.domain.fixed_point import RAY, ray_mul
from leverd.domain.lending import Compounding
from leverd.domain.rates import compounded_factor, linear_factor
from leverd.errors import SweepError

USD = 10**8


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which parts of a history are the collateral and the debt."""

    collateral: BarsKey
    debt: BarsKey | None  # None is a debt that is always worth one USD
    supply: tuple[str, str] | None  # venue and asset; None is no interest
    borrow: tuple[str, str] | None
    collateral_decimals: int
    debt_decimals: int
    amount: int  # raw
    bonus: int  # bps
    period_s: int


def past_of(history: History, chosen: Chosen) -> Past:
    """Return the closes of `history` with the indexes that held then, a point for each bar.

    A recorded index is the one known at the close. A recorded rate becomes an index: the rate
    known when a bar opens holds until it is over, simple for what is supplied, compounded for
    what is owed, from one ray at the first close.

    Raises:
        DataError: the history has no such bars.
        SweepError: it has neither such an index nor such a rate, or not from the beginning, or
            a period is no number of bars.
    """
    if chosen.period_s % history.bar_s or chosen.period_s < history.bar_s:
        raise SweepError(
            f"a period of {chosen.period_s} s is no whole number of bars of {history.bar_s} s",
            number=codes.PATH,
            remedy="name another --period",
        )
    closes = history.bars_of(chosen.collateral).close
    owe = np.full(len(history), USD, dtype=np.int64)
    if chosen.debt is not None:
        owe = history.bars_of(chosen.debt).close
    return Past(
        ts=history.ts + history.bar_s,
        collateral_price=closes,
        debt_price=owe,
        supply_index=_index(history, chosen.supply, Side.SUPPLY),
        borrow_index=_index(history, chosen.borrow, Side.BORROW),
        collateral_decimals=chosen.collateral_decimals,
        debt_decimals=chosen.debt_decimals,
        amount=chosen.amount,
        bonus=chosen.bonus,
        period=chosen.period_s // history.bar_s,
        name=str(chosen.collateral),
    )


def _index(history: History, of: tuple[str, str] | None, side: Side) -> Wide:
    if of is None:
        return np.tile(np.array([[RAY // WIDE_UNIT, 0]], dtype=np.int64), (len(history), 1))
    index, rate = (SeriesKey(kind, *of, side) for kind in (Kind.INDEX, Kind.RATE))
    if index in history.series:
        return _known(history.series[index], history.ts + history.bar_s)
    if rate not in history.series:
        raise SweepError(
            f"the history has neither {index} nor {rate}",
            number=codes.PATH,
            remedy=f"it has {', '.join(str(each) for each in history.series) or 'no series'}",
        )
    return _grown(history, history.series[rate], side)


def _known(series: Series, ts: Ints) -> Wide:
    rows = series.rows_at(ts)
    if rows[0] < 0:
        raise _late(series, int(ts[0]))
    return np.asarray(series.values[rows], dtype=np.int64)


def _grown(history: History, series: Series, side: Side) -> Wide:
    rows = series.rows_at(history.ts)
    if rows[0] < 0:
        raise _late(series, int(history.ts[0]))
    spans = np.diff(history.ts, prepend=int(history.ts[0])).tolist()

    @cache
    def factor(row: int, seconds: int) -> int:
        rate = to_ray(float(series.values[row]))
        if side is Side.SUPPLY:
            return linear_factor(rate, seconds)
        return compounded_factor(rate, seconds, Compounding.TAYLOR)

    index, found = RAY, list[int]()
    for row, seconds in zip(rows.tolist(), spans, strict=True):
        index = ray_mul(index, factor(row, seconds))
        if index > WIDE_MAX:
            raise _boundless(series, int(history.ts[len(found)]))
        found.append(index)
    return widened(found)


def _boundless(series: Series, ts: int) -> SweepError:
    return SweepError(
        f"{series.key} grows to more than an index can be by {moment(ts)}",
        number=codes.PATH,
        remedy="is it in percent? Then say unit: percent in the description",
    )


def _late(series: Series, ts: int) -> SweepError:
    return SweepError(
        f"nothing is known of {series.key} at {moment(ts)}",
        number=codes.PATH,
        remedy="let the description's `since` begin later",
    )
