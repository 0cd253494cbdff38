"""Orders' promises never lie, along any path; and no path through a promise hides a best."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from tests.order_worlds import DOLLAR, course, keeper, long_state, riding, short_state
from tests.worlds import NOON, USDC, WETH, pool

from leverd.domain.course import Fired
from leverd.domain.decision import Hold

LONG = {
    "take_profit": [{"price": "3300", "share": "0.3"}, {"equity_gain": "0.5"}],
    "stop_loss": {"price": "2700"},
    "deadline": NOON + 86_400,
}
LONGS = [
    keeper(**LONG),
    keeper(**{**LONG, "stop_loss": {"equity_loss": "0.2"}}),
    keeper(**{**LONG, "stop_loss": {"health": "1.25"}}),
    *(
        keeper(trailing_stop={"drop": drop, "of": of, "activation": activation})
        for drop in ("0.05", "0.3")
        for of, activation in (("price", "0.02"), ("equity", "0"), ("equity", "0.05"))
    ),
    keeper(trailing_stop={"drop": "0.1", "of": "health"}),
]
SHORTS = [
    keeper(
        stop_loss={"price": "3300"}, take_profit=[{"price": "2700"}, {"equity_gain": "0.1"}][:1]
    ),
    keeper(trailing_stop={"drop": "0.05"}),
    keeper(trailing_stop={"drop": "0.1", "activation": "0.03"}, stop_loss={"equity_loss": "0.1"}),
]


def moved(seen, *, price, later):
    """Return `seen` some time later, at another oracle price."""
    state, stamp = seen.state, replace(seen.stamp, at=seen.now + later)
    reserve = replace(state.market.reserves[WETH], price=price)
    market = replace(state.market, reserves={**state.market.reserves, WETH: reserve})
    pools = {"weth-usdc": pool(Decimal(price) / DOLLAR)}
    state = replace(state, at=state.at + later, lending={"aave": market}, pools=pools)
    return replace(seen, state=state, stamp=stamp)


def cases():
    return st.one_of(
        st.tuples(st.just("long"), st.sampled_from(LONGS)),
        st.tuples(st.just("short"), st.sampled_from(SHORTS)),
    )


@settings(max_examples=400, deadline=None)
@given(
    case=cases(),
    start=st.integers(2750, 3250),
    best=st.integers(0, 10),
    path=st.lists(
        st.tuples(st.integers(-60_000, 60_000), st.integers(0, 20_000)), min_size=1, max_size=8
    ),
)
def test_along_any_path_inside_its_promise_nothing_fires_and_nothing_is_news(
    case, start, best, path
):
    side, agent = case
    state = long_state(start) if side == "long" else short_state(start)
    better = start * (100 + best) // 100 if side == "long" else start * (100 - best) // 100
    known = course(
        best_price=better * DOLLAR,
        best_unit=DOLLAR * (100 + best) // 100,
        best_health=(10**16) * (138 + best),
    )
    seen = riding(state, course=known)
    promise = agent.quiet(seen)
    event(f"{side} promised: {promise is not None}")
    assume(promise is not None)
    assert isinstance(agent.decide(seen), Hold)
    assert agent.facts(seen) == ()

    then, price, highest = seen, start * DOLLAR, known
    for millionths, later in path:
        price = max(price + price * millionths // 10**6, 1)
        then = moved(then, price=price, later=later)
        if not promise.contains(then):
            event("left the promise")
            break
        # What somebody who looked at every step would have remembered.
        best_price = max if side == "long" else min
        highest = replace(highest, best_price=best_price(highest.best_price, price))
        watched = replace(then, record=replace(then.record, course=highest))
        assert isinstance(agent.decide(then), Hold)
        assert isinstance(agent.decide(watched), Hold)
        assert agent.facts(then) == ()


@settings(max_examples=60, deadline=None)
@given(case=cases(), price=st.integers(2999, 3001))
def test_far_from_every_trigger_orders_do_promise(case, price):
    """The liveness twin: silence is promised where there is silence."""
    side, agent = case
    state = long_state(price) if side == "long" else short_state(price)
    known = course(best_price=3000 * DOLLAR, best_unit=DOLLAR, best_health=1384 * 10**15)
    assert agent.quiet(riding(state, course=known)) is not None


def test_with_something_under_way_or_to_learn_nothing_is_promised():
    agent = LONGS[0]
    fired = Fired("x", "seen", NOON, False, False, 1, 1, 0)
    assert agent.quiet(riding(long_state(), course=course(pending=fired))) is None
    assert agent.quiet(riding(long_state(), ended=fired)) is None
    assert agent.quiet(riding(long_state(), course=None)) is None
    assert LONGS[4].quiet(riding(long_state())) is None  # no best is known yet
    assert LONGS[1].quiet(riding(long_state(), open_slots=1)) is None  # equity is not known
    assert (
        LONGS[4].quiet(
            riding(
                long_state(),
                open_slots=1,
                course=course(best_unit=DOLLAR, best_price=1, best_health=1),
            )
        )
        is None
    )


def test_an_order_that_is_done_bounds_nothing_any_more():
    agent = keeper(take_profit=[{"price": "3300", "share": "0.3"}])
    done = course(done=("take_profit at price 3300",), keep=USDC.unit)
    assert agent.quiet(riding(long_state(4000), course=done)) is not None
