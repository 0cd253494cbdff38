"""Whatever is predicted: never more leverage than without, never past a limit, never a lie."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from tests.limits import SIGNED_OFF, TIMING
from tests.predictions import DAY, predicted
from tests.property.test_agents_quiet import moved
from tests.worlds import GWEI, NOON, at_leverage, view

from leverd.agents.leverage_loop import LeverageLoop, Params
from leverd.domain import headroom
from leverd.domain.decision import Hold, SetLeverage
from leverd.domain.prediction import Quantity
from leverd.domain.view import Record
from leverd.engine.turn import Seat, turn
from leverd.risk.gate import Denied, bound, review

CALM = {
    "target": "2.5",
    "boost_below": "2.2",
    "repay_above": "2.8",
    "change_min": "0.05",
    "wait_s_min": 3_600,
    "health_floor": "1.2",
}
PLAIN = LeverageLoop(Params.model_validate(CALM))


def loops():
    shares = st.decimals(0, 1, places=2)
    storm = st.fixed_dictionaries(
        {"cut": st.decimals("0", "0.99", places=2), "widen": shares},
        optional={
            "volatility_from": st.decimals("0.01", "1.5", places=2),
            "fall_from": st.decimals("0.001", "0.07", places=3),
        },
    )
    return storm.map(lambda each: LeverageLoop(Params.model_validate({**CALM, "storm": each})))


def forecasts():
    one = st.builds(
        lambda value, quantity, ahead, horizon: predicted(
            value,
            quantity,
            half=9,
            made_at=NOON - 50,
            valid_until=NOON + ahead,
            horizon_s=horizon,
        ),
        st.floats(-5, 9),
        st.sampled_from([Quantity.VOLATILITY, Quantity.DIRECTION, Quantity.BORROW_RATE]),
        st.integers(1, 2 * DAY),
        st.sampled_from([3_600, DAY, 30 * DAY]),
    )
    return st.lists(one, max_size=3).map(tuple)


def worlds():
    return st.tuples(st.decimals("1.0", "4.5", places=3), st.none() | st.integers(0, 10_000))


def view_of(world, predictions=()):
    leverage, acted = world
    last = None if acted is None else NOON - acted
    record = Record(last_action_at=last, predictions=predictions)
    return view(at_leverage(leverage), record=record)


def ends(decision, leverage):
    if isinstance(decision, Hold):
        return leverage
    return Fraction(decision.target) if isinstance(decision, SetLeverage) else Fraction(0)


@settings(max_examples=300, deadline=None)
@given(loop=loops(), world=worlds(), said=forecasts())
def test_no_prediction_leads_to_more_leverage_than_none(loop, world, said):
    seen = view_of(world, said)
    with_it, without = loop.decide(seen), PLAIN.decide(view_of(world))
    leverage = headroom.leverage(seen.state)
    event(f"changed: {with_it != without}")
    assume(leverage is not None)
    assert ends(with_it, leverage) <= max(ends(without, leverage), min(leverage, Fraction(14, 5)))
    if isinstance(without, SetLeverage) and Fraction(without.target) <= leverage:
        assert isinstance(with_it, SetLeverage)
        assert with_it.target <= without.target


@settings(max_examples=200, deadline=None)
@given(loop=loops(), world=worlds(), said=forecasts(), most=st.decimals("1.5", "4", places=2))
def test_the_limit_is_the_same_whatever_is_predicted(loop, world, said, most):
    limits = replace(SIGNED_OFF, leverage_max=most)
    seen, calm = view_of(world, said), view_of(world)
    assume(headroom.leverage(seen.state) is not None)
    outcome = turn(seen, [Seat(loop, guards=False)], limits, TIMING, age_s=0)
    assert bound(outcome.wish, calm, limits) == outcome.decision
    if isinstance(outcome.decision, SetLeverage):
        assert Fraction(outcome.decision.target) <= most
    if outcome.plan is not None:
        judged = review(outcome.plan, calm, limits, age_s=0)
        event(f"verdict: {type(judged).__name__}")
        assert type(judged) is type(outcome.verdict)
        if isinstance(judged, Denied):
            assert judged == outcome.verdict


@settings(max_examples=150, deadline=None)
@given(loop=loops(), world=worlds())
def test_without_predictions_the_decision_is_that_of_a_loop_that_reads_none(loop, world):
    seen = view_of(world)
    assert loop.decide(seen) == PLAIN.decide(seen)
    assert loop.quiet(seen) == PLAIN.quiet(seen)


@settings(max_examples=300, deadline=None)
@given(
    loop=loops(),
    world=worlds(),
    said=forecasts(),
    price=st.integers(700_000, 1_300_000),
    later=st.integers(0, 3 * DAY),
)
def test_a_promise_made_in_a_storm_is_kept(loop, world, said, price, later):
    seen = view_of(world, said)
    promise = loop.quiet(seen)
    assume(promise is not None)
    assert isinstance(loop.decide(seen), Hold)
    then = moved(seen, price=price, later=later, gas=20 * GWEI, depth=10**21)
    valid = tuple(each for each in said if then.now < each.valid_until)
    then = replace(then, record=replace(then.record, predictions=valid))
    event(f"inside: {promise.contains(then)}")
    if promise.contains(then):
        assert isinstance(loop.decide(then), Hold)
