"""The real agents over a sweep's past: what the kernel is held against in every run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.sweep.pasts import PLAIN, past_of, walk
from tests.unit.sweep.runs import exact, fast, put_in, real, zeros

from leverd.agents.leverage_loop import LeverageLoop
from leverd.backtest.sweep.agreement import disagreement
from leverd.backtest.sweep.blocks import ground
from leverd.backtest.sweep.checking import check, sampled
from leverd.backtest.sweep.chunk import curve_of, results_of
from leverd.backtest.sweep.configuration import RATIO, rows
from leverd.backtest.sweep.outcome import periods
from leverd.backtest.sweep.replayed import replayed
from leverd.domain.decision import Hold
from leverd.errors import InexactError

BUSY = replace(PLAIN, band_low=2_900_000_000, band_high=3_100_000_000)
GUARDED = replace(
    PLAIN, band_high=9 * RATIO, health_floor=0, guardian_below=1_200_000_000, gas=2 * 10**8
)
SHORT = {"collateral_decimals": 6, "debt_decimals": 18, "amount": 10**11, "price": 1.0}
UPON = replace(PLAIN, fee=0, band_low=2_250_000_000), past_of([2_000, 2_400, 2_500])
"""At 3x without a fee, leverage at 2,400 is 2.25: upon the edge of the band."""


@pytest.mark.parametrize(
    ("configuration", "said", "acts"),
    [
        (PLAIN, {}, (1, 4)),
        (BUSY, {}, (50, 60)),
        (replace(BUSY, depth=10**15), {}, (50, 60)),
        (replace(BUSY, depth=123_456_789_012_345), {}, (50, 60)),
        (GUARDED, {}, (1, 1)),
        (replace(GUARDED, guardian_to=1_500_000_000), {}, (1, 1)),
        (BUSY, SHORT, (50, 50)),
        (replace(BUSY, band_low=RATIO), {"collateral_decimals": 8, "amount": 10**9}, (0, 5)),
    ],
    ids=["band", "busy", "pool", "odd pool", "guardian", "its own goal", "short", "no boost"],
)
def test_the_agents_do_what_the_kernel_does(configuration, said, acts):
    past = walk(2_500, seed=1, spread=0.005, period=24, **said)
    ours, theirs = fast(configuration, past), real(configuration, past)
    assert ours.edge > 1e-7
    assert (ours.boosts, ours.repays) == (theirs.outcome.boosts, theirs.outcome.repays)
    assert (ours.boosts >= acts[0], ours.repays >= acts[1]) == (True, True)
    assert disagreement(ours, theirs.outcome, put_in(past), theirs.loose) == ""
    assert len(theirs.curve) == periods(past)


def test_what_rounding_explains_is_little_and_needed():
    past = walk(4_000, seed=0, spread=0.005, period=24)
    ours, theirs = fast(BUSY, past), real(BUSY, past)
    assert 0 < theirs.loose < 1e-6
    assert "equity" in disagreement(ours, theirs.outcome, put_in(past))
    assert disagreement(ours, theirs.outcome, put_in(past), theirs.loose) == ""
    rich = replace(past, amount=past.amount * 10**6)  # whose units are no share of anything
    ours, theirs = fast(BUSY, rich), real(BUSY, rich)
    assert abs(ours.equity / theirs.outcome.equity - 1) < 1e-10


def test_a_liquidation_is_met_at_the_same_point_and_taken_by_the_same_rule():
    past = past_of([2_000, 2_600, 1_100, 3_000, 3_100], bonus=700)
    configuration = replace(PLAIN, health_floor=0, gas=3 * 10**8)
    ours, theirs = fast(configuration, past), real(configuration, past)
    assert ours.liquidated_at == theirs.outcome.liquidated_at == 2
    assert ours.boosts == 1
    assert disagreement(ours, theirs.outcome, put_in(past), theirs.loose) == ""
    assert theirs.curve[1] == theirs.curve[2] == theirs.curve[3]


def test_what_a_liquidation_leaves_is_money():
    past = past_of([2_000, 1_430, 2_900], bonus=500)
    configuration = replace(PLAIN, fee=0, health_floor=0)
    assert real(configuration, past).outcome.equity == pytest.approx(900, rel=1e-9)
    assert exact(configuration, past).equity == 900


def test_an_agent_that_does_something_else_is_found_out(monkeypatch):
    past = walk(1_500, seed=3, spread=0.005, period=24)
    over = ground(past, zeros(past))
    table = rows([BUSY])
    results = results_of(table, over, replayed)
    assert check(table, results, over, replayed).count == 1
    decide = LeverageLoop.decide

    def lazy(agent, view):
        wanted = decide(agent, view)
        return wanted if view.stamp.at < past.ts[700] else Hold("lazy", "later")

    monkeypatch.setattr(LeverageLoop, "decide", lazy)
    with pytest.raises(InexactError, match="boosts"):
        check(table, results, over, replayed)


def test_what_lies_on_an_edge_is_the_agents_own():
    configuration, past = UPON
    over, table = ground(past, zeros(past)), rows([configuration])
    (found,) = results_of(table, over, replayed)
    theirs = real(configuration, past)
    assert found[0] == theirs.outcome.equity
    assert np.array_equal(curve_of(table, over, replayed), theirs.curve)
    assert sampled(found[None], 1) == []  # it is exact already
