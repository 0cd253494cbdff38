"""Crashes as outlined, years as drawn, and what is said of a position that went through them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from tests import replays

from leverd.backtest.history.history import Bars
from leverd.backtest.history.keys import BarsKey
from leverd.backtest.survive.bootstrap import Odds, drawn
from leverd.backtest.survive.crashes import GREAT, outlined, recorded
from leverd.backtest.survive.otherwise import loop_of, lowered
from leverd.backtest.survive.surviving import Survival, _dollars
from leverd.backtest.survive.verdict import judge
from leverd.domain.side import Side
from leverd.errors import DataError

KEYS = frozenset({replays.ETHER})
DOLLAR = BarsKey("synthetic", "USDC")


@pytest.mark.parametrize("crash", GREAT, ids=lambda crash: crash.name)
def test_an_outline_goes_through_its_corners_and_is_the_same_each_time(crash):
    past = outlined(crash, KEYS, Side.LONG, seed=1)
    bars = past.bars_of(replays.ETHER)
    deepest = min(share for _, share in crash.falls)
    assert bars.low.min() / 2_000e8 == pytest.approx(deepest, rel=0.12)
    assert bars.close[-1] / 2_000e8 == pytest.approx(crash.falls[-1][1], rel=0.01)
    assert past.digest() == outlined(crash, KEYS, Side.LONG, seed=1).digest()
    assert past.digest() != outlined(crash, KEYS, Side.LONG, seed=2).digest()


def test_a_dollar_does_not_fall_with_ether():
    past = outlined(GREAT[0], KEYS | {DOLLAR}, Side.LONG, 1, frozenset({DOLLAR}))
    assert set(past.bars_of(DOLLAR).close) == {10**8}
    assert past.bars_of(replays.ETHER).close.min() < 2_000e8 * 0.6


@pytest.mark.parametrize(("price", "pegged"), [(10**8, ()), (98 * 10**6, ()), (10**7, ("USDC",))])
def test_a_dollar_is_known_by_its_price_or_by_the_owner(price, pegged):
    models = replays.MODELS
    listings = {
        asset: replace(each, bars=each.bars or DOLLAR) for asset, each in models.listings.items()
    }
    whole = replays.history(np.full(20, 2_000 * 10**8, dtype=np.int64))
    bars = {**whole.bars, DOLLAR: replays.flat(np.full(len(whole), price, dtype=np.int64))}
    past = type(whole)(whole.bar_s, whole.ts, bars, {})
    assert _dollars(past, replace(models, listings=listings), pegged) == {DOLLAR}


def test_a_token_worth_cents_keeps_its_moves_in_drawn_years():
    closes = np.rint(7e6 * np.exp(np.cumsum(np.tile([0.004, -0.004], 250)))).astype(np.int64)
    year = drawn(replays.history(closes), 1, 0, block_s=72 * 3_600, span_s=2_000 * 3_600)
    moves = np.abs(np.diff(np.log(year.bars_of(replays.ETHER).close)))
    assert np.median(moves) > 0.003
    assert moves.max() < 0.0041


def test_a_short_goes_through_the_outline_turned_over():
    past = outlined(GREAT[0], KEYS, Side.SHORT, seed=1)
    assert past.bars_of(replays.ETHER).high.max() > 1.9 * 2_000e8


def test_a_crash_is_recorded_only_where_all_of_it_is():
    crash = GREAT[0]
    hours = int((crash.until - crash.since) / timedelta(hours=1))
    closes = np.full(hours + 48, 2_000 * 10**8, dtype=np.int64)
    ts = int(crash.since.timestamp()) - 24 * replays.HOUR
    past = replays.history(closes, series={})
    moved = type(past)(past.bar_s, past.ts - past.since + ts, dict(past.bars), {})
    found = recorded(crash, moved)
    assert found is not None
    assert len(found) == hours
    noon = int(crash.since.timestamp()) + 12 * replays.HOUR
    assert recorded(crash, moved, [(noon, noon + replays.HOUR)]) is not None
    assert recorded(crash, moved, [(noon, noon + 2 * replays.HOUR)]) is None, "only held"
    short = moved.slice(ts, int(crash.until.timestamp()) - replays.HOUR)
    assert recorded(crash, short) is None


def test_drawn_years_are_made_of_the_past_s_own_moves():
    closes = replays.prices(500, seed=4)
    past = replays.history(closes, bars=replays.walked(closes))
    year = drawn(past, 1, 0, block_s=72 * replays.HOUR, span_s=1_000 * replays.HOUR)
    bars = year.bars_of(replays.ETHER)
    assert len(year) == 1_000
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    moves = np.sort(closes[1:] / closes[:-1])
    made = bars.close[1:] / bars.close[:-1]
    nearest = moves[np.minimum(np.searchsorted(moves, made - 2e-5), len(moves) - 1)]
    assert np.mean(np.abs(nearest - made) < 4e-5) > 0.95, "but where a block ends, and cents"
    assert year.digest() == drawn(past, 1, 0, block_s=72 * 3_600, span_s=3_600_000).digest()
    assert year.digest() != drawn(past, 1, 1, block_s=72 * 3_600, span_s=3_600_000).digest()


def test_bars_that_were_only_held_are_never_drawn():
    closes = replays.prices(300, seed=2)
    closes[100:200] = closes[99]
    past = replays.history(closes)
    hole = (int(past.ts[100]), int(past.ts[200]))
    given = {"block_s": 20 * replays.HOUR, "span_s": 500 * replays.HOUR}
    still = [
        np.mean(np.diff(drawn(past, 1, 0, **given, holes=holes).bars_of(replays.ETHER).close) == 0)
        for holes in ((), (hole,))
    ]
    assert still[0] > 0.1
    assert still[1] < 0.02


def test_the_interval_of_a_share_is_wilson_s():
    low, high = Odds(0, 100).interval()
    assert (low, high) == (pytest.approx(0, abs=1e-12), pytest.approx(0.0370, abs=1e-4))
    low, high = Odds(10, 100).interval()
    assert (low, high) == (pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4))


def test_rules_are_lowered_with_their_band_and_what_the_guardian_was_told():
    kept = lowered(replays.rules(), Decimal(2))
    loop = loop_of(kept)
    assert loop is not None
    assert (loop.params.target, loop.params.boost_to) == (2, 2)
    assert (loop.params.boost_below, loop.params.repay_above) == (Decimal("1.75"), Decimal("2.25"))
    guard = next(seat.agent for seat in kept.seats if seat.guards)
    assert (guard.params.target, guard.params.band_high) == (2, Decimal("2.25"))


def test_who_is_liquidated_learns_what_would_have_lived():
    closes = np.full(60, 2_000 * 10**8, dtype=np.int64)
    closes[30:] = 1_300 * 10**8  # within one bar: nobody can act
    past = replays.history(closes)
    found = judge("a gap", "made", past, replays.MANDATE, replays.MODELS, replays.rules())
    assert not found.kept.survived
    assert not found.alone.survived
    assert found.saved_at is not None
    assert Decimal(2) < found.saved_at < 3
    saved = lowered(replays.rules(), found.saved_at)
    again = judge("a gap", "made", past, replays.MANDATE, replays.MODELS, saved)
    assert again.kept.survived
    assert again.saved_at is None
    assert not again.hopeless


def test_a_slow_fall_is_lived_through_by_agents_and_not_by_who_is_left_alone():
    closes = np.linspace(2_000e8, 1_000e8, 300).astype(np.int64)
    past = replays.history(closes)
    found = judge("a slide", "made", past, replays.MANDATE, replays.MODELS, replays.rules())
    assert found.kept.survived
    assert not found.alone.survived
    assert found.kept.plans > 3
    assert found.kept.cost > 0
    assert found.held == pytest.approx(10_000, rel=0.01)
    lived = Survival("loop", (found,), None, 0, 0, made_up=False)
    assert lived.passes(0.0)
    assert not replace(lived, liquidated=Odds(50, 100)).passes(0.01)
    assert replace(lived, liquidated=Odds(1, 100)).passes(0.01)


def test_a_bar_that_is_drawn_keeps_its_place_beside_other_assets():
    closes = replays.prices(100)
    past = replays.history(closes)
    other = type(replays.ETHER)("somewhere", "BTC")
    both = type(past)(
        past.bar_s, past.ts, {replays.ETHER: past.bars_of(replays.ETHER), other: twice(past)}, {}
    )
    year = drawn(both, 1, 0, block_s=10 * replays.HOUR, span_s=200 * replays.HOUR)
    one, two = year.bars_of(replays.ETHER).close, year.bars_of(other).close
    assert np.allclose(two / one, 2, rtol=1e-4)


def twice(past):
    return Bars(*(each * 2 for each in past.bars_of(replays.ETHER).arrays()))


def test_a_past_shorter_than_a_block_draws_no_year():
    past = replays.history(replays.prices(71, seed=1))
    with pytest.raises(DataError, match="bars: 71, is shorter than one block") as refused:
        drawn(past, 1, 0, block_s=72 * replays.HOUR)
    assert "--years 0" in refused.value.remedy
    assert len(drawn(past, 1, 0, block_s=71 * replays.HOUR)) == 8_760


def test_moves_that_add_up_beyond_any_price_are_refused_and_not_wrapped_round():
    closes = np.full(200, 2_000 * 10**8, dtype=np.int64)
    closes[100:] *= 1_000
    with pytest.raises(DataError, match="over 92 billion USD"):
        drawn(replays.history(closes), 1, 0, block_s=72 * replays.HOUR)
