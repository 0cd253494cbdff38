"""The money of a run adds up to the unit, and a line that is wrong is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import worlds
from tests.run_records import HOUR, Replay, played

from leverd.backtest.report.books import books_of
from leverd.backtest.report.findings import findings_of
from leverd.domain.events import JournalPruned, PnlRecorded
from leverd.domain.money import USD, Amount
from leverd.errors import ImpossibleError, LeverdError, OwnerError
from leverd.interfaces.journal import Entry

LINES = (
    "price", "supply_interest", "borrow_interest", "staking", "swap_fees", "price_impact", "gas",
    "liquidation", "rounding",
)  # fmt: skip


def marks_at(entries):
    return [at for at, entry in enumerate(entries) if isinstance(entry.event, PnlRecorded)]


def with_event(entries, at, event):
    return [*entries[:at], replace(entries[at], event=event), *entries[at + 1 :]]


def test_began_flows_and_lines_are_what_it_ended_with():
    record = played()
    books = books_of(record.entries, record.mandate)
    assert books.began + books.total - books.pnl.gas + books.flow == books.equity
    marked = record.entries[marks_at(record.entries)[-1]].event.snapshot.equity
    assert books.equity == marked + books.unmarked
    assert books.total == books.pnl.total + books.unmarked
    assert books.pnl.swap_fees < 0
    assert books.pnl.gas < 0
    assert books.pnl.borrow_interest < 0 < books.pnl.supply_interest
    assert abs(books.pnl.rounding) < 1_000  # of 1e-8 USD, over 80 marks


@given(st.data(), st.sampled_from(LINES), st.integers(-(10**12), 10**12).filter(bool))
def test_a_wrong_line_anywhere_is_refused(data, line, by):
    record = played()
    at = data.draw(st.sampled_from(marks_at(record.entries)))
    mark = record.entries[at].event
    lines = {**mark.attribution, line: mark.attribution.get(line, 0) + by}
    planted = with_event(record.entries, at, replace(mark, attribution=lines))
    unit = mark.snapshot.equity // 10**6  # a wrong line of gas shows in the price of a unit
    if line == "gas" and (
        abs(by) < unit or mark is record.entries[marks_at(record.entries)[0]].event
    ):
        return
    with pytest.raises(LeverdError, match="does not add up") as raised:
        books_of(planted, record.mandate)
    assert raised.value.code == "LVD-IMP-033"


def test_a_wrong_flow_and_an_unknown_line_are_refused():
    record = played()
    at = marks_at(record.entries)[5]
    mark = record.entries[at].event
    for wrong in (
        replace(mark, flow=mark.flow + 1),
        replace(mark, attribution={**mark.attribution, "luck": 0}),
        replace(mark, unit_price=mark.unit_price + 1),
    ):
        with pytest.raises(ImpossibleError, match="does not add up"):
            books_of(with_event(record.entries, at, wrong), record.mandate)


def test_a_pruned_journal_still_has_to_add_up_but_its_units_round_otherwise():
    record = played()
    at = marks_at(record.entries)[5]
    mark = record.entries[at].event
    note = Entry(10**6, datetime.fromtimestamp(0, UTC), 0, JournalPruned(1, 1, 0))
    other = with_event(record.entries, at, replace(mark, unit_price=mark.unit_price + 1))
    assert books_of([*other, note], record.mandate).equity
    wrong = with_event(record.entries, at, replace(mark, flow=1))
    with pytest.raises(ImpossibleError):
        books_of([*wrong, note], record.mandate)


def test_a_position_that_was_never_marked_has_no_books():
    record = played()
    other = replace(record.mandate, position_id="other")
    with pytest.raises(OwnerError, match="has been marked yet") as raised:
        books_of(record.entries, other)
    assert raised.value.code == "LVD-OWN-097"
    assert "run_agent" in raised.value.remedy


def test_a_journal_in_another_currency_is_refused():
    record = played()
    with pytest.raises(OwnerError, match="counts in USD") as raised:
        books_of(record.entries, replace(record.mandate, share_class=worlds.WETH))
    assert raised.value.code == "LVD-OWN-098"


def closed(price):
    """Return the entries of a loop that opened at 3000 and was unwound at `price`."""
    replay = Replay()
    replay.go_to(worlds.NOON, 3000)
    replay.look()
    replay.go_to(worlds.NOON + 20 * HOUR, price)
    replay.look(act=False)
    replay.unwind()
    return replay.record()


@pytest.mark.parametrize(("price", "won"), [(3300, True), (2900, False)])
def test_a_round_trip_is_what_was_made_between_no_debt_and_no_debt(price, won):
    record = closed(price)
    books = books_of(record.entries, record.mandate)
    (trip,) = books.trips
    assert (trip.pnl > 0) is won
    assert trip.pnl == books.pnl.total  # nothing happened before or after
    assert trip.opened < trip.closed


def test_money_that_came_later_is_a_flow_and_no_profit():
    replay = Replay(worlds.state(idle=10))
    replay.go_to(worlds.NOON, 3000)
    replay.look(act=False)
    replay.state = replace(
        replay.state, position=replay.state.position.with_idle(worlds.WETH, 10**18)
    )
    replay.go_to(worlds.NOON + 86_400, 3000)
    replay.look(act=False)
    record = replay.record()
    books = books_of(record.entries, record.mandate)
    assert books.flow == Amount(USD, 3000 * 10**8).raw
    assert books.pnl.total == 0
    assert len(books.flows) == 1
    flows_apart = findings_of(replay.record())
    assert flows_apart.held_return == 0
    assert flows_apart.metrics.total_return == pytest.approx(0)
