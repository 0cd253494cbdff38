"""The carry watch: what holding costs, how long that is borne, and what is done about it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests import short_worlds, worlds
from tests.limits import TIMING, limits
from tests.worlds import NOON, PERCENT, USDC, WETH, at_leverage, state, view

from leverd.agents.carry_watch import AGENT, CarryWatch, Params
from leverd.agents.leverage_loop import LeverageLoop
from leverd.agents.leverage_loop import Params as LoopParams
from leverd.domain import carry, headroom, reserves
from leverd.domain.decision import Hold, SetLeverage, Unwind
from leverd.domain.events import CarryTurned
from leverd.domain.fixed_point import RAY
from leverd.domain.lending import RateCurve
from leverd.domain.quiet import Band, Quiet
from leverd.domain.view import Record
from leverd.engine.book import Book
from leverd.engine.state import fold
from leverd.engine.turn import Seat, turn
from leverd.risk.gate import Approved

NONE = Fraction(0)
LONG_AGO = NOON - 30_000


def watch(**given):
    return CarryWatch(Params.model_validate(given))


def dear(of, *, percent=80):
    """Return `of` where borrowing its debt asset costs `percent` a year."""
    debt = of.position.mandate.debt
    reserve = of.market.reserves[debt]
    curve = RateCurve(80 * PERCENT, percent * PERCENT, 0, 0)
    market = replace(
        of.market, reserves={**of.market.reserves, debt: replace(reserve, curve=curve)}
    )
    return replace(of, lending={"aave": market})


def spell(of, since=LONG_AGO):
    return view(of, record=Record(carry_low_since=since))


def test_carry_is_what_is_earned_less_what_is_paid_over_equity():
    held = at_leverage("2.5")
    earned = Fraction(reserves.rates_after(
        held.market.reserves[WETH], held.market.rules, NOON).liquidity, RAY)  # fmt: skip
    paid = Fraction(reserves.rates_after(
        held.market.reserves[USDC], held.market.rules, NOON).borrow, RAY)  # fmt: skip
    expected = Fraction(5, 2) * earned - Fraction(3, 2) * paid
    assert carry.carry_now(held, NONE) == pytest.approx(expected, rel=1e-6)
    assert carry.carry_at(held, Fraction(5, 2), NONE) == pytest.approx(expected, rel=1e-6)
    assert carry.carry_now(held, Fraction(3, 100)) == pytest.approx(expected + Fraction(75, 1000))


def test_our_own_borrowing_makes_borrowing_dearer():
    small, large = at_leverage("2"), at_leverage("2", equity=100_000)
    per_unit = [carry.carry_at(each, Fraction(3), NONE) for each in (small, large)]
    assert per_unit[1] < per_unit[0]


@settings(deadline=None)
@given(least=st.fractions(-1, 0, max_denominator=1000), percent=st.integers(5, 200))
def test_what_is_said_to_be_bearable_is_and_a_little_more_is_not(least, percent):
    held = dear(at_leverage("2.5"), percent=percent)
    found = carry.bearable(held, least, NONE, Fraction(3))
    assert found is not None
    assert carry.carry_at(held, found, NONE) >= least
    if found < 3:
        assert carry.carry_at(held, found + Fraction(1, 10**6), NONE) < least


def test_where_not_even_no_debt_earns_enough_nothing_is_bearable():
    assert carry.bearable(at_leverage("2"), Fraction(1, 2), NONE, Fraction(2)) is None


def test_without_equity_there_is_no_carry():
    lost = state(posted=1, debt=4000)
    assert carry.carry_now(lost, NONE) is carry.carry_at(lost, Fraction(2), NONE) is None
    assert isinstance(watch().decide(spell(lost)), Hold)
    assert watch().quiet(spell(lost)) is None
    assert watch().facts(spell(lost)) == (CarryTurned("loop", low=False, carry=0),)


@pytest.mark.parametrize("held", [at_leverage("2.5"), short_worlds.at_leverage("2.2")])
def test_a_usual_carry_is_borne(held):
    decision = watch().decide(view(held))
    assert isinstance(decision, Hold)
    assert "is borne" in decision.reason
    assert watch().facts(view(held)) == ()


@pytest.mark.parametrize("held", [at_leverage("2.5"), short_worlds.at_leverage("2.2")])
def test_a_carry_too_low_is_noted_waited_on_and_then_lowered(held):
    seen = view(dear(held))
    (fact,) = watch().facts(seen)
    assert fact.low
    assert fact.carry < -2 * 10**17
    book = fold(Book(), fact, NOON)
    record = book.page(fact.position_id).record
    assert record.carry_low_since == NOON
    at_once = replace(seen, record=record)
    assert watch().facts(at_once) == ()
    assert "borne for 21600 s more" in watch().decide(at_once).reason
    decision = watch().decide(spell(dear(held)))
    assert isinstance(decision, SetLeverage)
    assert not decision.urgent
    assert decision.target < headroom.leverage(held)
    after = carry.carry_at(dear(held), Fraction(decision.target), NONE)
    assert after == pytest.approx(Fraction(-19, 100), abs=1e-6)


def test_a_carry_that_came_back_ends_the_spell():
    seen = spell(at_leverage("2.5"))
    (fact,) = watch().facts(seen)
    assert not fact.low
    book = fold(Book(), CarryTurned("loop", low=True, carry=-3 * 10**17), NOON - 9)
    assert fold(book, fact, NOON).page("loop").record.carry_low_since is None
    assert isinstance(watch().decide(seen), Hold)


def test_where_no_leverage_is_borne_it_closes():
    closing = watch(carry_min="0", carry_goal="0.5").decide(spell(dear(at_leverage("2.5"))))
    assert isinstance(closing, Unwind)
    assert not closing.urgent


def test_a_move_that_costs_more_than_it_saves_is_not_made():
    held = spell(dear(at_leverage("2.5")))
    decision = watch(pays_back_s=60).decide(held)
    assert isinstance(decision, Hold)
    assert "would save" in decision.reason
    dry = replace(held, state=replace(held.state, pools={"weth-usdc": worlds.pool(depth=0)}))
    assert "cannot fill" in watch().decide(dry).reason


def test_nothing_is_bought_beyond_what_carry_bears():
    seen = view(dear(state(idle=10)))
    cap = watch().cap(seen, Decimal("2.5"))
    assert cap is not None
    assert 1 < cap.leverage < Decimal("1.3")
    assert watch().cap(view(state(idle=10)), Decimal("2.5")) is None
    assert watch(carry_min="0.5").cap(seen, Decimal("2.5")).leverage == 1
    assert watch().cap(view(state(posted=1, debt=4000)), Decimal(2)) is None


def test_the_loop_does_not_undo_what_the_watch_did():
    loop = LeverageLoop(LoopParams.model_validate(
        {"target": "2.5", "boost_below": "2.2", "repay_above": "2.8", "change_min": "0.1",
         "wait_s_min": 0}))  # fmt: skip
    seats = (Seat(watch(), guards=True), Seat(loop, guards=False))
    before = dear(at_leverage("2.5"))
    first = turn(spell(before), seats, limits(), TIMING, age_s=0)
    assert isinstance(first.verdict, Approved)
    assert first.verdict.lowers
    lowered = dear(at_leverage(first.decision.target))
    second = turn(view(lowered), seats, limits(), TIMING, age_s=0)
    assert isinstance(second.decision, Hold)
    assert second.plan is None


def test_the_loop_rises_again_once_borrowing_is_cheap():
    """The liveness twin."""
    loop = LeverageLoop(LoopParams.model_validate(
        {"target": "2.5", "boost_below": "2.2", "repay_above": "2.8", "change_min": "0.1",
         "wait_s_min": 0}))  # fmt: skip
    seats = (Seat(watch(), guards=True), Seat(loop, guards=False))
    found = turn(view(at_leverage("1.3")), seats, limits(), TIMING, age_s=0)
    assert isinstance(found.verdict, Approved)
    assert found.decision.target == Decimal("2.5")


@settings(max_examples=150, deadline=None)
@given(
    leverage=st.decimals("1.1", "3", places=2),
    percent=st.integers(1, 150),
    later_percent=st.integers(1, 150),
    began=st.none() | st.integers(0, 40_000),
    later=st.integers(0, 60_000),
)
def test_inside_its_promise_it_only_holds(leverage, percent, later_percent, began, later):
    since = None if began is None else NOON - began
    seen = spell(dear(at_leverage(leverage), percent=percent), since)
    promise = watch().quiet(seen)
    if promise is None:
        return
    assert isinstance(watch().decide(seen), Hold)
    after = replace(dear(seen.state, percent=later_percent), at=NOON + later)
    then = replace(seen, state=after, stamp=replace(seen.stamp, at=NOON + later))
    if promise.contains(then):
        assert isinstance(watch().decide(then), Hold)


def test_silence_is_promised_and_never_for_long():
    assert watch().quiet(view(at_leverage("2.5"))) == Quiet(time=Band(below=NOON + 2160))
    assert watch().quiet(view(state(posted=10))) == Quiet()
    soon = spell(dear(at_leverage("2.5")), NOON - 21_000)
    assert watch().quiet(soon) == Quiet(time=Band(below=NOON + 600))
    assert watch().quiet(spell(dear(at_leverage("2.5")))) is None


def test_it_asks_for_no_risk_and_a_goal_below_its_floor_is_refused():
    assert AGENT.envelope(Params()) is None
    assert AGENT.make(Params()).name == "carry_watch"
    with pytest.raises(ValidationError, match="carry_goal"):
        Params.model_validate({"carry_min": "-0.1", "carry_goal": "-0.2"})
