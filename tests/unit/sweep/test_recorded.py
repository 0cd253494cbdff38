"""A recorded history as a past: closes, and indexes as they were known then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from leverd.backtest.history import Bars, BarsKey, History, Kind, Series, SeriesKey, Side
from leverd.backtest.history.exact import widened
from leverd.backtest.sweep.recorded import Chosen, past_of
from leverd.domain.fixed_point import RAY
from leverd.errors import DataError, SweepError

HOUR = 3_600
START = 1_700_002_800
ETH = BarsKey("x", "ETH")
CHOSEN = Chosen(ETH, None, ("aave", "WETH"), ("aave", "USDC"), 18, 6, 10**19, 500, HOUR)


def prices(closes):
    ints = np.array(closes, dtype=np.int64) * 10**8
    return Bars(ints - 1, ints + 1, ints - 2, ints)


def rates(asset, side, ts, values):
    key = SeriesKey(Kind.RATE, "aave", asset, side)
    return key, Series(key, np.array(ts, dtype=np.int64), np.array(values, dtype=np.float64))


def indexes(asset, side, ts, values):
    key = SeriesKey(Kind.INDEX, "aave", asset, side)
    return key, Series(key, np.array(ts, dtype=np.int64), widened(values))


def history(*series, bars=None):
    ts = START + np.arange(4, dtype=np.int64) * HOUR
    bars = bars or {ETH: prices([2_000, 2_010, 1_990, 2_020])}
    return History(HOUR, ts, bars, dict(series))


SUPPLY = rates("WETH", Side.SUPPLY, [START - 5, START + 2 * HOUR], [0.02, 0.04])
BORROW = rates("USDC", Side.BORROW, [START - 5], [0.05])


def test_a_point_is_a_close_at_the_time_it_is_known():
    past = past_of(history(SUPPLY, BORROW), CHOSEN)
    assert past.ts.tolist() == [START + at * HOUR for at in (1, 2, 3, 4)]
    assert past.collateral_price.tolist() == [each * 10**8 for each in (2_000, 2_010, 1_990, 2_020)]
    assert past.debt_price.tolist() == [10**8] * 4


def test_a_rate_that_is_known_when_a_bar_opens_holds_until_it_is_over():
    rows = list(past_of(history(SUPPLY, BORROW), CHOSEN).rows())
    year = 8_760
    first = RAY + RAY * 2 // 100 // year
    assert [row[2] for row in rows[:2]] == [RAY, pytest.approx(first, abs=2)]
    assert rows[2][2] == pytest.approx(first * (1 + 0.04 / year), rel=1e-15)
    assert rows[3][3] == pytest.approx(RAY * np.exp(3 * 0.05 / year), rel=1e-14)


def test_a_recorded_index_is_taken_as_known_at_the_close():
    grown = [RAY, RAY + 10**20, RAY + 3 * 10**20]
    recorded = indexes("USDC", Side.BORROW, [START, START + 2 * HOUR, START + 4 * HOUR + 1], grown)
    rows = list(past_of(history(SUPPLY, BORROW, recorded), CHOSEN).rows())
    assert [row[3] for row in rows] == [RAY, RAY + 10**20, RAY + 10**20, RAY + 10**20]


def test_without_series_nothing_is_earned_or_paid():
    rows = list(past_of(history(), replace(CHOSEN, supply=None, borrow=None)).rows())
    assert {row[2:] for row in rows} == {(RAY, RAY)}


def test_the_debt_may_have_bars_of_its_own():
    short = {ETH: prices([2_000] * 4), BarsKey("x", "USDC"): prices([1, 1, 2, 1])}
    chosen = replace(CHOSEN, collateral=BarsKey("x", "USDC"), debt=ETH, supply=None, borrow=None)
    past = past_of(history(bars=short), chosen)
    assert past.collateral_price.tolist() == [10**8, 10**8, 2 * 10**8, 10**8]
    assert past.debt_price.tolist() == [2_000 * 10**8] * 4


@pytest.mark.parametrize(
    ("series", "said", "words"),
    [
        ((), {}, "neither index aave WETH supply nor rate"),
        ((rates("WETH", Side.SUPPLY, [START + 1], [0.1]), BORROW), {}, "nothing is known"),
        ((indexes("WETH", Side.SUPPLY, [START + HOUR + 1], [RAY]), BORROW), {}, "nothing is known"),
        ((SUPPLY, BORROW), {"period_s": 5_000}, "no whole number of bars"),
        ((SUPPLY, BORROW), {"period_s": 60}, "no whole number of bars"),
    ],
)
def test_what_the_history_does_not_tell_is_refused(series, said, words):
    with pytest.raises(SweepError, match=words) as caught:
        past_of(history(*series), replace(CHOSEN, **said))
    assert caught.value.code == "LVD-SWP-007"
    with pytest.raises(DataError):
        past_of(history(), replace(CHOSEN, collateral=BarsKey("x", "BTC")))
