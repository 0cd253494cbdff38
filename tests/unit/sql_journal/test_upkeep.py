"""Verify, back up, export, prune."""

from __future__ import annotations

import io
import json
import sqlite3
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.journal_events import WAD, SteadyClock, decision, snapshot
from tests.predictions import made, predicted

from leverd.adapters.sql_journal import SqlJournal, SqlLedger, upkeep
from leverd.adapters.sql_journal.prune import Pruned, prune
from leverd.domain.events import (
    AlertRaised,
    ExternalChanged,
    HoldsFolded,
    JournalPruned,
    OrderDone,
    OrderFired,
    PeakReached,
    PnlRecorded,
    PositionAdopted,
    Resumed,
    TradingStateChanged,
)
from leverd.domain.highs import highest
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepAccepted,
    StepVerified,
)
from leverd.domain.prediction_events import BarSeen, PredictionIgnored, PredictionScored
from leverd.domain.slot_events import AttemptSigned, SlotFinal, SlotIncluded, SlotLost
from leverd.domain.spot_events import (
    SpotAttemptSigned,
    SpotDecided,
    SpotMarked,
    SpotOrderPlanned,
    SpotOrderSettled,
    SpotStopped,
)
from leverd.engine.book import Book, pending_of, portfolio_of, record_of
from leverd.engine.state import fold
from leverd.errors import JournalDamagedError, OwnerError
from leverd.execution import recovery

DAY = 86_400
START = 1_700_006_400


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    journal.append_now(*(decision(number) for number in range(20)))
    journal.close()
    return path


def damage(path, statement):
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()


def test_verify_counts_what_is_there_and_finds_what_is_not(path):
    assert upkeep.verify(path) == upkeep.Verified(20, 20)
    damage(path, "DELETE FROM events WHERE seq = 7")
    with pytest.raises(JournalDamagedError, match="entry 7 is missing"):
        upkeep.verify(path)


def test_a_backup_made_while_the_daemon_writes_is_whole(path, tmp_path):
    journal = SqlJournal(path, SteadyClock())
    journal.append_now(decision("in the log"))
    told = []
    found = upkeep.backup(path, tmp_path / "b" / "copy.db", lambda *each: told.append(each))
    journal.append_now(decision("after"))
    journal.close()
    assert found == upkeep.Verified(21, 21)
    assert told[-1][0] == 0
    assert upkeep.verify(tmp_path / "b" / "copy.db").entries == 21
    assert (tmp_path / "b" / "copy.db").stat().st_mode & 0o077 == 0


def test_a_backup_never_overwrites(path, tmp_path):
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(OwnerError):
        upkeep.backup(path, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_damaged_journal_is_not_passed_on_as_a_backup(path, tmp_path):
    damage(path, "DELETE FROM events WHERE seq = 7")
    with pytest.raises(JournalDamagedError):
        upkeep.backup(path, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_an_export_is_one_object_a_line_with_exact_numbers(path):
    journal = SqlJournal(path, SteadyClock())
    journal.append_now(PnlRecorded("eth-loop", snapshot(), {"price": 10**30}, WAD, 10**25))
    journal.close()
    out = io.StringIO()
    assert upkeep.export(path, out) == 21
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, 22))
    assert lines[-1]["event"]["attribution"]["price"] == str(10**30)


def signed(slot, plan_id, position="p"):
    return AttemptSigned(
        slot, "0xme", plan_id, position, 0, "act", f"0x{slot:064x}", "00", 1, 1, 1, 1
    )


def included(slot, gas=7):
    return SlotIncluded(slot, "0xme", f"0x{slot:064x}", 1, "0xb", 1, True, "", gas, 3)


def mark(position, price, gain, at, flow=0):
    attribution = {"price": gain, "gas": -1}
    return PnlRecorded(position, snapshot(at=at), attribution, WAD, price, flow)


def plan(plan_id, purpose, position="p"):
    return PlanApproved(plan_id, position, purpose, "r", ("s",), 1, snapshot())


