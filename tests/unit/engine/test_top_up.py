"""A rescue uses what lies idle before it sells anything, where that is enough."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import short_worlds, worlds
from tests.limits import TIMING, limits
from tests.worlds import USDC, WETH, view

from leverd.agents.guardian import Guardian, Params
from leverd.domain import loans
from leverd.domain.apply import apply_step, worst_fills
from leverd.domain.decision import Hold, SetLeverage, Unwind, combine
from leverd.domain.plan import Purpose, Repay, StepKind, Supply, Swap
from leverd.engine.turn import Seat, turn
from leverd.risk.gate import Approved
from leverd.risk.reasons import Reason

GUARD = (Seat(Guardian(Params(target=Decimal("2.2"), band_high=Decimal("2.5"))), guards=True),)


def after(found):
    state = found.view.state
    for step in found.plan.steps:
        state = apply_step(state, step, worst_fills(state, step, state.at))
    return loans.summarise(state.market, state.position.loan, state.at).health


def rescued(of, **changes):
    found = turn(view(of, **changes), GUARD, limits(), TIMING, age_s=0)
    assert isinstance(found.verdict, Approved)
    return found


def sells(plan):
    return any(isinstance(action, Swap) for action in plan.actions)


@pytest.mark.parametrize("changes", [{"atomic": True}, {"atomic": False},
                                     {"atomic": False, "plain": True}])  # fmt: skip
def test_idle_collateral_is_posted_where_that_is_enough(changes):
    found = rescued(worlds.state(posted=25, idle=6, debt=52_500), **changes)
    assert not sells(found.plan)
    assert any(isinstance(action, Supply) for action in found.plan.actions)
    assert found.plan.purpose is Purpose.DELEVERAGE
    assert found.plan.reason.endswith("what lies idle is enough")
    assert after(found) > 13 * 10**17


def test_a_shorts_idle_dollars_are_posted_and_its_idle_ether_repaid():
    dollars = rescued(short_worlds.short(posted=60_000, idle=20_000, debt=13.5))
    assert [type(action) for action in dollars.plan.actions] == [Supply]
    ether = rescued(short_worlds.short(posted=60_000, idle_debt=3, debt=13.5))
    assert [type(action) for action in ether.plan.actions] == [Repay]


def test_too_little_idle_is_no_substitute_for_selling():
    found = rescued(worlds.state(posted=25, idle=1, debt=52_500))
    assert sells(found.plan)
    assert after(found) > 12 * 10**17


def test_where_the_market_takes_no_more_collateral_it_sells():
    capped = worlds.state(posted=25, idle=6, debt=52_500)
    reserve = capped.market.reserves[WETH]
    full = replace(reserve, params=replace(reserve.params, supply_cap=1))
    market = replace(capped.market, reserves={WETH: full, USDC: capped.market.reserves[USDC]})
    found = rescued(replace(capped, lending={"aave": market}))
    assert sells(found.plan)


@settings(max_examples=60, deadline=None)
@given(idle=st.decimals("0", "10", places=2))
def test_whatever_lies_idle_a_rescue_ends_above_its_trigger(idle):
    found = rescued(worlds.state(posted=25, idle=idle, debt=52_500))
    assert after(found) > 12 * 10**17
    # Only what is enough replaces a sale.
    assert sells(found.plan) or after(found) > 13 * 10**17


def test_an_order_to_close_is_no_rescue_and_does_close():
    owner = view(worlds.state(posted=25, idle=6, debt=52_500))
    closing = replace(owner, record=replace(owner.record, unwinding=True))
    found = turn(closing, GUARD, limits(), TIMING, age_s=0)
    assert found.plan.purpose is Purpose.DELEVERAGE  # health asks for it
    assert [step.kind for step in found.plan.steps] == [StepKind.CLOSE]
    assert Reason.EMPTY not in getattr(found.verdict, "reasons", ())


def test_a_calm_wish_that_goes_further_does_not_slow_a_rescue_down():
    rescue = SetLeverage("guardian", Decimal(2), "why", urgent=True)
    calm = SetLeverage("carry_watch", Decimal("1.5"), "dear")
    assert combine((rescue, calm)) == replace(calm, urgent=True)
    assert combine((rescue, Unwind("owner", "asked"))).urgent
    assert combine((calm, Hold("loop", "well"))) == calm
