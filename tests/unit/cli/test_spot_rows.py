"""The trader of spot in status, history and orders; and its events through codec and pruning."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.spots import MARKET, quote
from tests.unit.settings.test_spot_settings import COMMENTED, section

from leverd.adapters.sight_file import SpotSightFile, spot_sight_path
from leverd.adapters.sql_journal import Heartbeat, SqlLedger
from leverd.adapters.sql_journal.codec import decode, encode
from leverd.adapters.system_clock import SystemClock
from leverd.cli.telling import told
from leverd.domain.changed import changed
from leverd.domain.events import TradingStateChanged, UnwindRequested
from leverd.domain.fixed_point import WAD
from leverd.domain.reference import Heard, silent
from leverd.domain.spot_events import (
    SpotAttemptSent,
    SpotAttemptSigned,
    SpotDecided,
    SpotMarked,
    SpotOpened,
    SpotOrderPlanned,
    SpotOrderSettled,
    SpotStopped,
    SpotWrittenOff,
)
from leverd.interfaces.watcher import SpotSight

DECIDED = SpotDecided("spot", "signal_trader", "enter", "signal", "it rises", 20 * WAD, 21 * WAD)
VALUED = SpotDecided(
    "spot",
    "mispricing",
    "enter",
    "mispricing",
    "it is worth more",
    20 * WAD,
    21 * WAD,
    fair=22 * WAD,
    fair_error=WAD // 100,
    heard=(
        Heard(quote("22", half="0.01"), WAD // 200, ""),
        Heard(quote("2200", source="mad", half="0"), 0, "far"),
        Heard(silent("dead"), 0, "silent"),
    ),
)
PLANNED = SpotOrderPlanned(
    "spot", MARKET.market_id, "me", "buy", "enter", 21 * WAD, 4 * WAD, "it rises", True
)
SIGNED = SpotAttemptSigned("spot", "lv1", 7, "AB", "00", 130)
SENT = SpotAttemptSent("spot", "lv1", "AB", "")
SETTLED = SpotOrderSettled("spot", "lv1", "closed", 4 * WAD, 80 * WAD, WAD // 10, 120, "")
MARKED = SpotMarked("spot", 20 * WAD, 4 * WAD, 80 * WAD, 0, -WAD // 2, WAD, 300)
OPENED = SpotOpened("spot", "inj1me", "0x1", "injective-1", 0)
STOPPED = SpotStopped("spot", "portfolio_stop", "61 lost")


@pytest.fixture
def trader(owner):
    """An owner who trades spot, with a purchase behind them."""
    owner.edit(COMMENTED, section())
    owner.with_history()
    journal = owner.open_journal()
    journal.append_now(DECIDED, PLANNED, SIGNED, SENT, SETTLED, MARKED, chain_at=400)
    journal.close()
    return owner


def test_status_shows_what_is_held_what_was_decided_and_why(trader):
    Heartbeat(trader.journal.with_name("journal.db.spot")).beat(SystemClock().now())
    spot = trader("status", "--json").data["spot"]
    assert (spot["orders"], spot["state"], spot["base"]) == ("paper", "active", "4")
    assert (spot["decision"], spot["code"], spot["reason"]) == ("enter", "signal", "it rises")
    assert (spot["average_cost"], spot["profit"], spot["peak"]) == ("20.025", "-0.5", "1")
    assert (spot["in_flight"], spot["stopped"]) == ("", "")
    assert spot["last_turn_s_ago"] < 600
    assert (spot["fees"], spot["worth"], spot["unrealised"]) == ("0.1", "80", "-0.5")
    assert (spot["units"], spot["orders_today"], spot["orders_day_max"]) == (["INJ", "quote"], 0, 6)
    shown = trader("status").out
    for part in ("spot, orders paper", "20.025", "-0.500000", "spot: enter signal", "it rises"):
        assert part in shown
    assert spot["fruitless"] == 0
    assert "traded nothing" not in shown


def test_status_shows_how_many_orders_in_a_row_traded_nothing(trader):
    journal = trader.open_journal()
    for _ in range(3):
        sale = replace(PLANNED, side="sell", purpose="exit")
        nothing = SpotOrderSettled("spot", "", "unsigned", 0, 0, 0, 0, "no inj for a fee")
        journal.append_now(sale, nothing, chain_at=500)
    journal.close()
    assert trader("status", "--json").data["spot"]["fruitless"] == 3
    assert "orders in a row that traded nothing: 3" in trader("status").out


def test_status_reckons_by_the_last_look_where_there_is_one(trader):
    now = SystemClock().now()
    SpotSightFile(spot_sight_path(trader.journal)).looked(
        SpotSight(now, int(now.timestamp()), 9, MARKET.market_id, "INJ/USDT", 22 * WAD, 0, 0, 0)
    )
    spot = trader("status", "--json").data["spot"]
    assert (spot["worth"], spot["profit"], spot["units"]) == ("88", "7.9", ["INJ", "USDT"])
    shown = " ".join(trader("status").out.split())
    assert "INJ for USDT" in shown
    assert "+7.9" in shown


def test_status_shows_what_is_in_flight_and_what_stopped_it(trader):
    journal = trader.open_journal()
    journal.append_now(PLANNED, SIGNED, STOPPED, UnwindRequested("spot", "cli"), chain_at=500)
    journal.close()
    spot = trader("status", "--json").data["spot"]
    assert (spot["in_flight"], spot["stopped"]) == ("buy, sent", "61 lost")
    shown = trader("status").out
    assert "unwinding" in shown
    assert "stopped until `leverd resume spot`: 61 lost" in shown


def test_status_tells_whose_it_is_and_nothing_of_paper_once_it_is_money(trader):
    spot = trader("status", "--json").data["spot"]
    assert (spot["account"], spot["since"], spot["base"]) == ("me", None, "4")
    sold = changed(PLANNED, side="sell", purpose="exit")
    gone = changed(SETTLED, notional=90 * WAD)
    journal = trader.open_journal()
    journal.append_now(sold, SIGNED, gone, MARKED, STOPPED, chain_at=500)
    journal.append_now(OPENED, chain_at=600)
    journal.close()
    spot = trader("status", "--json").data["spot"]
    assert (spot["account"], spot["since"]) == ("inj1me", 600)
    assert [spot[each] for each in ("realised", "fees", "profit", "orders_today")] == [
        "0", "0", "0", 0,
    ]  # fmt: skip
    assert spot["peak"] is None


def test_status_shows_what_other_venues_made_of_the_price(trader):
    journal = trader.open_journal()
    journal.append_now(VALUED, chain_at=500)
    journal.close()
    spot = trader("status", "--json").data["spot"]
    assert (spot["agent"], spot["fair"], spot["fair_error"]) == ("mispricing", "22", "0.01")
    pool, mad, dead = spot["references"]
    assert (pool["source"], pool["middle"], pool["error"], pool["ignored"]) == (
        "pool",
        "22",
        "0.005",
        "",
    )
    assert (mad["ignored"], mad["error"], dead["ignored"]) == ("far", None, "silent")
    shown = " ".join(trader("status").out.split())
    for part in ("fair value 22.000000", "pool trades at", "ignored: far", "dead said nothing"):
        assert part in shown


def test_a_journal_from_before_there_were_references_is_read():
    body = encode(VALUED)
    plain = json.loads(body.text)
    for name in ("fair", "fair_error", "heard"):
        del plain[name]
    old = decode("SpotDecided", 1, json.dumps(plain))
    assert (old.fair, old.fair_error, old.heard) == (0, 0, ())
    assert decode("SpotDecided", 1, body.text) == VALUED
    assert "fair value" not in told(old)


def test_status_says_nothing_of_what_is_not_there_and_shows_what_is_left(owner):
    owner.with_history()
    assert owner("status", "--json").data["spot"] is None
    assert "spot" not in owner("status").out
    journal = owner.open_journal()
    journal.append_now(PLANNED, chain_at=400)
    journal.close()
    left = owner("status", "--json").data["spot"]
    assert (left["orders"], left["in_flight"], left["profit"]) == (None, "buy, planned", "0")
    assert "nothing decided yet" in owner("status").out


def test_the_owners_orders_reach_it_by_its_name(trader, monkeypatch):
    acted = []
    monkeypatch.setattr("leverd.cli.hooks.hook", lambda *_: lambda *given, **_: acted.append(given))
    assert trader("pause", "spot").code == 0
    assert trader("status", "--json").data["spot"]["state"] == "paused"
    assert trader("unwind", "spot", "--yes").code == 0
    assert acted == []  # run_agent alone sells it
    ledger = SqlLedger(trader.journal)
    events = [each.event for each in ledger.entries(newest_first=True, limit=2)]
    ledger.close()
    assert [type(each) for each in events] == [UnwindRequested, TradingStateChanged]


def test_where_no_spot_is_traded_it_is_no_name(owner):
    owner.with_history()
    assert owner("pause", "spot").code != 0


def test_history_tells_it_in_words(trader):
    rows = trader("history", "-p", "spot", "--json").data
    assert [each["kind"] for each in rows] == [
        "SpotDecided",
        "SpotOrderPlanned",
        "SpotAttemptSigned",
        "SpotAttemptSent",
        "SpotOrderSettled",
        "SpotMarked",
    ]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (DECIDED, "signal_trader: enter, because it rises"),
        (VALUED, "; fair value 22.000000 with an error of 0.010000"),
        (VALUED, "pool trades at 21.780000 to 22.220000, block 7, with an error of 0.005000"),
        (VALUED, "mad trades at 2200.000000 to 2200.000000, block 7, ignored: far"),
        (VALUED, "dead said nothing"),
        (PLANNED, "to buy 4 at 21 at worst, because it rises"),
        (SIGNED, "slot 7: signed to place lv1, dead after block 130"),
        (SENT, "lv1: sent and taken"),
        (SpotAttemptSent("spot", "lv1", "AB", "silence"), "sent, and not known to be taken"),
        (SETTLED, "lv1 is closed: 4 for 80, fee 0.1"),
        (SpotOrderSettled("spot", "lv1", "closed", WAD, WAD, 0, 1, "", False), "the worst"),
        (SpotOrderSettled("spot", "", "unsigned", 0, 0, 0, 0, "no"), "nothing traded, because no"),
        (SpotOrderSettled("spot", "lv1", "never", 0, 0, 0, 0, ""), "is never, nothing traded"),
        (MARKED, "profit -0.500000, at best 1.000000, 4 held"),
        (SpotMarked("spot", 1, 0, 0, 0, 0, 0, 1), "nothing held"),
        (STOPPED, "stopped (portfolio stop): 61 lost"),
        (OPENED, "trading market 0x1 of injective-1 for inj1me"),
        (replace(OPENED, subaccount=2), "for inj1me, subaccount 2"),
        (
            SpotWrittenOff("spot", WAD // 25, WAD, "too little"),
            "0.04, which cost 1, is written off: too little",
        ),
    ],
)
def test_each_event_has_its_sentence(event, words):
    assert words in told(event)
