"""The loop before a storm: lower rungs, more with worse news, none without."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from pydantic import ValidationError
from tests.predictions import DAY, predicted
from tests.worlds import NOON, at_leverage, view

from leverd.agents.leverage_loop import LeverageLoop, Params
from leverd.agents.storm import Rungs, StormParams, lowered, storm_of, worst
from leverd.domain.decision import Hold, SetLeverage
from leverd.domain.prediction import Quantity
from leverd.domain.quiet import Quiet
from leverd.domain.side import Side
from leverd.domain.view import Record

CALM = {
    "target": "2.5",
    "boost_below": "2.2",
    "repay_above": "2.8",
    "change_min": "0.05",
    "wait_s_min": 0,
}
LOOP = LeverageLoop(Params.model_validate({**CALM, "storm": {}}))
PLAIN = LeverageLoop(Params.model_validate(CALM))


def now(value, quantity=Quantity.VOLATILITY, **changes):
    until = changes.pop("valid_until", NOON + 100)
    return predicted(value, quantity, made_at=NOON - 10, valid_until=until, **changes)


def seen(leverage, *predictions):
    return view(at_leverage(leverage), record=Record(predictions=predictions))


def test_a_storm_ahead_sells_what_a_calm_day_keeps():
    decision = LOOP.decide(seen("2.7", now(1.7)))
    assert isinstance(decision, SetLeverage)
    assert decision.target == Decimal("1.9")
    assert "storm 4/4: somebody expects volatility 1.70 within 24 h" in decision.reason
    assert isinstance(PLAIN.decide(seen("2.7", now(1.7))), Hold)


def test_calm_ahead_changes_nothing():
    assert LOOP.decide(seen("2.7", now(0.5))) == PLAIN.decide(seen("2.7"))


def test_a_boost_in_a_storm_ends_lower():
    calm, stormy = (LOOP.decide(seen("1.2", now(value))) for value in (0.1, 3.0))
    assert calm.target == Decimal("2.5")
    assert stormy.target == Decimal("1.9")


def test_within_the_sunk_band_it_holds_and_says_why():
    decision = LOOP.decide(seen("2.0", now(1.7)))
    assert isinstance(decision, Hold)
    assert "storm" in decision.reason


def test_where_a_large_move_costs_too_much_the_calm_one_is_still_made():
    thrifty = Params.model_validate({**CALM, "storm": {}, "change_min": "0.7"})
    decision = LeverageLoop(thrifty).decide(seen("3.3", now(1.0)))
    assert decision.target < Decimal("2.5")
    patient = Params.model_validate({**CALM, "storm": {}, "boost_below": "1.5"})
    assert isinstance(LeverageLoop(patient).decide(seen("1.6", now(1.0))), Hold)


def test_a_move_against_the_position_is_a_storm_and_one_for_it_is_none():
    params = StormParams()
    down, up = (now(value, Quantity.DIRECTION) for value in (-0.05, 0.05))
    assert worst(params, Side.LONG, [up, down]).quarters == 2
    assert worst(params, Side.LONG, [up]) is None
    assert worst(params, Side.SHORT, [up]).quarters == 2
    assert worst(params, Side.SHORT, [down]) is None


@pytest.mark.parametrize(
    ("value", "quarters"), [(0.79, 0), (0.8, 1), (1.06, 1), (1.07, 2), (1.5, 3), (1.6, 4), (9, 4)]
)
def test_worse_news_is_a_worse_storm(value, quarters):
    found = storm_of(StormParams(), seen("2.5", now(value)))
    assert (0 if found is None else found.quarters) == quarters


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "USDC"},
        {"valid_until": NOON},
        {"horizon_s": 30 * DAY},
        {"quantity": "borrow_rate"},
    ],
)
def test_what_is_about_something_else_or_stale_is_not_heard(changes):
    assert storm_of(StormParams(), seen("2.5", replace(now(2.0), **changes))) is None


def test_rungs_sink_together_and_the_band_widens_below():
    calm = PLAIN.params.rungs
    full = lowered(calm, 4, StormParams(cut=Decimal("0.4"), widen=Decimal("0.5")))
    assert full == Rungs(*(Decimal(each) for each in ("1.36", "2.44", "1.9", "1.9", "1.9")))
    assert lowered(calm, 4, StormParams(cut=Decimal(0), widen=Decimal(0))) == calm


def test_a_promise_ends_when_what_it_rests_on_is_stale():
    inside = seen("2.5", now(0.5))
    assert LOOP.quiet(inside).time.below == NOON + 100
    assert PLAIN.quiet(inside).time.below is None
    assert LOOP.quiet(seen("2.5")) == PLAIN.quiet(seen("2.5"))


def test_waiting_is_promised_no_longer_than_the_prediction_is_valid():
    patient = LeverageLoop(Params.model_validate({**CALM, "storm": {}, "wait_s_min": 5_000}))
    waiting = seen("2.9", now(1.7))
    waiting = replace(waiting, record=replace(waiting.record, last_action_at=NOON - 10))
    promise = patient.quiet(waiting)
    assert isinstance(promise, Quiet)
    assert promise.time.below == NOON + 100


@pytest.mark.parametrize(
    "wrong",
    [
        {"volatility_from": 2, "volatility_full": 1},
        {"fall_from": 1, "fall_full": 1},
        {"cut": 1},
    ],
)
def test_a_storm_out_of_order_is_refused(wrong):
    with pytest.raises(ValidationError):
        StormParams.model_validate(wrong)
