"""The gate over many worlds: what it approves is safe, and safe plans are approved."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.limits import TIMING, limits
from tests.worlds import at_leverage, state, view

from leverd.domain.apply import apply_step, modelled_fills
from leverd.domain.decision import Hold, SetLeverage, Unwind
from leverd.domain.fixed_point import WAD
from leverd.domain.loans import summarise
from leverd.domain.money import Amount
from leverd.domain.plan import Swap
from leverd.domain.view import Record, TradingState
from leverd.engine import planner
from leverd.engine.turn import terms_of
from leverd.risk.gate import Approved, bound, review
from leverd.risk.rehearsal import rehearse
from leverd.risk.stress import health_after

STATES = st.sampled_from([TradingState.ACTIVE] * 4 + list(TradingState))


def planned(decision, seen, under):
    return planner.plan(decision, seen, terms_of(seen, under, TIMING))


@settings(max_examples=150, deadline=None)
@given(
    start=st.decimals("1", "2.5", places=2) | st.decimals("1", "4.6", places=2),
    target=st.decimals("1", "4", places=2) | st.decimals("1", "6", places=2),
    health_min=st.decimals("1.03", "1.3", places=2),
    leverage_max=st.decimals("2", "5", places=2),
    shock=st.decimals("-0.2", "-0.01", places=2),
    atomic=st.booleans(),
    trading_state=STATES,
)
def test_whatever_is_asked_and_approved_is_within_limits_or_lowers_risk(
    start, target, health_min, leverage_max, shock, atomic, trading_state
):
    """Without `bound`: the gate alone must stop what is too much."""
    under = limits(
        health_min=health_min, leverage_max=leverage_max, shock=shock, cost_share_max=Decimal(1)
    )
    of = state(idle=10) if start == 1 else at_leverage(start)
    seen = view(of, atomic=atomic, record=Record(trading_state=trading_state))
    plan = planned(SetLeverage("agent", target, "test"), seen, under)
    if plan is None:
        return
    verdict = review(plan, seen, under, age_s=0)
    event(f"{type(verdict).__name__} {getattr(verdict, 'lowers', '')}")
    if not isinstance(verdict, Approved):
        return

    played = rehearse(plan, seen)

    assert trading_state is not TradingState.HALTED
    if verdict.lowers:
        assert played.after.debt < played.before.debt
        assert played.after.health > played.before.health
    else:
        assert trading_state is TradingState.ACTIVE
        assert min(end.health for end in played.ends) >= int(health_min * WAD)
        assert played.after.leverage is not None
        assert played.after.leverage <= Fraction(leverage_max)
        assert health_after(played.after.state, shock, seen.now) >= WAD


@settings(max_examples=80, deadline=None)
@given(
    start=st.decimals("1", "3", places=2),
    target=st.decimals("1", "3", places=2),
    share=st.integers(0, 100),
    atomic=st.booleans(),
)
def test_any_fill_between_the_quote_and_the_worst_ends_no_worse_than_what_was_judged(
    start, target, share, atomic
):
    of = state(idle=10) if start == 1 else at_leverage(start)
    seen = view(of, atomic=atomic)
    plan = planned(bound(SetLeverage("agent", target, "test"), seen, limits()), seen, limits())
    if plan is None or len(plan.steps) > 1:
        return
    if not isinstance(review(plan, seen, limits(), age_s=0), Approved):
        return
    (step,) = plan.steps
    swap, best = step.actions[0], modelled_fills(seen.state, step, seen.now)
    if not isinstance(swap, Swap):
        return
    least = swap.buy_min.raw
    got = least + (best[0].bought - least) * share // 100
    fills = (replace(best[0], bought=got), *best[1:])

    end = apply_step(seen.state, step, fills)

    health = summarise(end.market, end.position.loan, seen.now).health
    assert health >= rehearse(plan, seen).after.health


@settings(max_examples=60, deadline=None)
@given(
    start=st.decimals("1.05", "3.2", places=2),
    wish=st.one_of(
        st.builds(Hold, st.just("a"), st.just("")),
        st.builds(Unwind, st.just("a"), st.just("")),
        st.builds(SetLeverage, st.just("a"), st.decimals("1", "3.4", places=2), st.just("")),
    ),
    atomic=st.booleans(),
)
def test_in_a_calm_market_what_is_bounded_and_planned_is_approved(start, wish, atomic):
    """The liveness twin: nothing that limits allow is lost on the way."""
    worth_it = limits(cost_share_max=Decimal(1))
    seen = view(at_leverage(start), atomic=atomic)
    plan = planned(bound(wish, seen, worth_it), seen, worth_it)
    if plan is None:
        return

    verdict = review(plan, seen, worth_it, age_s=0)

    assert isinstance(verdict, Approved), verdict


@settings(max_examples=40, deadline=None)
@given(start=st.decimals("1.5", "4.5", places=2), target=st.decimals("1", "5", places=2))
def test_the_same_view_gives_the_same_verdict(start, target):
    seen = view(at_leverage(start))
    plan = planned(SetLeverage("agent", target, "test"), seen, limits())
    if plan is None:
        return

    assert review(plan, seen, limits(), age_s=0) == review(plan, seen, limits(), age_s=0)


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(1, 99), start=st.decimals("2", "4", places=1))
def test_a_plan_that_accepts_less_than_its_slippage_allows_is_never_approved(cut, start):
    seen = view(at_leverage(start))
    plan = planned(SetLeverage("agent", Decimal("1.5"), "test"), seen, limits())
    assert plan is not None
    (step,) = plan.steps
    swap = step.actions[0]
    if not isinstance(swap, Swap):
        return
    worse = Amount(swap.buy_min.asset, swap.buy_min.raw * (100 - cut) // 100)
    tampered = replace(step, actions=(replace(swap, buy_min=worse), *step.actions[1:]))

    verdict = review(replace(plan, steps=(tampered,)), seen, limits(), age_s=0)

    assert not isinstance(verdict, Approved)
