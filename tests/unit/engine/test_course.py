"""What orders remember is folded from events, the same each time, and only from them."""

from __future__ import annotations

from dataclasses import replace

from tests.journal_events import snapshot

from leverd.domain.course import Fired
from leverd.domain.events import (
    ExternalChanged,
    OrderDone,
    OrderFired,
    PeakReached,
    PnlRecorded,
    PositionAdopted,
    Resumed,
)
from leverd.domain.plan_events import StepVerified
from leverd.domain.slot_events import AttemptSigned, SlotReorganised
from leverd.engine.book import ALL, Book
from leverd.engine.state import fold

FLAT = replace(snapshot(9), owed={})
OPENED = StepVerified("p1", "loop", 0, "0x", (), snapshot(1))
CLOSED = StepVerified("p2", "loop", 0, "0x", (), FLAT)
SHARE = OrderFired("loop", "tp", "seen", False, False, 17, 3300, 0)
STOP = OrderFired("loop", "stop", "seen", True, True, 0, 2700, 5)


def mark(price):
    return PnlRecorded("loop", snapshot(), {}, 10**18, price)


def folded(*events):
    book = Book()
    for event in events:
        book = fold(book, event, 77)
    return book.page("loop").record


def test_a_course_begins_with_the_first_debt_at_the_mark_before_it():
    record = folded(mark(5), OPENED, mark(6))
    assert record.course.unit == 5
    assert record.course.since == snapshot(1).at
    assert record.course.prices == snapshot(1).prices
    assert (record.units, record.marked_equity) == (10**18, snapshot().equity)


def test_an_adopted_position_counts_from_its_first_mark():
    record = folded(PositionAdopted("loop", "0x1", snapshot(1)), mark(6), mark(7))
    assert record.course.unit == 6


def test_a_boost_does_not_begin_it_anew_and_no_debt_ends_it():
    assert folded(mark(5), OPENED, mark(6), OPENED).course.unit == 5
    assert folded(mark(5), OPENED, CLOSED).course is None
    assert folded(mark(5), OPENED, CLOSED, mark(8), OPENED).course.unit == 8


def test_a_share_is_pending_until_it_is_done_and_then_caps():
    record = folded(OPENED, SHARE)
    assert record.course.pending == Fired("tp", "seen", 77, False, False, 17, 3300, 0)
    assert record.ended is None
    done = folded(OPENED, SHARE, OrderDone("loop", "tp", 17, 5)).course
    assert (done.pending, done.done, done.keep) == (None, ("tp",), 17)
    further = replace(SHARE, order="tp2", keep=11)
    done = folded(OPENED, SHARE, OrderDone("loop", "tp", 17, 5), further,
                  OrderDone("loop", "tp2", 11, 6)).course  # fmt: skip
    assert (done.done, done.keep) == (("tp", "tp2"), 11)


def test_the_same_fact_twice_or_out_of_place_changes_nothing():
    once = folded(OPENED, SHARE, OrderDone("loop", "tp", 17, 5))
    twice = folded(OPENED, SHARE, SHARE, *[OrderDone("loop", "tp", 17, 5)] * 2, SHARE)
    assert once == twice
    assert folded(OPENED, OrderDone("loop", "tp", 17, 5)).course.done == ()
    assert folded(SHARE).course is None
    assert folded(PeakReached("loop", 1, 2, 3)).course is None


def test_a_closing_order_lasts_over_the_close_until_resume():
    for events in ((OPENED, STOP), (OPENED, STOP, CLOSED)):
        assert folded(*events).ended.order == "stop"
        assert folded(*events, Resumed("loop", "owner")).ended is None
        assert folded(*events, Resumed(ALL, "owner")).ended is None
    first = folded(OPENED, STOP, replace(STOP, order="deadline"))
    assert first.ended.order == "stop"


def test_resume_leaves_a_share_that_is_being_sold():
    assert folded(OPENED, SHARE, Resumed("loop", "owner")).course.pending.order == "tp"


def test_a_share_that_left_nothing_owed_has_closed_the_position():
    assert folded(OPENED, SHARE, CLOSED).ended.order == "tp"
    gone = ExternalChanged("loop", "repay", {}, True, FLAT)
    assert folded(OPENED, SHARE, gone).ended.order == "tp"
    assert folded(OPENED, gone).ended is None


def test_a_peak_is_what_was_written_last():
    best = folded(OPENED, PeakReached("loop", 9, 8, 7), PeakReached("loop", 10, 8, 7)).course
    assert (best.best_price, best.best_unit, best.best_health) == (10, 8, 7)


def attempt(slot=1):
    return AttemptSigned(slot, "0x", "p1", "loop", 0, "act", "0x", "", 1, 1, 1, 1)


def test_a_share_whose_block_left_the_chain_is_pending_again():
    done = (OPENED, SHARE, attempt(), OrderDone("loop", "tp", 17, 5))
    undone = folded(*done, SlotReorganised(1, "0x", 5, "0xb")).course
    assert (undone.pending.order, undone.done) == ("tp", ())
    assert undone.keep == 17
    again = folded(*done, SlotReorganised(1, "0x", 5, "0xb"), OrderDone("loop", "tp", 17, 6))
    assert again.course.done == ("tp",)


def test_a_later_block_or_another_slot_undoes_nothing():
    done = (OPENED, SHARE, attempt(), OrderDone("loop", "tp", 17, 5))
    assert folded(*done, SlotReorganised(1, "0x", 6, "0xb")).course.done == ("tp",)
    assert folded(*done, SlotReorganised(2, "0x", 1, "0xb")).course.done == ("tp",)
    assert folded(attempt(), SlotReorganised(1, "0x", 1, "0xb")).course is None
