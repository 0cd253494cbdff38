"""What `bound` shrinks, to what, and that what it lets through is approved."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.limits import TIMING, limits
from tests.worlds import at_leverage, state, view

from leverd.domain.decision import Hold, SetLeverage, Unwind
from leverd.domain.view import Record, TradingState
from leverd.engine import planner
from leverd.engine.turn import terms_of
from leverd.risk.bounds import bound, ceiling, outside
from leverd.risk.gate import Approved, review


def wish(target):
    return SetLeverage("agent", Decimal(target), "wants it")


def test_a_wish_within_limits_is_left_alone():
    assert bound(wish("2.5"), view(), limits()) == wish("2.5")


@pytest.mark.parametrize(
    ("exact", "beyond"),
    [
        ({"leverage_max": Decimal(3)}, {"leverage_max": Decimal("2.999")}),
        ({"position_usd_max": Decimal(90_000)}, {"position_usd_max": Decimal("89999.99")}),
        ({"health_min": Decimal("1.245")}, {"health_min": Decimal("1.2451")}),
    ],
)
def test_a_position_exactly_at_a_limit_stands_inside(exact, beyond):
    """30 WETH at 3,000 against 60,000: three times, 90,000, and a health of 1.245."""
    assert outside(view(at_leverage(3)), limits(**exact)) is None
    assert outside(view(at_leverage(3)), limits(**beyond)) is not None


def test_the_way_back_inside_leads_to_85_hundredths_of_what_is_allowed():
    under = limits(leverage_max=Decimal(2), slippage_max=Decimal(0))
    back = outside(view(at_leverage(3)), under)

    assert back.target == pytest.approx(Decimal("1.85"), abs=Decimal("1e-5"))
    assert back.target < Decimal("1.85"), "rounded down"
    assert (back.agent, back.urgent) == ("limits", False)
    assert back.reason == "leverage is above 2"


def test_keeping_the_leverage_that_is_adds_risk_while_none_may_be_added():
    seen = view(at_leverage(2), record=Record(trading_state=TradingState.REDUCING))

    assert isinstance(bound(wish("2"), seen, limits()), Hold)
    assert bound(wish("1.999"), seen, limits()) == wish("1.999")


@pytest.mark.parametrize(
    ("changes", "highest"),
    [
        ({}, "3.5605"),  # health 1.15: 3.594 less slippage
        ({"leverage_max": Decimal(3)}, "2.981"),
        ({"shock": Decimal("-0.25")}, "2.6355"),  # 1 / (1 - 0.6225), less slippage
        ({"position_usd_max": Decimal(60_000)}, "2"),
        ({"position_usd_max": Decimal(10_000)}, "1"),
        ({"health_min": Decimal("1.6"), "slippage_max": Decimal(0)}, "2.078"),
    ],
)
def test_a_wish_beyond_limits_is_lowered_to_them_and_says_so(changes, highest):
    decision = bound(wish("9"), view(), limits(**changes))

    assert isinstance(decision, SetLeverage)
    assert decision.target == pytest.approx(Decimal(highest), abs=Decimal("0.001"))
    assert "limits allow" in decision.reason


@settings(max_examples=60, deadline=None)
@given(
    start=st.decimals("1", "3", places=2),
    target=st.decimals("1.1", "20", places=2),
    leverage_max=st.decimals("1.5", "4.5", places=2),
    slippage=st.decimals("0", "0.02", places=4),
    atomic=st.booleans(),
)
def test_what_it_lets_through_is_approved_at_worst_case_fills(
    start, target, leverage_max, slippage, atomic
):
    """A bound that the gate then denies would leave the agent asking for ever."""
    under = limits(leverage_max=leverage_max, slippage_max=slippage, cost_share_max=Decimal(1))
    of = state(idle=10) if start == 1 else at_leverage(start)
    seen = view(of, atomic=atomic)
    decision = bound(wish(target), seen, under)
    if not isinstance(decision, SetLeverage) or decision.target - start < Decimal("0.01"):
        return
    plan = planner.plan(decision, seen, terms_of(seen, under, TIMING))
    assert plan is not None

    assert isinstance(review(plan, seen, under, age_s=0), Approved)


@settings(max_examples=100, deadline=None)
@given(target=st.decimals("1", "20", places=3), leverage=st.decimals("1.01", "5", places=2))
def test_it_only_ever_shrinks(target, leverage):
    decision = bound(wish(target), view(at_leverage(leverage)), limits())

    assert isinstance(decision, SetLeverage)
    assert decision.target <= target


def test_without_debt_nothing_is_outside():
    assert outside(view(), limits(position_usd_max=Decimal(1))) is None


def test_without_equity_the_way_back_is_urgent():
    back = outside(view(state(posted=10, debt=30_001)), limits())

    assert back is not None
    assert back.urgent


def test_an_unwind_outranks_the_way_back():
    seen = view(at_leverage("4.5"))

    found = bound(Unwind("owner", "asked"), seen, limits())

    # as urgent as the way back is, and of its rank
    assert found == Unwind("owner", "asked", urgent=True, saves=True)
    calm = bound(Unwind("owner", "asked"), view(at_leverage("2")), limits())
    assert calm == Unwind("owner", "asked")


def test_the_way_back_ends_inside_with_room_to_spare():
    seen = view(at_leverage("3.9"))
    back = bound(Hold("agent", ""), seen, limits())

    assert isinstance(back, SetLeverage)
    assert 1 < back.target < ceiling(seen, limits())
    assert "health is below 1.15" in back.reason