def chapters(draw):
    """Yield (event, chain time) of a plausible life of two positions over weeks."""
    now = START
    for number in range(draw(st.integers(1, 40))):
        now += draw(st.integers(1, DAY))
        position = draw(st.sampled_from(["p", "q"]))
        if draw(st.integers(0, 4)) == 0:
            yield from ((event, now) for event in planned(draw, number, position))
        elif draw(st.booleans()):
            price, gain = draw(st.integers(1, 99)), draw(st.integers(-50, 50))
            yield mark(position, price, gain, now, draw(st.integers(-3, 3))), now
        else:
            yield draw(st.sampled_from(asides(position))), draw(st.sampled_from([now, 0]))


def planned(draw, number, position):
    """Yield the events of one plan, whatever becomes of it."""
    name, purpose = f"plan{number}", draw(st.sampled_from(["open", "boost", "unwind"]))
    yield plan(name, purpose, position)
    yield signed(number, name, position)
    if (end := draw(st.sampled_from(["done", "aborted", "open", "lost"]))) == "lost":
        yield SlotLost(number, "0xme", 1)
        yield PlanAborted(name, position, 0, "r")
        if draw(st.booleans()):
            yield SlotFinal(number, "0xme", 1, "0xb")
        return
    yield included(number, draw(st.integers(1, 99)))
    kind = draw(st.sampled_from((StepVerified, StepAccepted)))
    yield kind(name, position, 0, "0x", (), snapshot())
    if end == "done":
        ended = replace(snapshot(), owed={}) if purpose == "unwind" else snapshot()
        yield PlanCompleted(name, position, ended, {"price": 1})
    elif end == "aborted":
        yield PlanAborted(name, position, 0, "r")
    if end != "open":
        yield SlotFinal(number, "0xme", 1, "0xb")


def asides(position):
    return [
        HoldsFolded(position, 3, 1, 2, "calm"),
        AlertRaised(position, "X", "m"),
        decision(1),
        ExternalChanged(position, "deposit", {}, True, snapshot(), 5),
        TradingStateChanged(position, "reducing", "r", "owner"),
        Resumed(position, "owner"),
        PositionAdopted(position, "0x1", snapshot()),
        ExternalChanged(position, "repay", {}, True, replace(snapshot(), owed={}), 0),
        PeakReached(position, 3, 2, 1),
        OrderFired(position, "target", "r", False, False, 5, 1, 0),
        OrderDone(position, "target", 5, 1),
        OrderFired(position, "stop", "r", True, True, 0, 1, 0),
        made(predicted(source=position)),
        made(predicted(3.0, source=position), admitted=False),
        scored(predicted(source=position).track, 3),
        scored(predicted(source=position).track, 4),
        PredictionIgnored(predicted(source=position).track, "LVD-PRD-016", "r"),
        SpotDecided("spot", "a", "stay", "c", "r", 1, 2),
        SpotMarked("spot", 1, 2, 3, 4, 5, 6, 7),
        SpotMarked("spot", 1, 2, 3, 4, 5, 9, 8),
        SpotStopped("spot", "lost", "r"),
        SpotOrderPlanned("spot", "0x1", "me", "buy", "enter", 5, 5, "r"),
        SpotAttemptSigned("spot", "lv1", 1, "AB", "00", 9),
        SpotOrderSettled("spot", "lv1", "closed", 5, 5, 1, 9, ""),
    ]


def scored(track, count):
    return PredictionScored(track, 1, True, 5, 2, 3, count, 2 * count, 3 * count, count, count)


