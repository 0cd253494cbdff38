"""A position through a past: what is done, when, at what price, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from tests import replays

from leverd.backtest.history.keys import Kind, SeriesKey, Side
from leverd.backtest.history.series import Series
from leverd.backtest.replay.models import Chain, Oracle, Walk
from leverd.backtest.replay.world import World
from leverd.domain import loans, valuation
from leverd.domain.events import AlertRaised, ExternalChanged, PnlRecorded, PortfolioStopped
from leverd.domain.fixed_point import RAY, WAD
from leverd.domain.lending import INFINITE_HEALTH, EMode
from leverd.domain.plan_events import PlanAborted, PlanApproved, PlanCompleted
from leverd.domain.slot_events import SlotIncluded

STILL = np.full(50, 2_000 * 10**8, dtype=np.int64)


def steps(*levels, each=10):
    return np.repeat(np.array(levels, dtype=np.int64) * 10**8, each)


def test_it_opens_to_its_target_and_stays_there_while_nothing_moves():
    found = replays.replay(replays.history(STILL))
    (opened,) = replays.events(found, PlanCompleted)
    assert float(valuation.leverage(found.end)) == pytest.approx(3, abs=1e-3)
    assert found.looks == 1
    assert opened.snapshot.at == found.world.points.at[0]


def test_a_fall_is_answered_by_selling_and_a_rise_by_buying():
    found = replays.replay(replays.history(steps(2_000, 1_865, 2_400)))
    assert [each.purpose for each in replays.events(found, PlanApproved)] == [
        "open",
        "reduce",
        "boost",
    ]
    assert float(valuation.leverage(found.end)) == pytest.approx(3, abs=1e-2)


def test_what_the_lines_say_is_what_equity_did_to_the_unit():
    found = replays.replay(replays.history(replays.prices(500)))
    marks = replays.events(found, PnlRecorded)
    told = sum(sum(mark.attribution.values()) for mark in marks[1:])
    assert told == marks[-1].snapshot.equity - marks[0].snapshot.equity
    assert all(mark.flow == 0 for mark in marks[1:])
    assert marks[-1].snapshot.equity == valuation.equity_in_share_class(found.end)


def test_gas_comes_out_of_the_purse_and_of_the_unit_but_not_of_equity():
    chain = replace(replays.FREE, base_fee=20 * 10**9, tip=10**9)
    found = replays.replay(replays.history(STILL), models=replace(replays.MODELS, chain=chain))
    (included,) = replays.events(found, SlotIncluded)
    assert found.gas == included.gas_used * 21 * 10**9
    lines = replays.events(found, PnlRecorded)
    usd = found.gas * 2_000 * 10**8 // WAD
    assert sum(mark.attribution["gas"] for mark in lines) == pytest.approx(-usd, abs=2)


def test_an_act_is_filled_at_the_price_of_its_block_on_the_way_to_the_next_point():
    chain = replace(replays.FREE, delay_s=1_800, delay_congested_s=1_800)
    closes = np.array([2_000, 1_995, 1_990], dtype=np.int64) * 10**8
    models = replace(replays.MODELS, chain=chain)
    timing = replays.Timing(1_800, 7_200, 7_200)
    found = replays.replay(replays.history(closes), replays.rules(timing=timing), models)
    (included,) = replays.events(found, SlotIncluded)
    assert included.at == found.world.points.at[0] + 1_800
    (done,) = replays.events(found, PlanCompleted)
    assert done.snapshot.prices["WETH"] == 1_997_50000000


def test_beyond_its_deadline_an_act_is_cancelled_and_the_next_look_decides_anew():
    chain = replace(replays.FREE, delay_s=5_000, delay_congested_s=5_000)
    found = replays.replay(replays.history(STILL), models=replace(replays.MODELS, chain=chain))
    assert {each.reason for each in replays.events(found, PlanAborted)} == {"the deadline passed"}
    assert len(replays.events(found, PlanAborted)) > 2
    assert not replays.events(found, PlanCompleted)


def test_some_transactions_fail_for_no_reason_and_are_tried_again():
    chain = replace(replays.FREE, failing=Decimal("0.5"), seed=3)
    past = replays.history(replays.prices(800, volatility=1.0))
    found = replays.replay(past, models=replace(replays.MODELS, chain=chain))
    aborted, completed = (replays.events(found, kind) for kind in (PlanAborted, PlanCompleted))
    assert len(aborted) > 3
    assert len(completed) > 3
    again = replays.replay(past, models=replace(replays.MODELS, chain=chain))
    assert again.entries == found.entries


def test_a_fall_below_one_is_liquidated_before_anybody_looks_and_the_loss_is_told():
    found = replays.replay(replays.history(steps(2_000, 1_420)))
    (seizure, *_) = replays.events(found, ExternalChanged)
    assert (seizure.cause, seizure.explained) == ("liquidation", True)
    assert found.liquidations >= 1
    assert found.lowest_health < WAD
    lost = sum(mark.attribution["liquidation"] for mark in replays.events(found, PnlRecorded))
    assert lost < 0
    assert all(mark.flow == 0 for mark in replays.events(found, PnlRecorded)[1:])


def test_without_liquidators_the_same_fall_is_survived_on_paper():
    models = replace(replays.MODELS, liquidators=False)
    found = replays.replay(replays.history(steps(2_000, 1_500)), models=models)
    assert not found.liquidations
    assert found.lowest_health < 11 * WAD // 10


def test_left_alone_nobody_answers_a_fall():
    past = replays.history(steps(2_000, 1_800, 1_700, 1_600, 1_500))
    kept, left = replays.replay(past), replays.replay(past, leaves=True)
    assert len(replays.events(kept, PlanCompleted)) > 1
    assert len(replays.events(left, PlanCompleted)) == 1
    assert left.lowest_health < kept.lowest_health


def test_the_portfolio_stop_takes_everything_out_for_good():
    limits = replace(replays.LIMITS, portfolio_stop=Decimal("0.4"))
    past = replays.history(steps(2_000, 1_860, 1_740, 1_640, 2_400))
    found = replays.replay(past, replays.rules(limits=limits))
    assert len(replays.events(found, PortfolioStopped)) == 1
    loan = found.end.position.loan
    assert not any(loan.debts.values())
    assert not any(loan.supplies.values())
    assert found.end.position.idle[replays.WETH] > 0


def test_worst_first_meets_the_low_of_a_bar_that_closes_where_it_opened():
    closes = STILL.copy()
    bars = replays.flat(closes)
    lows = closes.copy()
    lows[20] = 1_100 * 10**8
    bars = type(bars)(bars.open.copy(), bars.high.copy(), lows, bars.close.copy())
    past = replays.history(closes, bars=bars)
    met = replays.replay(past, models=replace(replays.MODELS, walk=Walk.WORST_FIRST))
    closed = replays.replay(past)
    assert met.liquidations
    assert met.lowest_at == int(past.ts[20]) + replays.HOUR // 4
    assert not closed.liquidations


def test_an_oracle_answers_late_and_only_when_the_market_left_it():
    closes = np.array([2_000, 2_004, 2_030, 2_031, 2_032], dtype=np.int64) * 10**8
    slow = Oracle(Decimal("0.01"), heartbeat_s=10 * replays.HOUR)
    models = replace(replays.MODELS, oracle=slow)
    world = World(replays.history(closes), models, replays.MANDATE)
    said = world.points.oracle[replays.WETH] // 10**8
    assert said.tolist() == [2_000, 2_000, 2_030, 2_030, 2_030]
    late = replace(models, oracle=Oracle(lag_s=replays.HOUR))
    world = World(replays.history(closes), late, replays.MANDATE)
    assert (world.points.oracle[replays.WETH] // 10**8).tolist() == [
        2_000,
        2_000,
        2_004,
        2_030,
        2_031,
    ]


def test_an_oracle_answers_again_after_its_heartbeat():
    closes = np.array([2_000, 2_001, 2_002, 2_003], dtype=np.int64) * 10**8
    oracle = Oracle(Decimal("0.5"), heartbeat_s=2 * replays.HOUR)
    models = replace(replays.MODELS, oracle=oracle)
    world = World(replays.history(closes), models, replays.MANDATE)
    said = world.points.oracle[replays.WETH] // 10**8
    assert said.tolist() == [2_000, 2_000, 2_002, 2_002]


def test_fees_rise_with_the_fall_of_the_last_hour_and_are_bounded():
    chain = replace(replays.FREE, base_fee=10**10, fee_on_fall=Decimal(20), base_fee_max=25 * 10**9)
    closes = np.array([2_000, 1_960, 1_000, 1_000], dtype=np.int64) * 10**8
    models = replace(replays.MODELS, chain=chain)
    points = World(replays.history(closes), models, replays.MANDATE).points
    assert (points.base_fee / 1e9).tolist() == [10.0, 14.0, 25.0, 10.0]


def test_blocks_are_congested_while_fees_stand_far_above_the_day_before():
    key = SeriesKey(Kind.GAS, "ethereum", side=Side.BASE_FEE)
    ts = replays.SINCE + replays.HOUR * np.arange(50, dtype=np.int64)
    wei = np.full(50, 10**10, dtype=np.int64)
    wei[40:43] = 10**11
    past = replays.history(STILL, series={key: Series(key, ts, wei)})
    chain = Chain(fees_at="ethereum", fee_on_fall=Decimal(0))
    points = World(past, replace(replays.MODELS, chain=chain), replays.MANDATE).points
    assert np.flatnonzero(points.congested).tolist() == [39, 40, 41]  # closes, an hour later


def test_recorded_rates_grow_indexes_as_the_contract_does():
    ts = np.array([replays.SINCE - 5, replays.SINCE + 7_200], dtype=np.int64)
    series = {}
    for asset in ("WETH", "USDC"):
        for side in (Side.SUPPLY, Side.BORROW):
            key = SeriesKey(Kind.RATE, "aave", asset, side)
            series[key] = Series(key, ts.copy(), np.array([0.1, 0.2]))
    world = World(replays.history(STILL, series=series), replays.MODELS, replays.MANDATE)
    accrual = world.accruals[replays.USDC]
    began = int(world.points.at[0])
    first = accrual.reserve(began + 60, 10**8)
    assert (first.updated_at, first.borrow_rate) == (began, RAY // 10)
    later = accrual.reserve(replays.SINCE + 7_200, 10**8)
    assert later.borrow_rate == RAY // 5
    assert later.borrow_index == pytest.approx(RAY * (1 + 0.1 * 3_600 / 31_536_000), rel=1e-9)
    supply, borrow = accrual.floats(world.points.at)
    exact = [
        loans.normalized_debt(accrual.reserve(at, 10**8), replays.MODELS.rules, at) / RAY
        for at in world.points.at.tolist()
    ]
    assert np.allclose(borrow, exact, rtol=1e-13)
    assert supply[-1] > 1


def test_nothing_owed_is_an_infinite_health():
    found = replays.replay(replays.history(STILL), replays.rules(loop=None))
    assert found.lowest_health == INFINITE_HEALTH
    assert found.end.position.idle == {replays.WETH: 10 * WAD}


def test_a_purse_that_cannot_pay_for_a_rescue_sends_nothing_and_says_so_once():
    """Nothing is opened on a purse that small; one that has shrunk meets a fall."""
    chain = replace(replays.FREE, base_fee=20 * 10**9)
    lean = replace(replays.LIMITS, gas_reserve_deleverages=0)
    past, kept = replays.history(steps(2_000, 1_865)), replays.rules(limits=lean)
    rich = replays.replay(past, kept, replace(replays.MODELS, chain=chain))
    opened, rescued = replays.events(rich, SlotIncluded)
    purse = opened.gas_used * opened.gas_price + 10**12
    poor = replays.replay(past, kept, replace(replays.MODELS, chain=chain, purse=purse))
    (alert,) = replays.events(poor, AlertRaised)
    assert "cannot pay for gas: it holds 1000000000000 wei" in alert.message
    assert replays.events(poor, SlotIncluded) == [opened]
    assert rescued.succeeded
    assert not replays.events(rich, AlertRaised)


def test_blocks_are_numbered_by_their_time_for_looks_and_acts_alike():
    chain = replace(replays.FREE, delay_s=36, delay_congested_s=36)
    timing = replays.Timing(36, 600, 120)
    models = replace(replays.MODELS, chain=chain)
    found = replays.replay(replays.history(STILL), replays.rules(timing=timing), models)
    (included,) = replays.events(found, SlotIncluded)
    assert included.block == 4
    last = found.entries[-1].event
    assert isinstance(last, PnlRecorded)
    assert last.snapshot.block == (len(STILL) - 1) * replays.HOUR // 12 + 1


def test_a_position_may_be_in_a_category_of_better_terms():
    ether = replace(replays.LISTINGS[replays.WETH], params=replays.params(8_000, 7_500))
    listings = {**replays.LISTINGS, replays.WETH: ether}
    category = EMode(1, 9_000, 9_300, 10_100, frozenset({replays.WETH}), frozenset({replays.USDC}))
    models = replace(replays.MODELS, listings=listings, emodes={1: category})
    plain = replays.replay(replays.history(STILL), models=models)
    assert valuation.leverage(plain.end) < 2.7, "its own terms allow no more"
    mandate = replace(replays.MANDATE, emode=1)
    found = replays.replay(replays.history(STILL), models=models, mandate=mandate)
    assert found.end.position.loan.emode == 1
    assert 2.9 < valuation.leverage(found.end) < 3.1
