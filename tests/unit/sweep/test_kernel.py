"""The kernel against numbers worked by hand, and against the bare loop on long pasts."""

from __future__ import annotations

import importlib
import math
import sys
from dataclasses import replace

import numba
import numpy as np
import pytest
from tests.unit.sweep.pasts import PLAIN, past_of, walk
from tests.unit.sweep.runs import bared, exact, fast, put_in, table

from leverd.backtest import sweep as room
from leverd.backtest.sweep import kernel
from leverd.backtest.sweep.agreement import TOLERANCE, disagreement
from leverd.backtest.sweep.configuration import RATIO
from leverd.backtest.sweep.outcome import COLUMNS, outcome

both = pytest.mark.parametrize("run", [fast, exact], ids=["kernel", "bare"])
FREE = replace(PLAIN, fee=0)


@both
def test_an_opening_without_fee_keeps_all_equity(run):
    found = run(FREE, past_of([2_000, 2_000]))
    assert found.equity == 20_000
    assert found.health_low == pytest.approx(0.93 * 3 / 2, rel=1e-12)
    assert (found.boosts, found.repays, found.fees, found.drawdown) == (0, 0, 0, 0)


@both
def test_a_rise_is_earned_threefold_and_boosted_beyond_the_band(run):
    held = run(FREE, past_of([2_000, 2_200]))
    assert held.equity == pytest.approx(20_000 * 1.3, rel=1e-12)
    assert held.boosts == 0  # 66,000 over 26,000 is 2.54
    boosted = run(FREE, past_of([2_000, 2_300, 2_300 * 1.01]))
    # 69,000 over 29,000 is 2.38: to 87,000 of collateral, of which one more percent
    assert boosted.boosts == 1
    assert boosted.equity == pytest.approx(29_000 + 870, rel=1e-9)


@both
def test_a_fall_below_the_floor_is_repaid_to_the_target(run):
    past = past_of([2_000, 1_850, 1_850 * 0.99])
    found = run(FREE, past)
    # 55,500 * 0.93 / 40,000 is 1.290: to 46,500 of collateral over 15,500
    assert found.repays == 1
    assert found.health_low == pytest.approx(1.290375, rel=1e-9)
    assert found.health_low_at == 1
    assert found.equity == pytest.approx(15_500 - 465, rel=1e-9)
    assert found.drawdown == pytest.approx(1 - 15_035 / 20_000, rel=1e-9)


@both
def test_the_fee_is_of_what_is_put_in_and_the_target_is_after_it(run):
    found = run(PLAIN, past_of([2_000, 2_000]))
    borrowed = 40_000 / (1 - 0.0005 + 3 * 0.0005)
    assert found.fees == pytest.approx(borrowed * 0.0005, rel=1e-9)
    assert found.equity == pytest.approx(20_000 - borrowed * 0.0005, rel=1e-9)
    assert found.health_low == pytest.approx(0.93 * 3 / 2, rel=1e-9)


@both
def test_a_shallow_pool_takes_its_impact_and_the_target_is_still_met(run):
    deep = run(replace(FREE, depth=10**8 * 10**8), past_of([2_000, 2_000]))
    shallow = run(replace(FREE, depth=10**6 * 10**8), past_of([2_000, 2_000]))
    assert shallow.health_low == pytest.approx(0.93 * 3 / 2, rel=1e-9)
    assert 0 < deep.impact < 20 < shallow.impact
    assert shallow.equity == pytest.approx(20_000 - shallow.impact, rel=1e-9)
    # b into x y = k at price one: b d / (d + b) comes out, and 3 (20,000 - loss) is held
    borrowed = 2 * (20_000 - shallow.impact) / 1
    assert shallow.impact == pytest.approx(borrowed**2 / (1e6 + borrowed), rel=1e-6)


@both
def test_a_pool_too_shallow_for_the_goal_is_sold_what_makes_health_highest(run):
    config = replace(FREE, depth=60_000 * 10**8, target=2_500_000_000, band_low=2 * RATIO)
    found = run(config, past_of([2_000, 1_500]))
    assert (found.repays, found.liquidated_at) == (1, -1)
    owned, owed = _opened(60_000, 1.5)  # opened in the same pool, then a fall by a quarter
    sold = np.linspace(0, owned, 400_001)[:-1]
    back = sold * 60_000 / (60_000 + sold)
    health = 0.93 * (owned - sold) / (owed - back)
    assert health.max() < 0.93 * 2.5 / 1.5  # the target cannot be met
    best = health.argmax()
    assert found.equity == pytest.approx(owned - sold[best] - owed + back[best], rel=1e-4)


def _opened(depth: float, price: float) -> tuple[float, float]:
    """Return collateral and debt, opened with 20,000 to 2.5x and fallen to `price` from 2."""
    borrowed = np.linspace(0, 60_000, 600_001)
    bought = borrowed * depth / (depth + borrowed)
    at = np.abs(20_000 + bought - 2.5 * (20_000 + bought - borrowed)).argmin()
    return (20_000 + bought[at]) * price / 2, borrowed[at]


