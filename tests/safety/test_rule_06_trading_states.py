"""Design rule 6: ACTIVE, REDUCING and HALTED, who leads there, and what still happens."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.limits import TIMING, limits
from tests.worlds import at_leverage, view

from leverd.agents.guardian import Guardian
from leverd.agents.guardian import Params as GuardianParams
from leverd.domain.decision import Hold, SetLeverage, Unwind
from leverd.domain.view import Record, TradingState
from leverd.engine import planner
from leverd.engine.turn import terms_of
from leverd.risk.breakers import Breaker, Breakers, Fault, watch
from leverd.risk.gate import Approved, bound, review
from leverd.risk.trading_state import effective, forbidden

REDUCING_FOR = [
    Record(trading_state=TradingState.REDUCING),
    Record(paused=True),
    Record(unwinding=True),
    Record(stopped=True),
    Record(unexplained=True),
]


@pytest.mark.parametrize("record", REDUCING_FOR)
def test_reducing_holds_back_added_risk_only(record):
    seen = view(at_leverage("2"), record=record)
    more = bound(SetLeverage("agent", Decimal(3), "test"), seen, limits())
    less = bound(SetLeverage("agent", Decimal("1.5"), "test"), seen, limits())
    none = bound(Unwind("owner", "test"), seen, limits())

    assert isinstance(more, Hold)
    assert less == SetLeverage("agent", Decimal("1.5"), "test")
    assert none == Unwind("owner", "test")
    assert effective(seen) is TradingState.REDUCING


def test_an_untrusted_venue_is_reducing_too():
    assert effective(view(venue_trusted=False)) is TradingState.REDUCING


def test_active_lets_risk_be_added_within_limits():
    seen = view(at_leverage("2"))
    wish = SetLeverage("agent", Decimal(3), "test")

    assert effective(seen) is TradingState.ACTIVE
    assert forbidden(seen) == ()
    assert bound(wish, seen, limits()) == wish


def test_halted_holds_everything():
    seen = view(at_leverage("5"), record=Record(trading_state=TradingState.HALTED))

    for wish in (Hold("a", ""), Unwind("a", ""), SetLeverage("a", Decimal(1), "")):
        assert isinstance(bound(wish, seen, limits()), Hold)
    assert effective(seen) is TradingState.HALTED


def test_no_breaker_leads_to_halted_whatever_opens():
    everything = Breakers({fault: Breaker(open=True) for fault in Fault})

    assert everything.trading_state is TradingState.REDUCING


@pytest.mark.parametrize("record", REDUCING_FOR)
def test_no_automatic_rule_stops_the_guardian(record):
    seen = view(at_leverage("4.5"), record=record, venue_trusted=False)
    broken = Breakers()
    for _ in range(10):
        broken = watch(broken, seen, limits(gas_price_wei_max=1), failures=99)
    assert broken.trading_state is TradingState.REDUCING

    decision = bound(Guardian(GuardianParams()).decide(seen), seen, limits())
    plan = planner.plan(decision, seen, terms_of(seen, limits(), TIMING))
    assert plan is not None

    assert isinstance(review(plan, seen, limits(), age_s=10**6), Approved)
