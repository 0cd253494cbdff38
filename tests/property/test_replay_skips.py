"""What a replay goes over without a look is what a look would have left alone, to the wei."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import replays

from leverd.agents.order_params import Params as OrderParams
from leverd.agents.orders import AGENT as ORDERS
from leverd.backtest.replay.models import Chain, Oracle, Walk
from leverd.domain.events import DecisionTaken
from leverd.domain.plan_events import PlanCompleted
from leverd.engine.turn import Seat

GASSY = Chain(delay_s=24, delay_congested_s=2_000, congested=Decimal(2), base_fee=10**10)


def same(past, kept, models):
    quick = replays.replay(past, kept, models)
    plain = replays.replay(past, kept, models, skips=False)
    assert [(each.chain_at, each.event) for each in quick.entries] == [
        (each.chain_at, each.event) for each in plain.entries
    ]
    assert quick.end == plain.end
    assert (quick.lowest_health, quick.lowest_at) == (plain.lowest_health, plain.lowest_at)
    assert (quick.liquidations, quick.gas) == (plain.liquidations, plain.gas)
    return quick


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    volatility=st.sampled_from([0.2, 0.8, 2.5]),
    low=st.sampled_from(["2.2", "2.9"]),
    high=st.sampled_from(["3.1", "3.8"]),
    wait_s=st.sampled_from([0, 40_000]),
)
def test_bands_and_floors(seed, volatility, low, high, wait_s):
    past = replays.history(replays.prices(300, seed=seed, volatility=volatility))
    loop = replays.LOOP.model_copy(
        update={"boost_below": Decimal(low), "repay_above": Decimal(high), "wait_s_min": wait_s}
    )
    same(past, replays.rules(loop), replays.MODELS)


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    deviation=st.sampled_from(["0", "0.005", "0.03"]),
    failing=st.sampled_from(["0", "0.3"]),
    stop=st.sampled_from(["0.99", "0.3"]),
    drawdown=st.sampled_from(["0.99", "0.1"]),
)
def test_lagging_oracles_late_blocks_and_stops(seed, deviation, failing, stop, drawdown):
    closes = replays.prices(250, seed=seed, volatility=2.0)
    past = replays.history(closes, bars=replays.walked(closes, seed))
    models = replace(
        replays.MODELS,
        walk=Walk.WORST_FIRST,
        oracle=Oracle(Decimal(deviation), heartbeat_s=7_200, lag_s=60),
        chain=replace(GASSY, failing=Decimal(failing), seed=seed),
    )
    limits = replace(
        replays.LIMITS,
        portfolio_stop=Decimal(stop),
        drawdown_day_max=Decimal(drawdown),
        gas_price_wei_max=15 * 10**9,
    )
    same(past, replays.rules(limits=limits), models)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "bounds",
    [
        {"leverage_max": Decimal("3.2")},
        {"position_usd_max": Decimal(61_000)},
        {"leverage_max": Decimal("3.2"), "position_usd_max": Decimal(61_000)},
    ],
)
def test_limits_that_call_it_back(seed, bounds):
    past = replays.history(replays.prices(250, seed=seed, volatility=1.0, drift=0.0005))
    limits = replace(replays.LIMITS, **bounds)
    found = same(past, replays.rules(limits=limits), replays.MODELS)
    assert any(each.agent == "limits" for each in replays.events(found, DecisionTaken))


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), of=st.sampled_from(["price", "equity", "health"]))
def test_orders_that_trail(seed, of):
    past = replays.history(replays.prices(250, seed=seed, volatility=1.2))
    ordered = OrderParams.model_validate(
        {
            "take_profit": [{"price": Decimal(2_300), "share": Decimal("0.3")}],
            "trailing_stop": {"drop": Decimal("0.2"), "of": of},
        }
    )
    seat = Seat(ORDERS.make(ordered), guards=False)
    same(past, replays.rules(others=[seat]), replays.MODELS)


def test_most_of_a_calm_past_is_gone_over():
    past = replays.history(replays.prices(3_000))
    found = same(past, replays.rules(), replays.MODELS)
    acts = len(replays.events(found, PlanCompleted))
    assert acts > 5
    assert found.looks <= acts + 3


@pytest.mark.parametrize("seed", range(3))
def test_a_fall_within_one_bar_liquidates_what_nobody_could_save(seed):
    closes = replays.prices(300, seed=seed)
    closes[200:] = closes[200:] * 6 // 10
    found = same(replays.history(closes), replays.rules(), replays.MODELS)
    assert found.liquidations
    assert found.lowest_health < 10**18


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(20, 200), delay_s=st.sampled_from([0, 600]))
def test_another_future_leaves_the_past_as_it_was(seed, cut, delay_s):
    closes = replays.prices(220, seed=seed, volatility=2.0)
    other = closes.copy()
    other[cut + 1 :] = replays.prices(220, seed=seed + 1, volatility=4.0)[cut + 1 :]
    chain = replace(replays.FREE, delay_s=delay_s, delay_congested_s=delay_s)
    models = replace(replays.MODELS, chain=chain, oracle=Oracle(Decimal("0.01"), lag_s=120))
    timing = replays.Timing(delay_s, 7_200, 7_200)
    series = replays.indexes(220)
    one, two = (
        replays.replay(replays.history(each, series=series), replays.rules(timing=timing), models)
        for each in (closes, other)
    )
    until = int(one.world.points.at[cut])
    assert until > replays.SINCE
    before = [each for each in one.entries if each.chain_at < until]
    assert before == [each for each in two.entries if each.chain_at < until]
    assert before
