"""What a plan would do: as expected, at its worst, and never anything but a look."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from tests import worlds
from tests.limits import SIGNED_OFF, TIMING, limits

from leverd.domain.decision import SetLeverage
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.view import Record, TradingState
from leverd.engine.preview import previewed, seat_for, stand_of
from leverd.engine.turn import turn
from leverd.risk.gate import Approved, Denied
from leverd.risk.reasons import Reason


def asked(target, view=None, terms=SIGNED_OFF):
    view = worlds.view() if view is None else view
    outcome = turn(view, (seat_for(Decimal(target)),), terms, TIMING, age_s=0)
    return previewed(outcome, TIMING.delay_s)


def test_a_raise_ends_at_its_target_and_at_worst_a_little_beyond():
    found = asked("2.5")
    assert isinstance(found.outcome.verdict, Approved)
    assert found.before.leverage == 1
    assert found.before.health == INFINITE_HEALTH
    assert abs(found.expected.leverage - Fraction(5, 2)) < Fraction(1, 10**6)
    assert found.expected.leverage < found.worst.leverage < Fraction(SIGNED_OFF.leverage_max)
    assert found.worst.health < found.expected.health
    assert found.worst.equity < found.expected.equity < found.before.equity
    assert found.before.liquidation_price is None
    assert found.expected.liquidation_price < found.worst.liquidation_price < 3000 * 10**8


def test_a_fall_ends_safer_also_at_its_worst():
    found = asked("1.5", worlds.view(worlds.at_leverage(3)))
    assert isinstance(found.outcome.verdict, Approved)
    assert found.before.health < found.worst.health <= found.expected.health
    assert found.worst.debt < found.before.debt


def test_where_nothing_is_to_do_nothing_changes():
    found = asked("2", worlds.view(worlds.at_leverage(2)))
    assert found.outcome.plan is None
    assert found.before == found.expected == found.worst


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Record(paused=True, trading_state=TradingState.REDUCING), Reason.REDUCING),
        (Record(unexplained=True), Reason.UNEXPLAINED),
    ],
)
def test_a_question_is_answered_in_every_state_and_says_what_stands_against_it(record, reason):
    found = asked("2.5", worlds.view(record=record))
    assert isinstance(found.outcome.wish, SetLeverage)
    assert found.outcome.plan is None
    assert reason in found.outcome.decision.reason


def test_a_plan_that_is_denied_still_says_what_it_would_lead_to():
    found = asked("2.5", terms=limits(cost_share_max=Decimal(0)))
    assert isinstance(found.outcome.verdict, Denied)
    assert found.expected.leverage > 2


def test_what_the_venue_would_refuse_is_no_stand_at_all():
    found = asked("2.5")
    dry = worlds.view(worlds.state(idle=10))
    market = dry.state.market
    debt = dry.state.position.mandate.debt
    empty = replace(market.reserves[debt], available=0)
    starved = replace(market, reserves={**market.reserves, debt: empty})
    view = replace(dry, state=dry.state.with_market(starved))
    refused = previewed(replace(found.outcome, view=view), TIMING.delay_s)
    assert refused.expected is None
    assert refused.worst is None
    assert refused.before == stand_of(view.state, view.now)
