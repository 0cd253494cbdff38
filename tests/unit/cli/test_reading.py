"""status, positions and history read the journal alone, beside a daemon or without one."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from tests.journal_events import KINDS, WAD, SteadyClock, snapshot, values_of

from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.adapters.sql_journal import Heartbeat
from leverd.adapters.system_clock import SystemClock
from leverd.cli import picture
from leverd.cli.telling import told
from leverd.domain.events import (
    DaemonStopped,
    PnlRecorded,
    PositionAdopted,
    SettingsChanged,
    TradingStateChanged,
    UnwindRequested,
)
from leverd.domain.plan_events import PlanApproved, PlanCompleted
from leverd.domain.slot_events import SlotFinal, SlotIncluded, SlotLost, SlotReorganised

MEANING = picture.Meaning("WETH", "USDC", "USD")


def test_before_the_first_start_status_says_there_is_no_journal(owner):
    answer = owner("status")
    assert answer.code == 1
    assert "no journal" in answer.err


def test_status_shows_how_safe_a_position_is(owner):
    owner.with_history()
    data = owner("status", "--json").data
    (position,) = data["positions"]
    assert position["leverage"] == "2.5"
    assert position["health"] == "1.383"
    assert Decimal(position["liquidation_price_usd"]) == Decimal(3000) / Decimal("1.383")
    assert Decimal(position["equity"]) == 30_000
    assert Decimal(position["pnl"]["total"]) == 88
    assert position["decision"] == "leverage_loop: set_leverage 2.5"
    assert data["slots"] == [{"slot": 7, "state": "included", "attempts": 1}]
    assert data["daemon_pid"] is None
    assert data["settings"] == "hash"
    shown = owner("status").out
    for part in ("2.5000", "1.3830", "2169.20", "+88.000000 USD", "leverage 1.0000 is below 2.2"):
        assert part in shown


def test_status_shows_the_settings_in_force_once_they_were_tuned(owner):
    owner.with_history()
    journal = owner.open_journal()
    journal.append_now(SettingsChanged("hash", "tuned", ("limits.shock: -0.1 -> -0.2",), "file"))
    journal.close()
    assert owner("status", "--json").data["settings"] == "tuned"
    told_of = owner("history", "-k", "settingschanged").out
    assert "tuned" in told_of
    assert "-0.2" in told_of


def test_status_beside_a_daemon_names_it_and_its_last_turn(owner):
    owner.with_history()
    journal = owner.open_journal()
    Heartbeat(owner.journal).beat(SystemClock().now() - timedelta(seconds=42))
    data = owner("status", "--json").data
    journal.close()
    assert data["daemon_pid"] == os.getpid()
    assert 42 <= data["last_turn_s_ago"] < 60


def test_status_after_a_stop_repeats_what_was_left_unguarded(owner):
    owner.with_history()
    journal = owner.open_journal()
    journal.append_now(DaemonStopped("asked to stop", ("eth-loop: leverage 2.5",)))
    journal.close()
    assert owner("status", "--json").data["left_unguarded"] == ["eth-loop: leverage 2.5"]


def test_a_position_the_journal_does_not_know_is_said(owner):
    owner.open_journal().close()
    assert "knows nothing of it yet" in owner("status").out
    assert "no position yet" in owner("positions").out


def test_positions_show_each_leg_and_each_line_of_pnl(owner):
    owner.with_history()
    (position,) = owner("positions", "--json").data
    assert position["holdings"] == [
        {
            "kind": "supplied",
            "token": "WETH",
            "amount": f"25.{'0' * 18}",
            "usd": "75000.00000000",
        },
        {"kind": "owed", "token": "USDC", "amount": "45000.000000", "usd": "-45000.00000000"},
    ]
    shown = owner("positions").out
    assert "+100.000000 USD" in shown
    assert "-12.000000 USD" in shown


def test_history_tells_what_and_why_newest_last(owner):
    owner.with_history()
    shown = owner("history").out
    assert "because leverage 1.0000 is below 2.2" in shown
    rows = owner("history", "--json", "-n", "2").data
    assert [row["kind"] for row in rows] == ["SlotIncluded", "PnlRecorded"]
    rows = owner("history", "--json", "-k", "decisiontaken", "-p", "eth-loop").data
    assert [row["event"]["decision"] for row in rows] == ["set_leverage"]
    assert [row["seq"] for row in owner("history", "--json", "--after", "4", "-n", "1").data] == [5]


def test_history_needs_no_settings_when_the_journal_is_named(owner):
    owner.with_history()
    owner.settings.unlink()
    assert owner("history", "--journal", str(owner.journal), "--json").data


def test_an_event_nobody_knows_is_answered_with_the_nearest(owner):
    owner.with_history()
    answer = owner("history", "-k", "DecisionTake")
    assert answer.code == 1
    assert "DecisionTaken" in answer.err


def remembering(*events):
    journal = MemoryJournal(SteadyClock())
    for event in events:
        journal.append_now(event, chain_at=1_700_000_000)
    return picture.read(journal)


def mark(gain):
    return PnlRecorded("eth-loop", snapshot(9), {"price": gain * 10**8}, WAD, WAD)


def test_pnl_since_open_begins_anew_after_an_unwind():
    closed = PlanCompleted("p", "eth-loop", empty(), {})
    opened = (
        PlanApproved("p", "eth-loop", "unwind", "r", ("s",), 1, snapshot(1)),
        mark(50),
        closed,
        mark(-20),
    )
    assert remembering(*opened).pnl["eth-loop"] == {}
    assert remembering(*opened, mark(3)).pnl["eth-loop"] == {"price": 3 * 10**8}
    assert remembering(mark(50), mark(-20)).pnl["eth-loop"] == {"price": 30 * 10**8}


def empty():
    made = snapshot(5)
    return type(made)(
        **{
            name: {} if name in {"owed", "supplied"} else getattr(made, name)
            for name in made.__dataclass_fields__
        }
    )


@pytest.mark.parametrize(
    ("event", "states"),
    [
        (SlotIncluded(7, "0xme", "0xbb", 1, "0x", 1, True, "", 1, 1), ["included"]),
        (SlotReorganised(7, "0xme", 1, "0x"), ["sent"]),
        (SlotFinal(7, "0xme", 1, "0x"), []),
        (SlotLost(7, "0xme", 1), []),
        (SlotFinal(7, "0xother", 1, "0x"), ["included"]),
    ],
)
def test_a_slot_is_open_until_it_is_final_or_lost(owner, event, states):
    owner.with_history()
    journal = owner.open_journal()
    journal.append_now(event)
    journal.close()
    assert [slot["state"] for slot in owner("status", "--json").data["slots"]] == states


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((), "active"),
        ((TradingStateChanged("eth-loop", "reducing", "r", "owner", paused=True),), "paused"),
        ((TradingStateChanged("", "halted", "r", "owner"),), "halted"),
        ((UnwindRequested("", "owner"),), "active, unwinding"),
    ],
)
def test_the_state_is_in_the_owners_words(events, state):
    story = remembering(PositionAdopted("eth-loop", "0x", snapshot()), *events)
    assert picture.position(story, "eth-loop", MEANING).state == state


def test_without_debt_there_is_no_liquidation_price_and_without_equity_no_leverage():
    free = remembering(PositionAdopted("eth-loop", "0x", without_debt()))
    found = picture.position(free, "eth-loop", MEANING)
    assert (found.health, found.liquidation_price, found.leverage) == (None, None, 1)
    broke = remembering(PositionAdopted("eth-loop", "0x", empty()))
    assert picture.position(broke, "eth-loop", MEANING).leverage is None


def without_debt():
    made = snapshot(5)
    values = {name: getattr(made, name) for name in made.__dataclass_fields__}
    return type(made)(**{**values, "owed": {}, "health": 2**256 - 1})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_event_has_its_sentence(kind):
    @settings(max_examples=10)
    @given(values_of(kind))
    def has_a_sentence(event):
        assert told(event)

    has_a_sentence()


def test_a_short_is_shown_in_the_price_it_bets_on_with_what_it_owes():
    short = picture.Meaning("USDC", "WETH", "USD")
    ones = {"WETH": 10**27, "USDC": 10**27}
    held = replace(
        snapshot(),
        supplied={"USDC": 75_000 * 10**6},
        owed={"WETH": 15 * WAD},
        supply_indexes=ones,
        borrow_indexes=ones,
        health=13 * WAD // 10,
    )
    story = remembering(PositionAdopted("eth", "0xaccount", held))
    found = picture.position(story, "eth", short)
    assert found is not None
    assert (found.side, found.price) == ("short", 3000)
    assert found.leverage == Decimal("2.5")
    assert found.bet == Decimal("1.5")
    assert found.liquidation_price == 3900
    long = picture.position(story, "eth", MEANING)
    assert long is not None
    assert long.side == "long"
