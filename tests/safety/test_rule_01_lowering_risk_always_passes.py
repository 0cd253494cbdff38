"""Design rule 1: a plan that only lowers risk always passes; and there always is one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.limits import TIMING, limits
from tests.worlds import GWEI, NOON, at_leverage, pool, view

from leverd.domain import loans, valuation
from leverd.domain.decision import Hold, SetLeverage, Unwind
from leverd.domain.fixed_point import WAD
from leverd.domain.plan import Swap
from leverd.domain.view import Gas, Portfolio, Record, TradingState
from leverd.engine import planner
from leverd.engine.turn import terms_of
from leverd.risk.gate import Approved, Denied, Pending, Reason, bound, review
from leverd.risk.rehearsal import rehearse

THRESHOLD = Decimal("0.83")


def at_health(health, **changes):
    """Return a view of a position with `health`: leverage is h / (h - threshold)."""
    leverage = Decimal(health) / (Decimal(health) - THRESHOLD)
    return view(at_leverage(leverage), **changes)


def plan_for(decision, seen, under):
    return planner.plan(decision, seen, terms_of(seen, under, TIMING))


def health_of(state, at):
    return loans.summarise(state.market, state.position.loan, at).health


def everything_in_the_way():
    """Return what holds back every other plan: limits, counts, costs, cooldowns, old news."""
    return {
        "record": Record(
            trading_state=TradingState.REDUCING,
            paused=True,
            unwinding=True,
            stopped=True,
            unexplained=True,
            open_slots=3,
            last_loss_at=NOON,
            trades_today=10**6,
        ),
        "portfolio": Portfolio(99, 10**6, 10**20, 10**20, 3),
        "venue_trusted": False,
        "sources_agree": 0,
        "gas": Gas(5_000 * GWEI, GWEI, 3000 * 10**8, 0),
    }


@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("health", ["1.03", "1.1", "1.2", "1.6"])
def test_no_limit_count_cost_or_cooldown_denies_a_plan_that_lowers_risk(health, atomic):
    seen = at_health(health, atomic=atomic, **everything_in_the_way())
    harsh = limits(
        profit_usd_min=Decimal(10**9), cost_share_max=Decimal("0.000001"), leverage_max=Decimal(1)
    )
    plan = plan_for(SetLeverage("agent", Decimal("1.8"), "test"), seen, harsh)
    assert plan is not None

    verdict = review(plan, seen, harsh, age_s=10**6, pending=Pending(10**20, 10**20, 10**6))

    assert isinstance(verdict, Approved)
    assert verdict.lowers


@pytest.mark.parametrize("health", ["1.03", "1.2"])
def test_only_a_humans_halt_holds_it_back(health):
    seen = at_health(health, record=Record(trading_state=TradingState.HALTED))
    plan = plan_for(Unwind("owner", "test"), seen, limits())
    assert plan is not None

    verdict = review(plan, seen, limits(), age_s=0)

    assert isinstance(verdict, Denied)
    assert verdict.reasons == (Reason.HALTED,)


@settings(max_examples=60, deadline=None)
@given(
    health=st.decimals("1.002", "1.149", places=4),
    atomic=st.booleans(),
    record=st.sampled_from(
        [Record(), Record(trading_state=TradingState.REDUCING), Record(unexplained=True)]
    ),
)
def test_from_every_health_below_the_floor_a_deleverage_is_approved(health, atomic, record):
    """The liveness twin: nobody asked for anything, and still there is an approved way back."""
    seen = at_health(health, atomic=atomic, record=record)
    decision = bound(Hold("agent", "nothing to do"), seen, limits())
    plan = plan_for(decision, seen, limits())
    assert plan is not None

    verdict = review(plan, seen, limits(), age_s=10**6)

    assert isinstance(verdict, Approved), verdict
    after = rehearse(plan, seen).after
    assert after.health > health_of(seen.state, seen.now)


@settings(max_examples=60, deadline=None)
@given(
    health=st.decimals("1.002", "1.5", places=4),
    target=st.decimals("1", "2.2", places=3),
    atomic=st.booleans(),
)
def test_what_is_approved_as_lowering_lowers_at_its_worst(health, target, atomic):
    """The safety twin: debt, leverage and danger are less even at worst-case fills."""
    seen = at_health(health, atomic=atomic)
    before = health_of(seen.state, seen.now)
    plan = plan_for(SetLeverage("agent", target, "test", urgent=True), seen, limits())
    if plan is None:
        return
    verdict = review(plan, seen, limits(), age_s=0)
    if not (isinstance(verdict, Approved) and verdict.lowers):
        return

    played = rehearse(plan, seen)

    assert played.after.debt < played.before.debt
    assert valuation.leverage(played.after.state) < valuation.leverage(seen.state)
    assert played.after.health > before
    lowest = min(end.health for end in played.ends)
    assert lowest >= min(limits().health_step_min * WAD, (before + WAD) // 2)


def test_a_position_outside_a_limit_is_itself_a_reason_to_reduce():
    seen = view(at_leverage("2.6"))
    for tightened in (
        limits(leverage_max=Decimal("2.5")),
        limits(position_usd_max=Decimal(70_000)),
        limits(health_min=Decimal("1.4")),
    ):
        decision = bound(Hold("agent", "content"), seen, tightened)

        assert isinstance(decision, SetLeverage)
        assert decision.target < Decimal("2.6")
        plan = plan_for(decision, seen, tightened)
        assert plan is not None
        assert isinstance(review(plan, seen, tightened, age_s=0), Approved)


def test_a_market_whose_threshold_governance_lowered_is_left_in_time():
    seen = view(at_leverage("3"))
    market = seen.state.market
    collateral = seen.state.position.mandate.collateral
    reserve = market.reserves[collateral]
    tightened = replace(reserve, params=replace(reserve.params, liquidation_threshold=7300))
    reserves = {**market.reserves, collateral: tightened}
    moved = replace(seen, state=seen.state.with_market(replace(market, reserves=reserves)))

    decision = bound(Hold("agent", "content"), moved, limits())

    assert isinstance(decision, SetLeverage)
    assert decision.urgent


def test_a_lowering_plan_that_falls_below_the_step_floor_is_denied():
    seen = at_health("1.3", atomic=False)
    low = Decimal("1.0001")
    terms = terms_of(seen, limits(), TIMING)
    terms = replace(terms, health_step_min=low, health_step_limit=low)
    plan = planner.plan(SetLeverage("agent", Decimal("1.2"), "test"), seen, terms)
    assert plan is not None

    verdict = review(plan, seen, limits(), age_s=0)

    assert isinstance(verdict, Denied)
    assert verdict.reasons == (Reason.STEP_HEALTH_TOO_LOW,)


@settings(max_examples=40, deadline=None)
@given(health=st.decimals("1.03", "3", places=3), atomic=st.booleans())
def test_an_unwind_is_approved_from_everywhere_in_either_way(health, atomic):
    seen = at_health(health, atomic=atomic, **everything_in_the_way())
    plan = plan_for(Unwind("owner", "asked"), seen, limits())
    assert plan is not None

    verdict = review(plan, seen, limits(), age_s=10**6)

    assert isinstance(verdict, Approved), verdict


@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize(
    "wish", [Unwind("owner", "asked"), SetLeverage("guardian", Decimal(2), "")]
)
@pytest.mark.parametrize("depth", [1, 10**9, 10**13])
def test_a_pool_gone_dry_is_waited_on_and_ends_no_turn(depth, wish, atomic):
    """A sale that brings nothing is not begun: it would leave collateral withdrawn and idle."""
    seen = at_health("1.1", atomic=atomic)
    dry = replace(seen, state=seen.state.with_pool(pool(depth=depth)))
    plan = plan_for(wish, dry, limits())

    swaps = [swap for step in (plan.steps if plan else ()) for swap in step.actions]
    assert not any(isinstance(swap, Swap) and swap.buy_min.raw == 0 for swap in swaps)
    assert plan_for(wish, seen, limits()) is not None
    if plan is not None:
        played = rehearse(plan, dry)
        assert played.after.health >= played.before.health
