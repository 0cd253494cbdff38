"""Days and balances as they are read: bounded, and the same however often a journal was pruned."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.journal_events import SteadyClock, snapshot
from tests.unit.api.house import DAY, mark

from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.adapters.sql_journal.prune import prune
from leverd.api.chronicle import Chronicle, Spread
from leverd.api.history import PLANS, decision_rows, trade_rows
from leverd.api.routes.money import days_page
from leverd.domain.events import DecisionTaken, PnlRecorded
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    PlanDenied,
    StepVerified,
)
from leverd.interfaces.journal import Entry

AT = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.lists(st.integers(1, 50), max_size=300), st.integers(4, 20))
def test_a_spread_is_bounded_even_and_keeps_both_ends(gaps, most):
    spread, added = Spread(most), []
    for gap in gaps:
        added.append((added[-1] if added else 0) + gap)
        spread.add(added[-1])
    kept = spread.numbers()
    assert len(kept) <= most + 1
    if added:
        assert (kept[0], kept[-1]) == (added[0], added[-1])
        places = [added.index(each) for each in kept]
        steps = {after - before for before, after in pairwise(places[:-1])}
        assert len(steps) <= 1, "evenly, but for the last"


def noted(*events, through=0, pruned=()):
    chronicle = Chronicle(through, pruned)
    for seq, event in enumerate(events, 1):
        chronicle.note(Entry(seq, AT, 0, event))
    return chronicle


def test_one_block_is_one_point_of_a_line():
    chronicle = noted(mark(1, {}), mark(1, {}), mark(2, {}), PlanDenied("p", "eth-loop", "x", ()))
    assert chronicle.balances("eth-loop") == [1, 3]
    assert chronicle.balances("nobody") == []


def test_what_stored_days_count_is_not_counted_again():
    once = noted(mark(1, {"price": 5}), mark(2, {"price": 7}))
    again = noted(mark(1, {"price": 5}), mark(2, {"price": 7}), through=1,
                  pruned=noted(mark(1, {"price": 5})).days())  # fmt: skip
    assert again.days() == once.days()
    assert again.pruned_until == once.days()[0].day
    assert once.pruned_until is None


def test_days_come_in_pages_and_each_gain_is_to_the_day_before():
    marks = [mark(1 + n * DAY // 12, {}, unit_price=(100 + n) * 10**6) for n in range(5)]
    chronicle = noted(*marks)
    whole = days_page(chronicle)
    assert len(whole.items) == 5
    assert whole.next_before is None
    newest = days_page(chronicle, limit=2)
    assert newest.items == whole.items[-2:]
    assert newest.next_before == newest.items[0].day
    older = days_page(chronicle, before=date.fromisoformat(newest.next_before), limit=3)
    assert older.items == whole.items[:3]
    assert older.next_before is None
    assert days_page(chronicle, "nobody").items == []


def plan(number, name):
    return PlanApproved(f"p{number}", name, "boost", "why", ("swap",), 10**8, snapshot())


def step(number, name, index):
    return StepVerified(f"p{number}", name, index, f"0x{index}", (), snapshot())


def test_a_plan_deep_in_the_past_has_its_end_though_others_did_much_meanwhile():
    """One position walks down in single steps while another completes plan after plan."""
    journal = MemoryJournal(SteadyClock())
    journal.append_now(plan(0, "slow"))
    for number in range(1, 100):
        journal.append_now(plan(number, "quick"), step(number, "quick", 0),
                           PlanCompleted(f"p{number}", "quick", snapshot(), {}))  # fmt: skip
        if number % 5 == 0:
            journal.append_now(step(0, "slow", number))
    journal.append_now(PlanAborted("p0", "slow", 19, "the market moved"))
    page = journal.entries(kinds=PLANS, before=5, limit=5, newest_first=True)
    quick, slow = trade_rows(journal, page)
    assert (quick.status, quick.steps_done) == ("completed", 1)
    assert (slow.status, slow.steps_done, slow.aborted_because) == (
        "aborted", 19, "the market moved",
    )  # fmt: skip
    assert trade_rows(journal, ()) == []


def test_a_decision_deep_in_the_past_has_its_own_verdicts_alone():
    journal = MemoryJournal(SteadyClock())
    for number in range(30):
        for name in ("one", "other"):
            decided = DecisionTaken(name, "loop", "set_leverage", "2", f"{number}", snapshot())
            denied = PlanDenied(f"{name}{number}", name, "boost", (f"{number}",))
            journal.append_now(decided, denied)
    for position in ("", "other"):
        page = journal.entries(
            kinds=["DecisionTaken"], position_id=position, before=40, limit=6, newest_first=True
        )
        rows = decision_rows(journal, page, position)
        assert [[each.reasons for each in row.gate] for row in rows] == [
            [[row.reason]] for row in rows
        ]


async def test_an_api_that_runs_while_a_journal_is_pruned_tells_the_same_days(house):
    events = [mark(1 + n * DAY // 12, {"price": 10**8}) for n in range(30)]
    for each in events:
        house.write(each, chain_at=each.snapshot.at)
    before = (await house.get("/daily")).json()
    assert len(before["items"]) == 30
    assert prune(house.journal, SteadyClock(), keep_days=5).dropped > 0
    house.later()
    after = (await house.get("/daily")).json()
    assert after["items"] == before["items"]
    assert (before["pruned_until"], after["pruned_until"] is None) == (None, False)
    line = (await house.get("/positions/eth-loop/series")).json()["items"]
    assert len(line) == 30, "every pruned day keeps its end"
    more = PnlRecorded("eth-loop", snapshot(10**6, at=events[-1].snapshot.at + DAY), {}, 1, 1)
    house.write(more)
    house.later()
    assert len((await house.get("/daily?limit=4000")).json()["items"]) == 31
