"""What makes one configuration better than another."""

from __future__ import annotations

from typing import Final, assert_never

import numpy as np

from leverd.backtest.history.exact import WIDE_UNIT, Floats
from leverd.backtest.sweep.choices import Objective
from leverd.backtest.sweep.outcome import COLUMNS, periods
from leverd.backtest.sweep.past import Past

YEAR_S: Final = 31_536_000
_AT: Final = {name: index for index, name in enumerate(COLUMNS)}


def scores(objective: Objective, results: Floats, past: Past) -> Floats:
    """Return the score of each row of `results`; minus infinity where it was liquidated."""
    equity, drawdown = results[:, _AT["equity"]], results[:, _AT["drawdown"]]
    grown = equity / put_in(past)
    match objective:
        case Objective.GROWTH:
            found = grown - 1
        case Objective.SHARPE:
            found = sharpes(results) * np.sqrt(periods_a_year(past))
        case Objective.CALMAR:
            yearly = np.maximum(grown, 0) ** (1 / years(past)) - 1
            found = yearly / np.maximum(drawdown, 1e-9)
        case _:
            assert_never(objective)
    return np.asarray(np.where(results[:, _AT["liquidated_at"]] >= 0, -np.inf, found))


def sharpes(results: Floats) -> Floats:
    """Return the Sharpe ratio a period of each row, zero where nothing ever moved."""
    mean, deviation = results[:, _AT["mean"]], results[:, _AT["deviation"]]
    return np.asarray(np.where(deviation > 0, mean / np.where(deviation > 0, deviation, 1), 0.0))


def put_in(past: Past) -> float:
    """Return what the collateral put in was worth, USD."""
    unit: int = 10 ** (past.collateral_decimals + 8)
    return past.amount * int(past.collateral_price[0]) / unit


def years(past: Past) -> float:
    """Return how long `past` is."""
    return float(past.ts[-1] - past.ts[0]) / YEAR_S


def periods_a_year(past: Past) -> float:
    """Return how many periods of `past` make a year."""
    return periods(past) / years(past) if periods(past) else 0.0


def holding(past: Past) -> Floats:
    """Return what the collateral alone, held and supplied, returned in each period."""
    ends = slice(None, periods(past) * past.period + 1, past.period)
    index = past.supply_index[ends]
    worth = past.collateral_price[ends] * (index[:, 0] + index[:, 1] / WIDE_UNIT)
    return np.asarray(worth[1:] / worth[:-1] - 1)


def returns_of(samples: Floats) -> Floats:
    """Return what each of `samples` is to the one before, less one; 0 where nothing was left."""
    alive = samples[:-1] > 0
    return np.asarray(np.where(alive, samples[1:] / np.where(alive, samples[:-1], 1.0) - 1, 0.0))
