"""Figures of a curve, against values reckoned by hand and against what must always hold."""

from __future__ import annotations

from dataclasses import astuple
from math import isfinite, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.run_records import curve
from tests.worlds import NOON

from leverd.backtest.report import metrics
from leverd.backtest.report.metrics import DAY_S, metrics_of

INF = np.inf


def test_a_unit_that_doubles_in_a_year_and_loses_half_on_the_way():
    # Day 0: 1, day 100: 1.5, day 200: 0.75, day 365: 2.
    unit = np.interp(np.arange(366), [0, 100, 200, 365], [1, 1.5, 0.75, 2])
    found = metrics_of(curve(unit))
    assert found.total_return == pytest.approx(1.0)
    assert found.cagr == pytest.approx(1.0)
    assert found.drawdown is not None
    assert found.drawdown.depth == pytest.approx(0.5)
    assert found.drawdown.since == NOON + 100 * DAY_S
    assert found.drawdown.until == NOON + 200 * DAY_S
    # 0.75 + (2 - 0.75) x / 165 reaches 1.5 on day 200 + 99.
    assert found.drawdown.recovered == NOON + 299 * DAY_S
    assert found.calmar == pytest.approx(2.0)


def test_two_years_of_one_percent_are_half_a_percent_a_year_and_a_bit_less():
    found = metrics_of(curve([1.0, 1.01], step=730 * DAY_S))
    assert found.cagr == pytest.approx(sqrt(1.01) - 1)


def test_sharpe_sortino_and_volatility_of_four_days():
    # Returns 0.1, -0.1, 0.2, 0: mean 0.05, sample deviation sqrt(0.05 / 3), losses sqrt(0.01 / 4).
    unit = [1, 1.1, 0.99, 1.188, 1.188]
    found = metrics_of(curve(unit))
    assert found.volatility == pytest.approx(sqrt(0.05 / 3) * sqrt(365))
    assert found.sharpe == pytest.approx(0.05 / sqrt(0.05 / 3) * sqrt(365))
    assert found.sortino == pytest.approx(0.05 / 0.05 * sqrt(365))
    assert found.best_day == pytest.approx(0.2)
    assert found.worst_day == pytest.approx(-0.1)
    assert found.cagr is None  # four days make no year
    assert found.turnover is None


def test_finer_rows_count_by_the_last_of_each_day():
    daily = [1, 1.1, 0.99, 1.188, 1.188]
    hourly = np.repeat(daily, 24)[: 4 * 24 + 1]
    hourly[5] = 1.7  # within the first day
    fine = metrics_of(curve(hourly, step=3600))
    coarse = metrics_of(curve(daily))
    assert fine.sharpe == pytest.approx(coarse.sharpe)
    assert fine.drawdown != coarse.drawdown  # falls are found in every row


def test_a_day_without_a_row_is_unchanged_and_its_move_falls_on_the_next():
    assert metrics.daily_returns(curve([1.0, 1.3, 1.3], step=2 * DAY_S)).tolist() == pytest.approx(
        [0, 0.3, 0, 0]
    )


def test_time_near_liquidation_counts_the_stretch_before_each_row():
    low = [9, 1.05, 1.2, 1.09, 1.3]
    found = metrics_of(curve(np.ones(5), health_low=low))
    assert found.near_liquidation == pytest.approx(0.5)
    assert found.near_health == 1.1
    assert found.lowest == metrics.Lowest(1.05, NOON + DAY_S)
    assert metrics_of(curve(np.ones(5), health_low=low), near_health=1.25).near_liquidation == 0.75


def test_leverage_is_weighed_by_the_time_it_was_held():
    ones = curve([1, 1, 1, 1], leverage=[1, 3, INF, 2], health=[INF, 1.2, 1.1, 1.3])
    found = metrics_of(ones)
    assert found.leverage_mean == pytest.approx(2.0)
    assert found.leverage_max == 3
    assert found.levered == pytest.approx(2 / 3)


def test_turnover_is_what_was_swapped_over_mean_equity_a_year():
    found = metrics_of(curve(np.ones(74)), swapped=400.0)  # 73 days with an equity of 1000
    assert found.turnover == pytest.approx(0.4 * 5)


def test_profit_factor_is_what_winners_made_over_what_losers_lost():
    found = metrics_of(curve([1, 1]), trips=[30, -10, 5, -4])
    assert (found.profit_factor, found.trips, found.trips_won) == (2.5, 4, 2)
    assert metrics_of(curve([1, 1]), trips=[30]).profit_factor is None
    assert metrics_of(curve([1, 1]), trips=[-30]).profit_factor == 0


def test_a_constant_curve_has_no_risk_and_says_so():
    found = metrics_of(curve(np.ones(40)))
    assert (found.total_return, found.cagr, found.volatility) == (0, 0, 0)
    assert (found.sharpe, found.sortino, found.calmar, found.drawdown) == (None,) * 4


def test_what_was_lost_whole_is_lost_even_if_money_came_after():
    found = metrics_of(curve([1, 0.5, 0, 0, 2, *[2] * 40]))
    assert (found.total_return, found.cagr) == (-1, -1)
    assert found.drawdown is not None
    assert found.drawdown.depth == 1
    assert found.calmar == -1


@pytest.mark.parametrize("unit", [[], [1.0], [0.0], [0.0, 0.0]])
def test_too_little_to_tell_is_none_and_never_an_error(unit):
    found = metrics_of(curve(unit))
    assert found.cagr is None
    assert found.sharpe is None
    assert found.calmar is None


def test_no_debt_has_neither_a_lowest_health_nor_time_near_liquidation():
    free = np.full(3, INF)
    found = metrics_of(curve([1, 1, 1], health=free, health_low=free, leverage=np.ones(3)))
    assert found.lowest is None
    assert (found.near_liquidation, found.levered) == (0, 0)


UNITS = st.lists(st.just(0.0) | st.floats(1e-3, 1e3), min_size=1, max_size=120)


@given(UNITS, st.sampled_from([60, 3600, 86_400, 600_000]))
def test_every_figure_is_none_or_finite(unit, step):
    found = metrics_of(curve(unit, step=step))
    for value in astuple(found):
        assert value is None or not isinstance(value, float) or isfinite(value)


@given(UNITS)
def test_a_drawdown_is_a_share_of_a_peak_before_its_trough(unit):
    found = metrics.max_drawdown(curve(unit))
    fallen = metrics.drawdowns(curve(unit))
    assert (fallen <= 0).all()
    if found is None:
        assert (np.diff(unit) >= 0).all()
    else:
        assert 0 < found.depth <= 1
        assert found.since < found.until
        assert found.recovered is None or found.recovered > found.until


@given(st.lists(st.floats(0.5, 2), min_size=3, max_size=60), st.floats(0.01, 100))
def test_scaling_every_unit_changes_no_figure(unit, scale):
    one = metrics_of(curve(unit))
    other = metrics_of(curve(np.array(unit) * scale))
    assert other.total_return == pytest.approx(one.total_return, abs=1e-9)
    assert (other.sharpe or 0) == pytest.approx(one.sharpe or 0, rel=1e-6, abs=1e-6)