@both
def test_the_guardian_returns_to_its_own_goal(run):
    config = replace(FREE, health_floor=0, guardian_below=1_250_000_000, guardian_to=1_500_000_000)
    found = run(config, past_of([2_000, 1_780, 1_780 * 1.01]))
    # 53,400 * 0.93 / 40,000 is 1.2416; health 1.5 is leverage 1.5 / 0.57 of equity 13,400
    assert found.repays == 1
    assert found.equity == pytest.approx(13_400 * (1 + 0.01 * 1.5 / 0.57), rel=1e-8)


@both
def test_below_one_it_is_liquidated_and_the_rest_is_money(run):
    found = run(FREE, past_of([2_000, 1_430, 2_900], bonus=500))
    # 42,900 * 0.93 / 40,000 is 0.9974: 2,900 left, less 5 % of 40,000
    assert found.liquidated_at == 1
    assert found.equity == pytest.approx(900, rel=1e-9)
    assert found.repays == 0


@both
def test_gas_is_paid_for_each_act_from_beside_the_position(run):
    past = past_of([2_000, 1_850, 1_850])
    free, dear = run(FREE, past), run(replace(FREE, gas=7 * 10**8), past)
    assert (dear.repays, free.repays) == (1, 1)
    assert free.equity - dear.equity == pytest.approx(14, abs=1e-9)
    assert dear.health_low == free.health_low


@both
def test_interest_is_what_the_indexes_say(run):
    ray = 10**27
    past = past_of([2_000, 2_000], supply=[ray, ray * 11 // 10], borrow=[ray, ray * 12 // 10])
    assert run(FREE, past).equity == pytest.approx(60_000 * 1.1 - 40_000 * 1.2, rel=1e-12)


@both
def test_returns_are_sampled_by_the_period(run):
    config = replace(FREE, band_low=RATIO, health_floor=0, band_high=9 * RATIO)
    found = run(config, past_of([2_000, 1_500, 2_020, 1_500, 2_040.1], period=2))
    first, second = 1.03, (3 * 20_401 - 40_000) / (20_000 * 1.03)
    mean = (first + second) / 2 - 1
    assert found.mean == pytest.approx(mean, rel=1e-9)
    assert found.deviation == pytest.approx(abs(first - second) / math.sqrt(2), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_years_of_hours_agree_with_the_bare_loop(seed):
    config = replace(PLAIN, band_low=2_900_000_000, band_high=3_100_000_000, depth=10**15)
    past = walk(6_000, seed=seed, spread=0.005, period=24)
    ours, theirs = fast(config, past), exact(config, past)
    assert ours.edge > TOLERANCE  # else nothing would be said
    assert ours.boosts > 50 < ours.repays
    assert disagreement(ours, theirs, put_in(past)) == ""
    assert ours.equity == theirs.equity  # to the last unit, after hundreds of acts


def test_what_is_not_the_same_is_named():
    past = walk(300)
    ours, theirs = fast(PLAIN, past), exact(PLAIN, past)
    for name in ("equity", "health_low", "fees", "boosts", "drawdown", "deviation"):
        planted = replace(ours, **{name: getattr(ours, name) + 3e-6 * put_in(past)})
        assert name in disagreement(planted, theirs, put_in(past))
    assert disagreement(ours, theirs, put_in(past)) == ""


def test_a_point_upon_an_edge_is_said_to_be_one():
    config = replace(FREE, band_low=2_250_000_000)
    assert fast(config, past_of([2_000, 2_400])).edge < TOLERANCE  # 72,000 over 32,000
    assert fast(config, past_of([2_000, 2_390])).edge == pytest.approx(1 - 2_390 / 2_400, rel=1e-6)


def test_the_equity_curve_is_told_on_demand():
    past = walk(500, period=24)
    curve = np.full(30, np.nan)
    out = np.empty((1, len(COLUMNS)))
    kernel.sweep(*bared(past), table(PLAIN), curve, out)
    filled = curve[: 499 // 24]
    assert np.isfinite(filled).all()
    assert np.isnan(curve[499 // 24 :]).all()
    gained = np.diff(np.concatenate([[put_in(past)], filled])) / np.concatenate(
        [[put_in(past)], filled[:-1]]
    )
    assert outcome(out[0]).mean == pytest.approx(gained.mean(), rel=1e-6)


@pytest.fixture
def interpreted(monkeypatch):
    """The kernel as Python runs it, with all that it calls."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    for name in ("twofold", "acts", "kernel"):
        monkeypatch.setattr(room, name, getattr(room, name))  # importing sets it anew
        monkeypatch.delitem(sys.modules, f"leverd.backtest.sweep.{name}")
    with np.errstate(all="ignore"):
        yield importlib.import_module("leverd.backtest.sweep.kernel").sweep


def test_what_is_compiled_is_what_is_written(interpreted):
    """The same bits from the interpreter: no contraction, no reordering, no other rounding."""
    assert interpreted is not kernel.sweep
    crash, wild = past_of([2_000, 1_430, 2_900]), walk(1_200, spread=0.02, period=24)
    pooled = replace(PLAIN, depth=10**14, gas=10**8)
    thin = replace(PLAIN, depth=30_000 * 10**8, guardian_below=1_100_000_000)
    never = replace(PLAIN, band_low=RATIO, target=9 * RATIO // 2, band_high=9 * RATIO)
    for past in (wild, crash):
        for config in (PLAIN, pooled, thin, replace(never, health_floor=0)):
            assert fast(config, past, by=interpreted) == fast(config, past)
