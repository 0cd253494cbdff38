"""The synthetic crash, without any data: ridden, unwound on command, and deadly if left alone."""

from __future__ import annotations

import pytest
from tests.e2e.replay import check_ridden, open_and_leave, ride, unwind
from tests.e2e.stage import staged

from leverd.devnet.recipe import Recipe
from leverd.domain.events import ExternalChanged, PnlRecorded
from leverd.domain.plan_events import PlanApproved

pytestmark = pytest.mark.chain

CRASH = Recipe(seed=1, calm_s=900)
OVER_S = 900 + 6 * 3600 + 1800  # calm, the fall of a third and more, half an hour of rebound


async def test_the_agent_rides_the_crash_and_unwinds_to_true_zero(tmp_path):
    with staged(tmp_path, CRASH) as stage:
        ridden = await ride(stage, until=CRASH.start + OVER_S)
        check_ridden(stage, ridden)
        assert ridden.plans > 2
        assert "deleverage" in {plan.purpose for plan in stage.events(PlanApproved)}
        await unwind(stage)


async def test_the_same_position_left_alone_is_liquidated(tmp_path):
    with staged(tmp_path, CRASH) as stage:
        left = await open_and_leave(stage, until=CRASH.start + OVER_S)
        assert left.liquidated_at
        assert left.equity_last < left.equity_first / 2
        await stage.play(until=lambda _: bool(stage.events(ExternalChanged)))
        check_the_loss_is_booked(stage)


def check_the_loss_is_booked(stage):
    """Check that who comes back finds what liquidators took as lost, to the unit, and no flow."""
    (change,) = stage.events(ExternalChanged)
    assert change.cause == "liquidation"
    marks = stage.events(PnlRecorded)
    (lost,) = [mark for mark in marks if mark.attribution["liquidation"]]
    before = marks[marks.index(lost) - 1]
    assert [mark.flow for mark in marks[1:]] == [0] * (len(marks) - 1)
    gained = sum(lost.attribution.values()) - lost.attribution["gas"]
    assert gained == lost.snapshot.equity - before.snapshot.equity
    debt = -change.changes["owed:USDC"] * lost.snapshot.borrow_indexes["USDC"] // 10**27
    cleared_usd = debt * lost.snapshot.prices["USDC"] // 10**6
    assert -lost.attribution["liquidation"] == pytest.approx(cleared_usd * 0.05, rel=1e-6)
    assert abs(lost.attribution["rounding"]) < 1_000  # of 1e-8 USD
