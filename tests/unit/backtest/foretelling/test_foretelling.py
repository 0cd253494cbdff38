"""History as bars, what predictions added, and both behind `leverd backtest`."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests import replays
from tests.predictions import constant, made, predicted
from tests.property.test_replays_foretold import STORMY, heard, ran
from tests.unit.cli.owner import Owner

from leverd.backtest.foretelling.added import added
from leverd.backtest.foretelling.bars_of import Sources, bars_of
from leverd.backtest.history.history import History
from leverd.backtest.history.keys import BarsKey, Kind, SeriesKey, Side
from leverd.backtest.history.series import Series
from leverd.backtest.replay.curves import curve_of
from leverd.backtest.replay.world import World

HOUR, AAVE = 3_600, BarsKey("aave", "USDC")


def past(count=10):
    closes = replays.prices(count)
    ts = replays.SINCE + HOUR * np.arange(count, dtype=np.int64)
    late = ts[3:] + HOUR
    found = {}
    for side in (Side.BORROW, Side.SUPPLY):
        key = SeriesKey(Kind.RATE, "aave", "USDC", side)
        found[key] = Series(key, late, np.linspace(0.05, 0.06, count - 3))
    gas = SeriesKey(Kind.GAS, "ethereum", side=Side.BASE_FEE)
    found[gas] = Series(gas, ts.copy(), np.full(count, 7, dtype=np.int64))
    funding = SeriesKey(Kind.FUNDING, "binance", "ETH")
    hours = np.full(count, 8, dtype=np.int64)
    found[funding] = Series(funding, ts.copy(), np.full(count, 0.0001), hours)
    return History(HOUR, ts, {replays.ETHER: replays.flat(closes)}, found)


def test_a_bar_holds_what_was_known_at_its_end_and_nothing_later():
    sources = Sources(replays.ETHER, AAVE, "ethereum", BarsKey("binance", "ETH"))
    bars = bars_of(past(), sources)
    assert [bar.at for bar in bars] == [replays.SINCE + HOUR * n for n in range(1, 11)]
    assert bars[2].last.borrow_rate is None  # the first rate is stamped an hour later
    assert bars[3].last.borrow_rate == 50_000
    assert bars[-1].last.supply_rate == 60_000
    assert bars[0].last.base_fee == 7
    assert bars[0].last.funding == round(0.0001 * 1_095 * 10**6)
    assert bars_of(past(), Sources(replays.ETHER))[-1].last.base_fee is None


def both(words):
    world = World(
        replays.history(replays.prices(1_200, volatility=1.2)), replays.MODELS, replays.MANDATE
    )
    said = heard(world, *words)
    one = ran(world, replays.rules(STORMY), said)
    other = ran(world, replays.rules(STORMY))
    return added(said.heard, one, curve_of(one), other, curve_of(other))


def test_what_a_storm_that_was_heard_added_is_told_with_its_significance():
    found = both([constant(1.7)])
    assert found.heard > 500
    assert found.with_them.lowest_health > found.without.lowest_health
    assert found.weeks == 7
    assert math.isfinite(found.t)
    assert "predictions heard" in found.verdict
    assert ("may be luck" in found.verdict) == (abs(found.t) < 2)
    assert found.data()["verdict"] == found.verdict


def test_where_nobody_is_heard_both_are_the_same():
    found = both([])
    assert found.difference == found.t == 0
    assert found.with_them == found.without
    assert "nobody was listened to" in found.verdict


MONTH = ("--timerange", "20230101-20230212")
SIMPLE = """
predictions:
  predictors:
    ewma: {kind: simple, subject: WETH, quantity: volatility, horizon_h: 24, may: advise}
"""


@pytest.fixture
def owner(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Owner(tmp_path, capsys)


def test_a_backtest_tells_what_predictions_added(owner):
    without = owner("backtest", *MONTH, "--json").data["eth-loop"]
    assert without["predictions_added"] is None
    owner.settings.write_text(owner.settings.read_text() + SIMPLE)
    shadowed = owner("backtest", *MONTH, "--json").data["eth-loop"]
    assert shadowed["predictions_added"]["heard"] == 0
    assert shadowed["looks"] == without["looks"]
    assert "what predictions added: nobody" in owner("backtest", *MONTH).out


def test_a_backtest_hears_what_a_journal_holds(owner):
    owner.edit("        # storm: {cut: 0.4", "        storm: {cut: 0.4")
    owner.edit("  predictions: made ", "  predictions: var/devnet/journal.db #")
    at = 1_672_531_200 + 86_400
    journal = owner.open_journal()
    word = predicted(1.7, made_at=at, valid_until=at + 20 * 86_400)
    journal.append_now(made(word), chain_at=at)
    journal.close()
    answer = owner("backtest", *MONTH, "--json")
    assert answer.code == 0, answer.err
    found = answer.data["eth-loop"]["predictions_added"]
    assert found["heard"] == 1
    assert found["with_them"]["lowest_health"] > found["without"]["lowest_health"]


def test_a_journal_that_is_not_there_is_named(owner):
    owner.edit("  predictions: made ", "  predictions: nowhere.db #")
    answer = owner("backtest", *MONTH)
    assert answer.code != 0
    assert "nowhere.db" in answer.err
