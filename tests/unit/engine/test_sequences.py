"""Plans of several transactions: guards let them finish, and nothing is left behind."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.limits import TIMING, limits

from leverd.agents.guardian import Guardian
from leverd.agents.guardian import Params as GuardianParams
from leverd.agents.leverage_loop import LeverageLoop
from leverd.agents.leverage_loop import Params as LoopParams
from leverd.domain import loans
from leverd.domain.apply import apply_step, modelled_fills
from leverd.domain.decision import SetLeverage
from leverd.domain.fixed_point import WAD
from leverd.domain.plan import Purpose, Repay, Swap, Withdraw
from leverd.domain.view import Record
from leverd.engine import rounds
from leverd.engine.turn import Seat, terms_of, turn
from leverd.risk.gate import Approved

GUARD = Guardian(GuardianParams(target=Decimal("2.5"), band_high=Decimal("2.8")))
LOOP = LeverageLoop(
    LoopParams(
        target=Decimal("2.5"),
        boost_below=Decimal("2.2"),
        repay_above=Decimal("2.8"),
        change_min=Decimal("0.1"),
        wait_s_min=0,
        cost_share_max=Decimal(1),
    )
)
SEATS = [Seat(GUARD, guards=True), Seat(LOOP, guards=False)]
LIMITS = limits(cost_share_max=Decimal(1), position_usd_max=Decimal(10**7))


def healths(view, plan):
    """Return the health (wad) after each step, as the market models it."""
    state, found = view.state, []
    for step in plan.steps:
        state = apply_step(state, step, modelled_fills(state, step, view.now))
        found.append(loans.summarise(state.market, state.position.loan, state.at).health)
    return found, state


def floors(view):
    """Return the healths (wad) that withdrawals of the plan are held to."""
    steps = approved(view).steps
    return {step.health_min for step in steps if isinstance(step.actions[0], Withdraw)}


def approved(view, seats=SEATS):
    outcome = turn(view, seats, LIMITS, TIMING, age_s=0)
    assert isinstance(outcome.verdict, Approved), outcome
    return outcome.plan


def test_opening_step_by_step_never_passes_through_the_guardians_trigger():
    view = worlds.view(worlds.state(idle=10), atomic=False)
    plan = approved(view)
    passed, _ = healths(view, plan)
    assert len(plan.steps) > 6
    assert min(passed) > 12 * WAD // 10  # the trigger: the guardian would cut the plan off


def test_without_a_guard_the_limits_alone_say_how_low_it_may_pass():
    view = worlds.view(worlds.state(idle=10), atomic=False)
    passed, _ = healths(view, approved(view, SEATS[1:]))
    assert LIMITS.health_min * WAD <= min(passed) < 12 * WAD // 10


def test_a_calm_reduction_step_by_step_stays_above_the_trigger_too():
    view = worlds.view(worlds.at_leverage("2.9"), atomic=False)
    plan = approved(view)
    assert plan.purpose is Purpose.REDUCE
    assert min(healths(view, plan)[0]) > 12 * WAD // 10


def test_an_urgent_one_may_pass_as_low_as_the_limits_say():
    view = worlds.view(worlds.at_leverage("3.4"), atomic=False)
    plan = approved(view)
    assert plan.purpose is Purpose.DELEVERAGE
    assert LIMITS.health_step_min * WAD <= min(healths(view, plan)[0]) < 115 * WAD // 100


def test_a_withdrawal_is_held_to_the_floor_and_planned_a_little_above_it():
    """Its price may fall before its block: the step then reverts, and a new plan is made."""
    view = worlds.view(worlds.at_leverage("3.4"), atomic=False)
    floor = int(LIMITS.health_step_min * WAD)
    plan = approved(view)
    withdrawals = [step for step in plan.steps if isinstance(step.actions[0], Withdraw)]
    assert {step.health_min for step in withdrawals} == {floor}
    assert floor * 101 // 100 <= min(healths(view, plan)[0]) < floor * 102 // 100


@pytest.mark.parametrize("ratio", ["5.8", "5.4", "5.35", "5.3", "5.0", "4.2"])
def test_each_round_uses_at_least_half_of_what_health_allows(ratio):
    """However little that is: no round is spent on next to nothing."""
    view = worlds.view(worlds.at_leverage(ratio), atomic=False)
    first = approved(view).steps[0]
    (withdrawal,) = first.actions
    assert isinstance(withdrawal, Withdraw)
    allowed = rounds.withdrawable(view.state, worlds.WETH, first.health_min)
    assert allowed * 49 // 100 < withdrawal.amount.raw < allowed


def test_a_rescue_may_pass_through_half_of_its_room_and_what_lies_idle_is_room():
    low = worlds.view(worlds.at_leverage("5.4"), atomic=False)
    before = loans.summarise(low.state.market, low.state.position.loan, low.now).health
    halved = WAD + (before - WAD) // 2
    assert halved < int(LIMITS.health_step_min * WAD)
    assert floors(low) == {halved}

    paid = low.state.position.with_idle(low.state.position.mandate.debt, 20_000 * 10**6)
    helped = replace(low, state=replace(low.state, position=paid))
    assert floors(helped) == {int(LIMITS.health_step_min * WAD)}


def test_what_a_close_bought_too_much_is_sold_and_the_collateral_comes_home():
    unwinding = Record(unwinding=True)
    view = worlds.view(worlds.state(posted=2, idle_debt=250), atomic=False, record=unwinding)
    plan = approved(view)
    assert [type(step.actions[0]) for step in plan.steps] == [Withdraw, Swap]
    _, after = healths(view, plan)
    assert after.position.idle[worlds.USDC] == 0
    assert after.position.idle[worlds.WETH] > 2 * 10**18
    assert not any(after.position.loan.supplies.values())


def test_dust_of_the_debt_asset_is_left_where_it_is():
    view = worlds.view(worlds.state(idle=2, idle_debt="0.5"), record=Record(unwinding=True))
    assert turn(view, SEATS, LIMITS, TIMING, age_s=0).plan is None


def test_a_pool_that_cannot_take_the_rest_does_not_keep_the_collateral_in():
    dry = replace(worlds.pool(), liquidity=0, ticks=())
    state = worlds.state(posted=2, idle_debt=250, pools={"weth-usdc": dry})
    plan = approved(worlds.view(state, record=Record(unwinding=True)))
    assert [type(step.actions[0]) for step in plan.steps] == [Withdraw]


def test_what_lies_idle_is_sold_before_anything_is_withdrawn():
    """A deleverage cut off after its withdrawal must not begin with another one."""
    view = worlds.view(worlds.state(posted="20", idle="5", debt=48_500), atomic=False)
    plan = approved(view)
    first = plan.steps[0].actions[0]
    assert plan.purpose is Purpose.DELEVERAGE
    assert isinstance(first, Swap)
    assert first.sell.raw == 5 * worlds.WETH.unit
    passed, _ = healths(view, plan)
    assert (
        min(passed) >= loans.summarise(view.state.market, view.state.position.loan, view.now).health
    )


def test_a_close_sells_what_lies_idle_before_it_withdraws_and_saves_before_it_closes():
    """All of a way out in single steps may cost more gas than saving is worth."""
    view = worlds.view(worlds.state(posted="20", idle="5", debt=48_500), atomic=False)
    view = replace(view, record=Record(unwinding=True))
    plan = approved(view)
    assert plan.purpose is Purpose.DELEVERAGE
    assert isinstance(plan.steps[0].actions[0], Swap)
    passed, safe = healths(view, plan)
    assert passed[-1] > 12 * WAD // 10 > max(passed[:-1])

    rest = approved(replace(view, state=safe))
    assert rest.purpose is Purpose.UNWIND
    _, after = healths(replace(view, state=safe), rest)
    assert not any(after.position.loan.debts.values())


def test_a_way_out_goes_on_round_by_round_until_it_has_saved_the_position():
    """Saved is what the guard calls so: above its trigger, which limits know nothing of."""
    view = worlds.view(worlds.at_leverage("4.4"), atomic=False)
    view = replace(view, record=Record(unwinding=True))
    plan, wish = approved(view), GUARD.decide(view)
    assert isinstance(wish, SetLeverage)
    assert plan.purpose is Purpose.DELEVERAGE
    repaid = [isinstance(step.actions[0], Repay) for step in plan.steps]
    passed, _ = healths(view, plan)
    assert repaid.count(True) > 1, "or the test proves nothing"
    assert repaid[-1]
    assert passed[-1] > wish.enough > 12 * WAD // 10
    assert len(plan.steps) < len(rounds.close_in_rounds(view.state, terms_of(view, LIMITS, TIMING)))
