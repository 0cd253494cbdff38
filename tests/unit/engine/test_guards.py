from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.limits import SIGNED_OFF as LIMITS
from tests.limits import TIMING
from tests.unit.engine.test_planner import TERMS, to

from leverd.domain import quotes
from leverd.domain.decision import Hold, SetLeverage
from leverd.domain.plan import Purpose, StepKind
from leverd.domain.view import Record
from leverd.engine.planner import plan
from leverd.engine.turn import Seat, Timing, terms_of, turn
from leverd.risk import urgency
from leverd.risk.gate import Approved, Reason, review
from leverd.risk.trading_state import forbidden


class Wisher:
    """Asks for one leverage, whatever it sees."""

    name = "wisher"

    def __init__(self, target, *, urgent=False):
        self.target, self.urgent, self.asked = target, urgent, 0

    def decide(self, view):
        self.asked += 1
        return SetLeverage(self.name, Decimal(self.target), "wished", urgent=self.urgent)


class Warner(Wisher):
    def alert(self, view):
        return "health is low"


def test_a_paused_position_asks_its_guards_only():
    loop, guard = Wisher("3"), Wisher("1.5", urgent=True)
    view = worlds.view(worlds.at_leverage("2"), record=Record(paused=True))
    outcome = turn(view, [Seat(guard, True), Seat(loop, False)], LIMITS, TIMING, age_s=0)
    assert (guard.asked, loop.asked) == (1, 0)
    assert outcome.decision.target == Decimal("1.5")


def test_a_paused_position_without_guards_holds():
    view = worlds.view(worlds.at_leverage("2"), record=Record(paused=True))
    outcome = turn(view, [Seat(Wisher("3"), False)], LIMITS, TIMING, age_s=0)
    assert isinstance(outcome.wish, Hold)


def test_an_unwind_wins_over_every_agent_and_is_approved():
    for record in (Record(unwinding=True), Record(stopped=True)):
        view = worlds.view(worlds.at_leverage("2"), record=record)
        outcome = turn(view, [Seat(Wisher("3"), False)], LIMITS, TIMING, age_s=0)
        assert outcome.plan.purpose is Purpose.UNWIND
        assert isinstance(outcome.verdict, Approved)


def test_an_open_breaker_holds_back_new_risk_and_nothing_else():
    record = Record(breakers=("oracle_gap",))
    view = worlds.view(worlds.at_leverage("2"), record=record)
    assert forbidden(view) == (Reason.BREAKER,)
    raising = turn(view, [Seat(Wisher("2.2"), False)], LIMITS, TIMING, age_s=0)
    assert isinstance(raising.decision, Hold)
    lowering = turn(view, [Seat(Wisher("1.5"), False)], LIMITS, TIMING, age_s=0)
    assert isinstance(lowering.verdict, Approved)


def test_what_is_urgent_gets_the_short_deadline():
    view, timing = worlds.view(worlds.at_leverage("2")), Timing(36, 600, 120)
    assert terms_of(view, LIMITS, timing, urgent=True).deadline_s == 120
    assert terms_of(view, LIMITS, timing).deadline_s == 600
    urgent = turn(view, [Seat(Wisher("1.5", urgent=True), True)], LIMITS, timing, age_s=0)
    assert urgent.plan.deadline == view.now + 120


def test_a_deleverage_is_never_calm_and_grows_more_urgent_as_health_falls():
    far, near = worlds.view(worlds.at_leverage("3")), worlds.view(worlds.at_leverage("4.8"))
    calm = plan(to("2"), far, TERMS)
    saving = plan(to("2", urgent=True), far, TERMS)
    assert urgency.of_plan(calm, far, LIMITS) == 0
    assert urgency.of_plan(saving, far, LIMITS) == urgency.PRESSING
    assert urgency.of_plan(saving, near, LIMITS) > urgency.PRESSING


def room_in(outcome):
    """Return how far below its quote the plan's sale may be filled, as a fraction."""
    sale = outcome.plan.steps[0].actions[0]
    quote = quotes.quote_exact_in(outcome.view.state.pool, sale.sell.asset, sale.sell.raw)
    return 1 - Decimal(sale.buy_min.raw) / quote.bought


def test_what_saves_the_position_gets_room_for_a_fall_and_calm_plans_do_not():
    """Above the floor health is calm, but prices are not: each attempt would miss its minimum."""
    view = worlds.view(worlds.at_leverage("3"))
    calm = turn(view, [Seat(Wisher("2"), True)], LIMITS, TIMING, age_s=0)
    saving = turn(view, [Seat(Wisher("2", urgent=True), True)], LIMITS, TIMING, age_s=0)
    assert isinstance(calm.verdict, Approved)
    assert isinstance(saving.verdict, Approved)
    usual, penalty = LIMITS.slippage_max, Decimal("0.05")
    assert room_in(calm) == pytest.approx(usual, rel=Decimal("1e-4"))
    most = usual + (penalty - usual) * urgency.PRESSING
    assert room_in(saving) == pytest.approx(most, rel=Decimal("1e-4"))


def test_a_deleverage_that_ends_all_debt_is_one_and_gets_its_room_too():
    view = worlds.view(worlds.at_leverage("1.5"))
    terms = terms_of(view, LIMITS, TIMING, urgent=True, saves=True)
    made = plan(to("0.9", urgent=True), view, terms)
    assert made.purpose is Purpose.DELEVERAGE
    assert [step.kind for step in made.steps] == [StepKind.CLOSE]
    assert isinstance(review(made, view, LIMITS, age_s=0), Approved)


def test_a_guard_may_warn_and_an_agent_that_cannot_is_silent():
    view = worlds.view()
    assert Seat(Warner("2"), True).alert(view) == "health is low"
    assert Seat(Wisher("2"), True).alert(view) is None
    assert replace(view, record=Record()).record.breakers == ()
