from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds

from leverd.domain import loans, valuation
from leverd.domain.apply import apply_step, modelled_fills, worst_fills
from leverd.domain.decision import Hold, SetLeverage, Unwind
from leverd.domain.plan import Borrow, Purpose, Repay, StepKind, Supply
from leverd.engine.planner import plan
from leverd.engine.terms import Terms, wad

TERMS = Terms(
    slippage=Decimal("0.003"),
    impact_max=Decimal("0.01"),
    health_min=Decimal("1.10"),
    health_step_min=Decimal("1.02"),
    delay_s=0,
    deadline_s=600,
    dust_usd=10**8,
)


def to(leverage, *, urgent=False):
    return SetLeverage("loop", Decimal(leverage), "because", urgent=urgent)


def run(of, made, fills=modelled_fills):
    for step in made.steps:
        of = apply_step(of, step, fills(of, step, of.at))
    return of


@pytest.mark.parametrize("target", ["1.5", "2", "2.5", "3", "3.5"])
def test_an_atomic_open_ends_at_its_target_to_a_millionth(target):
    view = worlds.view(worlds.state(idle=10))
    made = plan(to(target), view, TERMS)
    assert made.purpose is Purpose.OPEN
    assert [step.kind for step in made.steps] == [StepKind.RAISE]
    assert abs(valuation.leverage(run(view.state, made)) - Decimal(target)) < Decimal("1e-6")


@pytest.mark.parametrize(("start", "target"), [("2", "3"), ("3", "2"), ("3.5", "3"), ("4", "1.2")])
@pytest.mark.parametrize("atomic", [True, False])
def test_a_rebalance_ends_at_its_target_either_way(start, target, atomic):
    view = worlds.view(worlds.at_leverage(start), atomic=atomic)
    made = plan(to(target), view, TERMS)
    after = valuation.leverage(run(view.state, made))
    assert abs(after - Decimal(target)) < (Decimal("1e-6") if atomic else Decimal("0.02"))


def test_a_sequential_open_keeps_every_step_above_the_floor():
    view = worlds.view(worlds.state(idle=10), atomic=False)
    made = plan(to("3"), view, TERMS)
    state = view.state
    assert len(made.steps) > 6
    for step in made.steps:
        state = apply_step(state, step, worst_fills(state, step, state.at))
        health = loans.summarise(state.market, state.position.loan, state.at).health
        assert health >= wad(TERMS.health_min)
    assert valuation.leverage(state) > Decimal("2.9")


def test_a_target_above_what_health_allows_goes_as_far_as_health_allows():
    view = worlds.view(worlds.state(idle=10))
    terms = replace(TERMS, health_min=Decimal("1.3"))
    after = run(view.state, plan(to("3"), view, terms), worst_fills)
    health = loans.summarise(after.market, after.position.loan, after.at).health
    assert wad(Decimal("1.3")) <= health < wad(Decimal("1.301"))


@pytest.mark.parametrize("atomic", [True, False])
def test_an_unwind_ends_without_debt_and_with_everything_idle(atomic):
    view = worlds.view(worlds.at_leverage("3"), atomic=atomic)
    made = plan(Unwind("owner", "asked"), view, TERMS)
    after = run(view.state, made)
    assert made.purpose is Purpose.UNWIND
    assert not any(after.position.loan.debts.values())
    assert not any(after.position.loan.supplies.values())
    assert after.position.idle[worlds.WETH] > 9 * worlds.WETH.unit


def test_an_unwind_without_debt_only_withdraws():
    view = worlds.view(worlds.state(posted=5))
    after = run(view.state, plan(Unwind("owner", "asked"), view, TERMS))
    assert after.position.idle[worlds.WETH] == 5 * worlds.WETH.unit


def test_an_unwound_position_needs_no_plan():
    assert plan(Unwind("owner", "asked"), worlds.view(worlds.state(idle=5)), TERMS) is None


def test_holding_a_clean_position_needs_no_plan():
    assert plan(Hold("loop", "in band"), worlds.view(worlds.at_leverage("2")), TERMS) is None


def test_idle_remains_are_put_to_use_before_risk_is_raised():
    state = worlds.state(posted=20, debt=20_000, idle=1, idle_debt=500)
    made = plan(to("2.5"), worlds.view(state), TERMS)
    assert made.purpose is Purpose.TIDY
    assert [type(action) for action in made.actions] == [Repay, Supply]


def test_dust_is_left_alone():
    state = worlds.state(posted=20, debt=20_000, idle_debt="0.5")
    assert plan(Hold("loop", "in band"), worlds.view(state), TERMS) is None


def test_a_thin_pool_is_used_only_as_far_as_its_impact_allows():
    state = worlds.at_leverage("3")
    thin = state.with_pool(worlds.pool(3000, depth=10**17))
    made = plan(to("1.5"), worlds.view(thin), TERMS)
    after = valuation.leverage(run(thin, made))
    assert Decimal("1.5") < after < Decimal(3)
    assert made.cost.price_impact <= made.cost.moved // 90


def test_a_full_exit_through_a_thin_pool_lowers_what_it_can():
    state = worlds.at_leverage("3").with_pool(worlds.pool(3000, depth=10**17))
    made = plan(Unwind("owner", "asked"), worlds.view(state), TERMS)
    assert valuation.leverage(run(state, made)) < Decimal(3)


def test_borrowing_stops_at_the_reserves_liquidity():
    state = worlds.state(idle=10)
    usdc = replace(state.market.reserves[worlds.USDC], available=5_000 * 10**6)
    dry = state.with_market(
        replace(state.market, reserves={**state.market.reserves, worlds.USDC: usdc})
    )
    made = plan(to("2"), worlds.view(dry), TERMS)
    borrow = next(action for action in made.actions if isinstance(action, Borrow))
    assert borrow.amount.raw == 5_000 * 10**6


def test_the_plan_says_what_it_is_expected_to_cost():
    made = plan(to("3"), worlds.view(worlds.state(idle=10)), TERMS)
    sold = Decimal(made.cost.moved) / 10**8
    assert abs(Decimal(made.cost.swap_fees) / 10**8 - sold * 5 / 10_000) < Decimal("0.01")
    assert made.cost.gas == 500_000 * 21 * 10**9 * 3000 * 10**8 // 10**18
    assert made.cost.price_impact >= 0


def test_the_same_view_gives_the_same_plan():
    view = worlds.view(worlds.state(idle=10))
    assert plan(to("3"), view, TERMS) == plan(to("3"), view, TERMS)
