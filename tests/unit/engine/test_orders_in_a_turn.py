"""Orders among the others: what closes, what waits for a better book, what is not bought."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from tests.limits import SIGNED_OFF as LIMITS
from tests.order_worlds import DOLLAR, course, keeper, long_state, riding, short_state
from tests.worlds import NOON, WETH, state, view

from leverd.agents import guardian
from leverd.domain.course import Fired
from leverd.domain.decision import Decision, Hold, SetLeverage, Unwind
from leverd.domain.fixed_point import WAD
from leverd.domain.plan import Purpose, StepKind
from leverd.domain.view import Record
from leverd.engine.book import Book, Page
from leverd.engine.noting import noted
from leverd.engine.turn import Seat, Timing, turn
from leverd.risk.gate import Approved

TIMING = Timing(delay_s=36, deadline_s=300)
STOPPED = Fired("stop_loss at price 2700", "seen", NOON, True, True, 0, 2700 * DOLLAR, WAD // 2)
STOP = Seat(keeper(stop_loss={"price": "2700"}), guards=True)
GUARD = Seat(guardian.Guardian(guardian.Params()), guards=True)


@dataclass(frozen=True)
class Wants:
    """An agent that always wants one leverage."""

    target: Decimal
    name: str = "wants"

    def decide(self, _view) -> Decision:
        return SetLeverage(self.name, self.target, "always")


def taken(seen, *seats):
    return turn(seen, seats, LIMITS, TIMING, age_s=1)


def test_a_stop_that_fires_unwinds_everything_whatever_others_want():
    seen = riding(long_state(2690))
    seen = noted(seen, [STOP], Book({"loop": Page(seen.record)}))
    assert seen.record.ended is not None
    found = taken(seen, STOP, Seat(Wants(Decimal(3)), guards=False))
    assert isinstance(found.decision, Unwind)
    assert found.decision.agent == "orders"
    assert found.plan.purpose is Purpose.UNWIND
    assert isinstance(found.verdict, Approved)


def test_what_an_order_closed_stays_closed_also_when_no_order_is_kept_any_more():
    closed = view(state(idle=10), record=Record(ended=STOPPED))
    found = taken(closed, Seat(Wants(Decimal(3)), guards=False))
    assert isinstance(found.wish, Unwind)
    assert found.plan is None


def test_the_same_position_opens_when_no_order_closed_it():
    """The liveness twin."""
    found = taken(view(state(idle=10)), STOP, Seat(Wants(Decimal(2)), guards=False))
    assert isinstance(found.verdict, Approved)


@pytest.mark.parametrize("pool_price", [2600, 2400])
def test_a_stop_waits_while_the_pool_alone_has_fallen(pool_price):
    seen = riding(long_state(2695, pool_price=pool_price), ended=STOPPED)
    found = taken(seen, STOP, Seat(Wants(Decimal(3)), guards=False))
    assert isinstance(found.decision, Hold)
    assert "waits: the pool pays" in found.decision.reason
    assert found.plan is None


def test_a_stop_sells_when_oracle_and_pool_fell_together():
    """The liveness twin: a crash is no thin book."""
    seen = riding(long_state(2450, pool_price=2400), ended=STOPPED)
    found = taken(seen, STOP)
    assert found.plan.purpose is Purpose.DELEVERAGE  # health asks for it too
    assert [step.kind for step in found.plan.steps] == [StepKind.CLOSE]
    assert isinstance(found.verdict, Approved)
    assert found.verdict.urgency > 0


def test_a_pool_that_pays_more_never_holds_a_stop_back():
    seen = riding(long_state(2695, pool_price=2900), ended=STOPPED)
    assert isinstance(taken(seen, STOP).verdict, Approved)


def test_a_target_waits_for_the_pool_too():
    seen = riding(long_state(3310, pool_price=3100), course=course())
    agent = Seat(keeper(take_profit=[{"price": "3300", "share": "0.3"}]), guards=True)
    seen = noted(seen, [agent], Book({"loop": Page(seen.record)}))
    assert seen.record.course.pending is not None
    assert isinstance(taken(seen, agent).decision, Hold)
    fair = replace(seen, state=long_state(3310))
    assert taken(fair, agent).plan.purpose is Purpose.REDUCE


def test_the_guardian_is_never_held_back_by_a_thin_book():
    low = riding(long_state(2450, pool_price=2050), ended=replace(STOPPED, reference=2450 * DOLLAR))
    found = taken(low, GUARD, STOP)
    assert isinstance(found.decision, SetLeverage)
    assert found.decision.agent in {"guardian", "limits"}
    assert found.plan is not None


def test_the_owner_unwinds_into_a_thin_book_if_he_says_so():
    seen = riding(long_state(2695, pool_price=2600), ended=STOPPED, unwinding=True)
    found = taken(seen, STOP)
    assert isinstance(found.decision, Unwind)
    assert found.decision.agent == "owner"


def test_a_short_closes_when_both_rise_and_waits_when_the_pool_alone_does():
    ended = replace(STOPPED, reference=3300 * DOLLAR)
    agent = Seat(keeper(stop_loss={"price": "3300"}), guards=True)
    alone = riding(short_state(3305, pool_price=3500), ended=ended)
    assert isinstance(taken(alone, agent).decision, Hold)
    both = riding(short_state(3500, pool_price=3520), ended=ended)
    assert isinstance(taken(both, agent).decision, Unwind)


def test_what_was_sold_is_not_bought_back_by_a_loop_that_wants_more():
    kept = course(done=("x",), keep=17 * WETH.unit)
    seen = riding(long_state(3300, held=17, debt=18_600), course=kept)
    found = taken(seen, STOP, Seat(Wants(Decimal("2.5")), guards=False))
    assert found.wish == Hold("wants", "always; what an order sold is not bought back")


def test_a_cap_lets_through_what_lies_below_it_and_never_sells():
    seen = riding(long_state(3030))  # 2.43x after a gain of 2.5 %
    raised = taken(seen, STOP, Seat(Wants(Decimal("2.6")), guards=False))
    assert isinstance(raised.wish, SetLeverage)
    assert Decimal("2.5") < raised.wish.target < Decimal("2.6")
    assert "not compounded" in raised.wish.reason
    lowered = taken(seen, STOP, Seat(Wants(Decimal("2.2")), guards=False))
    assert lowered.wish.target == Decimal("2.2")
