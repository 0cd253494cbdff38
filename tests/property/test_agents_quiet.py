"""Quiet bands never lie: wherever the world goes inside them, the agent would only hold."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from tests.worlds import GWEI, NOON, WETH, at_leverage, pool, view

from leverd.agents import guardian, leverage_loop
from leverd.domain.decision import Hold
from leverd.domain.quiet import Band, Quiet
from leverd.domain.view import Gas, Record

LOOP = leverage_loop.LeverageLoop(
    leverage_loop.Params.model_validate(
        {
            "target": "2.5",
            "boost_below": "2.2",
            "repay_above": "2.8",
            "change_min": "0",
            "wait_s_min": 7200,
            "health_floor": "1.2",
        }
    )
)
GUARD = guardian.Guardian(guardian.Params())


def moved(seen, *, price, later, gas, depth):
    """Return `seen` some time later, at another price, gas price and pool."""
    state = seen.state
    reserve = state.market.reserves[WETH]
    priced = replace(reserve, price=reserve.price * price // 10**6)
    market = replace(state.market, reserves={**state.market.reserves, WETH: priced})
    pools = {"weth-usdc": pool(3000 * price / 10**6, depth=depth)}
    state = replace(state, at=state.at + later, lending={"aave": market}, pools=pools)
    stamp = replace(seen.stamp, at=seen.now + later)
    return replace(seen, state=state, stamp=stamp, gas=Gas(gas, 0, 3000 * 10**8, 10**18))


@settings(max_examples=400, deadline=None)
@given(
    agent=st.sampled_from([LOOP, GUARD]),
    leverage=st.decimals("1.5", "3.6", places=3),
    idle=st.decimals("0", "2", places=2),
    idle_debt=st.integers(0, 3_000),
    acted=st.none() | st.integers(0, 10_000),
    price=st.integers(500_000, 1_500_000),
    later=st.integers(0, 60 * 86_400) | st.integers(0, 7_200),
    gas=st.integers(0, 500 * GWEI),
    depth=st.sampled_from([10**15, 10**21]),
)
def test_inside_its_promise_an_agent_only_holds(
    agent, leverage, idle, idle_debt, acted, price, later, gas, depth
):
    last = None if acted is None else NOON - acted
    state = at_leverage(leverage)
    position = state.position.with_idle(WETH, int(idle * WETH.unit))
    debt = position.mandate.debt
    position = position.with_idle(debt, idle_debt * debt.unit)
    seen = view(replace(state, position=position), record=Record(last_action_at=last))
    promise = agent.quiet(seen)
    event(f"promised: {promise is not None}")
    assume(promise is not None)
    assert isinstance(agent.decide(seen), Hold)

    then = moved(seen, price=price, later=later, gas=gas, depth=depth)

    event(f"inside: {promise.contains(then)}")
    if promise.contains(then):
        assert isinstance(agent.decide(then), Hold)


@settings(max_examples=100, deadline=None)
@given(leverage=st.decimals("2.21", "2.79", places=3))
def test_inside_its_band_the_loop_does_promise(leverage):
    """The liveness twin: silence is promised where there is silence."""
    assert LOOP.quiet(view(at_leverage(leverage))) is not None


@settings(max_examples=50, deadline=None)
@given(price=st.integers(980_000, 1_020_000))
def test_small_moves_from_the_target_stay_inside_the_promise(price):
    seen = view(at_leverage("2.5"))
    promise = LOOP.quiet(seen)

    assert promise is not None
    assert promise.contains(moved(seen, price=price, later=3600, gas=0, depth=10**21))


def test_the_tightest_of_two_promises_is_what_both_keep():
    one = Quiet(health=Band(above=1, below=9), time=Band(below=50))
    other = Quiet(price=Band(above=3), health=Band(above=2), time=Band(below=40))

    both = one.both(other)

    assert both == other.both(one)
    assert both == Quiet(Band(above=3), Band(above=2, below=9), Band(below=40))


def test_bounds_themselves_are_outside():
    band = Band(above=1, below=3)

    assert [band.contains(value) for value in (1, 2, 3)] == [False, True, False]