def remembered(path):
    """Return everything the engine would know after a restart, as of the newest chain time."""
    ledger = SqlLedger(path)
    entries = ledger.entries(limit=10_000)
    book, now, flows = Book(), START, {"p": 0, "q": 0}
    for entry in entries:
        book = fold(book, entry.event, entry.chain_at)
        now = max(now, entry.chain_at)
        if isinstance(entry.event, (PnlRecorded, ExternalChanged)):
            flows[entry.event.position_id] += entry.event.flow
    ledger.close()
    known = {
        name: (
            replace(record := record_of(book, name, now), highs=()),
            highest(record.highs, now),  # those of a day long gone count for nothing
            page.failures,
            page.snapshot,
            page.decided,
            page.pnl_since_open,
            page.closing,
            page.changed,
            page.gas_unmarked,
            page.marked and (page.marked.unit_price, page.marked.snapshot, page.marked.units),
        )
        for name, page in book.pages.items()
    }
    under_way = recovery.restored(entries, "0xme")
    pending = pending_of(book)
    return (
        known,
        portfolio_of(book, now, active=1),
        flows,
        under_way,
        pending,
        (book.outlook, book.spot),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_pruning_changes_nothing_that_is_remembered(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("pruned") / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    for event, at in chapters(data.draw):
        journal.append_now(event, chain_at=at)
    journal.close()
    before = remembered(path)
    done = prune(path, SteadyClock(), keep_days=data.draw(st.integers(2, 12)))
    after = remembered(path)
    assert before == after
    assert upkeep.verify(path).entries >= done.kept
    again = prune(path, SteadyClock(), keep_days=12)
    assert again.dropped == 0 or again.through > done.through
    assert remembered(path) == before
    journal = SqlJournal(path, SteadyClock())
    for event, at in chapters(data.draw):
        journal.append_now(event, chain_at=at + 50 * DAY if at else 0)
    journal.close()
    before = remembered(path)
    for keep_days in data.draw(st.lists(st.integers(2, 70), max_size=3)):
        prune(path, SteadyClock(), keep_days=keep_days)
        upkeep.verify(path)
        assert remembered(path) == before


def test_a_pruning_that_reaches_less_far_than_an_earlier_one_drops_nothing(tmp_path):
    path = tmp_path / "journal.db"

    def lives(days):
        journal = SqlJournal(path, SteadyClock())
        for day in days:
            journal.append_now(decision(day), signed(day, f"x{day}"), chain_at=START + day * DAY)
            journal.append_now(included(day), SlotFinal(day, "0xme", 1, "0xb"))
        journal.close()

    lives(range(10))
    first = prune(path, SteadyClock(), keep_days=2)
    assert first.dropped > 0
    lives(range(10, 15))  # the last decision up to then is superseded now
    found = upkeep.verify(path)
    assert prune(path, SteadyClock(), keep_days=12) == Pruned(
        first.through, 0, first.kept, is_behind=True
    )
    assert upkeep.verify(path) == found
    again = prune(path, SteadyClock(), keep_days=2)
    assert (again.is_behind, again.through > first.through, again.dropped > 0) == (
        False,
        True,
        True,
    )
    upkeep.verify(path)


def test_high_prices_of_a_day_long_gone_may_be_forgotten_and_those_of_today_are_not(tmp_path):
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    for hour, price in ((0, 90), (2, 80), (3, 75), (4, 70), (48 * 9, 60), (48 * 9 + 2, 50)):
        at = START + hour * 3_600
        journal.append_now(mark("p", price, 0, at), chain_at=at)
    journal.close()
    before = remembered(path)
    assert before[0]["p"][1] == 60
    assert prune(path, SteadyClock(), keep_days=2).dropped > 0
    assert remembered(path) == before


def test_failures_in_a_row_are_counted_on_after_pruning(tmp_path):
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    for day, end in enumerate(("failed", "done", "failed", "failed")):
        name = f"plan{day}"
        ends = PlanAborted(name, "p", 0, "it reverted")
        if end == "done":
            ends = PlanCompleted(name, "p", snapshot(), {})
        journal.append_now(plan(name, "boost"), ends, chain_at=START + day * DAY)
    journal.append_now(decision(1), chain_at=START + 30 * DAY)
    journal.close()
    before = remembered(path)
    assert before[0]["p"][2] == 2
    assert prune(path, SteadyClock(), keep_days=2).dropped > 0
    assert remembered(path) == before


def test_the_mark_that_says_a_close_won_or_lost_is_never_summed_away(tmp_path):
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    journal.append_now(plan("x", "unwind"), mark("p", 5, 10, START), chain_at=START)
    closed = PlanCompleted("x", "p", replace(snapshot(), owed={}), {})
    journal.append_now(closed, chain_at=START)
    for day, gain in enumerate((-30, 40, 7), start=1):  # a loss, then a new story that wins
        journal.append_now(mark("p", 5 + day, gain, START), chain_at=START + day * DAY)
    journal.append_now(*(decision(number) for number in range(3)), chain_at=START + 9 * DAY)
    journal.close()
    before = remembered(path)
    assert before[0]["p"][0].last_loss_at == START + DAY
    assert prune(path, SteadyClock(), keep_days=2).dropped > 0
    assert remembered(path) == before


def test_pruning_drops_old_stories_and_says_so(tmp_path):
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    for day in range(30):
        at = START + day * DAY
        journal.append_now(HoldsFolded("p", 5, 1, 2, "calm"), mark("p", 5, 1, at), chain_at=at)
        journal.append_now(
            signed(day, f"x{day}"), included(day), SlotFinal(day, "0xme", 1, "0xb"), chain_at=at
        )
    journal.close()
    done = prune(path, SteadyClock(), keep_days=10)
    ledger = SqlLedger(path)
    entries = ledger.entries(limit=1000)
    ledger.close()
    assert done.dropped > 80
    left = [entry.event for entry in entries if isinstance(entry.event, SlotIncluded)]
    gas = 7 * 3 * (30 - len(left))
    assert gas > 0
    assert entries[-1].event == JournalPruned(done.through, done.dropped, done.kept, gas)
    assert not any(
        isinstance(entry.event, HoldsFolded) and entry.seq <= done.through for entry in entries
    )
    assert upkeep.verify(path).entries == len(entries)
    journal = SqlJournal(path, SteadyClock())
    assert journal.append_now(decision(1)) == entries[-1].seq + 1
    journal.close()


def test_an_entry_that_vanishes_from_the_pruned_part_is_still_missed(tmp_path):
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    for day in range(10):
        at = START + day * DAY
        journal.append_now(PositionAdopted("p", "0x", snapshot()), decision(day), chain_at=at)
    journal.close()
    assert prune(path, SteadyClock(), keep_days=2).dropped > 0
    damage(path, "DELETE FROM events WHERE seq = 1")
    with pytest.raises(JournalDamagedError, match="were kept"):
        upkeep.verify(path)


def test_the_days_that_budgets_are_counted_in_are_never_pruned(tmp_path):
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    journal.append_now(AlertRaised("p", "X", "today"), chain_at=START + 5 * DAY - 3600)
    journal.append_now(AlertRaised("p", "X", "now"), chain_at=START + 5 * DAY)
    journal.close()
    assert prune(path, SteadyClock(), keep_days=0).dropped == 0


@pytest.mark.parametrize("lies", [1, 2])
def test_a_block_from_the_future_makes_no_day_old(tmp_path, lies):
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    today = int(SteadyClock().now().timestamp())
    for ago in (9, 8, 1, 0):
        journal.append_now(AlertRaised("p", "X", f"{ago} days ago"), chain_at=today - ago * DAY)
        if ago == 8 and lies == 2:
            journal.append_now(AlertRaised("p", "X", "a lie"), chain_at=today + 400 * DAY)
    journal.append_now(AlertRaised("p", "X", "another"), chain_at=today + 400 * DAY)
    journal.close()
    assert prune(path, SteadyClock(), keep_days=2).dropped == 1 + lies
    ledger = SqlLedger(path)
    left = [entry.event.message for entry in ledger.entries(kinds=("AlertRaised",))]
    ledger.close()
    assert left == ["1 days ago", "0 days ago", "another"]


def test_the_newest_bars_outlive_pruning(tmp_path, monkeypatch):
    monkeypatch.setattr("leverd.adapters.sql_journal.needs.BARS_MAX", 3)
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    for day in range(9):
        at = START + day * 86_400
        for subject in ("WETH", "USDC"):
            journal.append_now(
                BarSeen(subject, 3_600, at, 1, 2, 1, at, 2, {"funding": day}), chain_at=at
            )
    journal.close()
    assert prune(path, SteadyClock(), keep_days=2).dropped > 0
    ledger = SqlLedger(path)
    left = [entry.event for entry in ledger.entries(kinds=("BarSeen",), limit=100)]
    ledger.close()
    for subject in ("WETH", "USDC"):
        assert [each.known["funding"] for each in left if each.subject == subject] == [6, 7, 8]
