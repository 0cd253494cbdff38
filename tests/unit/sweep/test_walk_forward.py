"""What is judged was never seen while tuning."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.unit.sweep.pasts import HOUR, PLAIN, past_of, walk
from tests.unit.sweep.runs import zeros

from leverd.backtest.sweep.bare import bare
from leverd.backtest.sweep.configuration import RATIO, rows
from leverd.backtest.sweep.engine import local
from leverd.backtest.sweep.outcome import periods
from leverd.backtest.sweep.search import Unkept, Wanted, search
from leverd.backtest.sweep.space import space_of
from leverd.backtest.sweep.walk_forward import walk as walked
from leverd.backtest.sweep.walk_forward import windows
from leverd.errors import SweepError

SPACE = space_of(
    {"target": "1.5:3:0.5", "band_low": "1.2", "band_high": "4", "fee": "0.0005", "threshold": 0.9}
)


def tune(_index, over):
    return search(Wanted(SPACE), over, local(1), bare, Unkept())


def test_judged_parts_follow_one_another_and_tuning_ends_before_them():
    ts = np.arange(1, 1_001) * HOUR
    parts = windows(ts, 300 * HOUR, 100 * HOUR, anchored=False)
    assert len(parts) == 6
    for one, after in pairwise(parts):
        assert one.last == after.split  # judged [split - 1, last): its last point opens the next
        assert after.first - one.first == 100
    assert [each.split - each.first for each in parts] == [301] * 6
    anchored = windows(ts, 300 * HOUR, 100 * HOUR, anchored=True)
    assert [each.first for each in anchored] == [0] * 6
    assert [each.split for each in anchored] == [each.split for each in parts]


def test_no_window_that_fits_is_an_error_with_the_spans():
    with pytest.raises(SweepError, match="no window of 12 d 12 h and 4 d 4 h") as caught:
        windows(np.arange(1, 101) * HOUR, 300 * HOUR, 100 * HOUR, anchored=False)
    assert caught.value.code == "LVD-SWP-010"


def test_another_future_changes_no_choice_made_before_it():
    past = walk(900, seed=3, period=10)
    split = windows(past.ts, 300 * HOUR, 100 * HOUR, anchored=False)[2].split
    other = np.array(past.collateral_price)
    other[split:] = other[split:] * 3 // 2
    parts = windows(past.ts, 300 * HOUR, 100 * HOUR, anchored=False)
    first = walked(past, parts, zeros, tune, bare, seed=1)
    second = walked(replace(past, collateral_price=other), parts, zeros, tune, bare, seed=1)
    for one, two in zip(first.steps[:3], second.steps[:3], strict=True):
        assert np.array_equal(one.chosen, two.chosen)
        assert one.tuned == two.tuned
    assert first.steps[1].growth == second.steps[1].growth
    assert first.steps[2].growth != second.steps[2].growth


def test_only_what_is_out_of_sample_is_told():
    """A price that doubles where it is tuned, and then stands still: the judged growth is none."""
    prices = [1_000 * 1.002**index for index in range(300)] + [1_000 * 1.002**299] * 201
    past = past_of(prices, period=10)
    parts = windows(past.ts, 300 * HOUR, 100 * HOUR, anchored=False)
    found = walked(past, parts[:1], zeros, tune, bare, seed=1)
    assert found.steps[0].tuned > 0
    assert found.growth == pytest.approx(0, abs=2e-3)
    assert found.growth < 0  # the fee of opening
    assert len(found.returns) == 10
    assert found.interval is not None


def test_growth_is_of_all_parts_one_after_the_other():
    past = walk(900, seed=4, period=10)
    parts = windows(past.ts, 300 * HOUR, 100 * HOUR, anchored=False)
    found = walked(past, parts, zeros, tune, bare, seed=1)
    assert found.growth == pytest.approx(np.prod([1 + each.growth for each in found.steps]) - 1)
    assert found.growth == pytest.approx(np.prod(1 + found.returns) - 1)
    assert found.tried == 4 * len(parts)
    step = found.steps[0]
    assert (step.since, step.until) == (past.ts[parts[0].split - 1], past.ts[parts[0].last - 1])


def test_a_liquidation_out_of_sample_is_counted_as_what_it_cost():
    calm = 2_000 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.002, 0.004, 301)))
    past = past_of([*calm.tolist(), *([calm[-1] * 0.4] * 120)], period=10)
    parts = windows(past.ts, 300 * HOUR, 100 * HOUR, anchored=False)

    def reckless(index, over):
        found = tune(index, over)
        table = rows([replace(PLAIN, band_low=RATIO, band_high=5 * RATIO, health_floor=0)])
        return replace(found, table=table)

    found = walked(past, parts[:1], zeros, reckless, bare, seed=1)
    assert found.growth == -1
    assert found.returns.min() == -1


def test_what_is_left_of_a_period_at_the_end_of_a_window_is_judged_as_well():
    calm = 2_000 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.002, 0.004, 398)))
    past = past_of([*calm.tolist(), *([calm[-1] * 0.3] * 40)], period=24)
    (part, *_) = windows(past.ts, 300 * HOUR, 100 * HOUR, anchored=False)
    found = walked(past, [part], zeros, tune, bare, seed=1)
    assert len(found.returns) == 100 // 24 + 1
    assert found.steps[0].liquidated
    assert found.growth < -0.5  # the fall is in the last four hours
    calm_end = walked(past.between(0, 398), [replace(part, last=398)], zeros, tune, bare, seed=1)
    assert not calm_end.steps[0].liquidated
    assert calm_end.growth > found.growth


def test_the_comparison_is_taken_off_out_of_sample_too():
    past = walk(900, seed=4, period=7)
    parts = windows(past.ts, 300 * HOUR, 100 * HOUR, anchored=False)

    def held(seen):
        return np.full(periods(seen), 0.01)

    plain = walked(past, parts, zeros, _the_same, bare, seed=1)
    compared = walked(past, parts, held, _the_same, bare, seed=1)
    assert compared.growth == plain.growth
    assert compared.probability < plain.probability
    for one, other in zip(plain.steps, compared.steps, strict=True):
        assert one.excess - other.excess == pytest.approx(0.01)


def _the_same(_index, over):
    return replace(tune(0, over), table=rows([replace(PLAIN, depth=0)]))


def test_all_that_was_held_to_whole_numbers_is_counted():
    past = walk(900, seed=4, period=10)
    parts = windows(past.ts, 300 * HOUR, 100 * HOUR, anchored=False)
    found = walked(past, parts, zeros, tune, bare, seed=1)
    assert found.checked.count == 5 * len(parts)  # all four, and the chosen one out of sample
    assert found.checked.apart < 1e-9
