"""Design rule 7: the guardian's triggers, its return, its urgency and its gas."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.limits import TIMING, limits
from tests.worlds import GWEI, at_leverage, view

from leverd.agents.guardian import Guardian, Params, triggers
from leverd.domain import headroom
from leverd.domain.apply import apply_step, modelled_fills
from leverd.domain.decision import Hold, SetLeverage
from leverd.domain.fixed_point import WAD
from leverd.domain.loans import summarise
from leverd.domain.view import Gas
from leverd.engine import planner
from leverd.engine.turn import terms_of
from leverd.interfaces.agent import Envelope
from leverd.risk import urgency
from leverd.risk.feasibility import Check, Watch, judge
from leverd.risk.gate import Approved, Denied, Reason, review
from leverd.risk.market_facts import facts_of

THRESHOLD = Fraction(83, 100)
SIGNED = limits(health_min=Decimal("1.1"))


@settings(max_examples=80, deadline=None)
@given(
    target=st.decimals("1.2", "12", places=2),
    drift=st.decimals("0", "1", places=2),
    threshold=st.sampled_from([Fraction(83, 100), Fraction(78, 100), Fraction(95, 100)]),
)
def test_unset_triggers_lie_between_liquidation_and_where_the_loop_may_drift(
    target, drift, threshold
):
    top = target + drift
    at_top = headroom.health_at(Fraction(top), threshold)
    assert at_top is not None
    if at_top <= 1:
        return
    levels = triggers(Params(target=target, band_high=top), threshold)

    assert 1 < levels.deleverage_below < at_top
    assert levels.deleverage_below <= levels.alert_below
    assert levels.repay_to > levels.deleverage_below


def test_triggers_are_the_usual_ones_where_the_target_leaves_room():
    levels = triggers(Params(target=Decimal("1.5"), band_high=Decimal("1.7")), THRESHOLD)

    assert (levels.deleverage_below, levels.alert_below) == (Fraction(6, 5), Fraction(3, 2))


def after_one_plan(guard, seen):
    """Return the view once the guardian's plan, approved, was carried out at modelled fills."""
    decision = guard.decide(seen)
    assert isinstance(decision, SetLeverage)
    assert decision.urgent
    plan = planner.plan(decision, seen, terms_of(seen, SIGNED, TIMING))
    assert plan is not None
    assert isinstance(review(plan, seen, SIGNED, age_s=0), Approved)
    state = seen.state
    for step in plan.steps:
        state = apply_step(state, step, modelled_fills(state, step, seen.now))
    return replace(seen, state=state)


def health_of(seen):
    return summarise(seen.state.market, seen.state.position.loan, seen.now).health


@settings(max_examples=40, deadline=None)
@given(health=st.decimals("1.005", "1.199", places=4))
def test_below_its_trigger_it_returns_to_repay_to_in_one_plan(health):
    seen = view(at_leverage(health / (health - Decimal("0.83"))))
    guard = Guardian(Params(target=Decimal("2.5"), band_high=Decimal("2.8")))

    after = health_of(after_one_plan(guard, seen))

    assert after == pytest.approx(int(triggers(guard.params, THRESHOLD).repay_to * WAD), rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(health=st.decimals("1.005", "1.199", places=4))
def test_step_by_step_it_gets_above_its_trigger_in_a_few_plans(health):
    seen = view(at_leverage(health / (health - Decimal("0.83"))), atomic=False)
    guard = Guardian(Params(target=Decimal("2.5"), band_high=Decimal("2.8")))

    for _ in range(6):
        if isinstance(guard.decide(seen), Hold):
            break
        before, seen = health_of(seen), after_one_plan(guard, seen)
        assert health_of(seen) > before

    assert isinstance(guard.decide(seen), Hold)


def test_above_its_trigger_it_holds():
    guard = Guardian(Params(target=Decimal("2.5"), band_high=Decimal("2.8")))

    assert isinstance(guard.decide(view(at_leverage("3"))), Hold)


def test_a_target_inside_the_trigger_plus_the_gap_is_refused():
    inside = Envelope(Decimal("2.7"), Decimal("2.4"), Decimal("2.9"), Decimal(0), 3_600)
    facts = facts_of(view())
    calm = Watch(60, 36, gap=Decimal("0.08"))

    refused = judge(inside, limits(), facts, calm, Decimal("1.25")).refused
    passed = judge(inside, limits(), facts, calm, Decimal("1.17")).refused

    assert Check.TRIGGER in {finding.check for finding in refused}
    assert Check.TRIGGER not in {finding.check for finding in passed}


@settings(max_examples=60, deadline=None)
@given(
    one=st.decimals("1.005", "2", places=3),
    other=st.decimals("1.005", "2", places=3),
)
def test_caps_only_rise_as_health_falls_and_never_above_what_liquidation_costs(one, other):
    worse, better = sorted([one, other])
    seen = [view(at_leverage(each / (each - Decimal("0.83")))) for each in (worse, better)]
    pressed = [urgency.of(each, SIGNED) for each in seen]
    penalty = Decimal("0.05")

    assert 1 >= pressed[0] >= pressed[1] >= 0
    for cap in (urgency.slippage_max, urgency.impact_max):
        low, high = (cap(each, SIGNED, now) for each, now in zip(seen, pressed, strict=True))
        assert penalty >= low >= high
    gas = [
        urgency.gas_price_cap(each, SIGNED, now, gas=450_000)
        for each, now in zip(seen, pressed, strict=True)
    ]
    assert gas[0] >= SIGNED.gas_price_wei_max
    cost_usd = gas[0] * 450_000 * 3000 * 10**8 // 10**18
    assert cost_usd <= max(
        urgency.worth_usd(seen[0]), SIGNED.gas_price_wei_max * 450_000 * 3000 * 10**8 // 10**18
    )


def test_saving_a_position_may_cost_far_more_gas_than_calm_trading():
    seen = view(at_leverage(Decimal("1.03") / (Decimal("1.03") - Decimal("0.83"))))

    cap = urgency.gas_price_cap(seen, SIGNED, urgency.of(seen, SIGNED), gas=450_000)

    assert cap > 10 * SIGNED.gas_price_wei_max


def opening(balance):
    seen = view(gas=Gas(20 * GWEI, GWEI, 3000 * 10**8, balance))
    decision = SetLeverage("agent", Decimal(2), "test")
    plan = planner.plan(decision, seen, terms_of(seen, SIGNED, TIMING))
    assert plan is not None
    return review(plan, seen, SIGNED, age_s=0)


def test_without_gas_for_several_deleverages_at_the_years_worst_price_nothing_is_opened():
    reserve = 3 * 450_000 * 25 // 16 * 300 * GWEI
    gas = 500_000 * 21 * GWEI

    short = opening(reserve + gas - 1)
    enough = opening(reserve + gas)

    assert isinstance(short, Denied)
    assert short.reasons == (Reason.GAS_RESERVE,)
    assert isinstance(enough, Approved)
