"""What an action does unless it is told otherwise, and how plans are named."""

from __future__ import annotations

from tests.worlds import USDC, WETH

from leverd.domain.fills import Fill
from leverd.domain.money import Amount
from leverd.domain.plan import (
    Approve,
    BuyExact,
    PlanCost,
    Repay,
    Step,
    StepKind,
    Supply,
    Withdraw,
    plan_id,
)

ETHER, DOLLARS = Amount(WETH, 10**18), Amount(USDC, 10**9)
SUPPLY = Supply("aave", ETHER)


def test_an_action_moves_the_amount_it_names_unless_told_otherwise():
    assert not SUPPLY.all_idle
    assert not Withdraw("aave", ETHER).everything
    assert not Repay("aave", DOLLARS).everything
    assert not Repay("aave", DOLLARS).all_idle
    assert not BuyExact("pool", DOLLARS, ETHER).live_debt
    assert not Approve("aave", ETHER).all_idle


def test_a_step_asks_no_health_and_a_fill_tells_nothing_unless_they_say_so():
    assert Step(StepKind.SINGLE, (SUPPLY,), health_min=0).health_below == 0
    fill = Fill(7)
    assert (fill.sold, fill.bought, fill.amount, fill.pool_after, fill.indexes) == (
        0,
        0,
        None,
        None,
        None,
    )
    assert fill.before == ()


def test_costs_add_up():
    assert PlanCost(5, 3, 2, 100).total == 10


def test_a_plan_is_named_after_what_it_does_and_the_block_it_was_made_from():
    step = Step(StepKind.SINGLE, (SUPPLY,), health_min=0)
    named = plan_id("loop", "0x1", (step,))

    assert named == plan_id("loop", "0x1", (step,))
    assert len(named) == 16
    others = {
        plan_id("other", "0x1", (step,)),
        plan_id("loop", "0x2", (step,)),
        plan_id("loop", "0x1", (step, step)),
    }
    assert len(others | {named}) == 4
