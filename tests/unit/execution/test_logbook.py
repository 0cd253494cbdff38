"""What is written is written once, and what can wait goes along with what cannot."""

from __future__ import annotations

from tests.executions import StillClock

from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.domain.events import AlertRaised
from leverd.domain.plan_events import PlanAborted, PlanApproved
from leverd.domain.snapshot import Snapshot
from leverd.execution.logbook import Logbook

FIRST, SECOND, THIRD = (AlertRaised("loop", f"LVD-{number}", "text") for number in range(3))


def logbook():
    journal = MemoryJournal(StillClock())
    return Logbook(journal, "0x5"), journal


def written(journal):
    return [entry.event for entry in journal.replay()]


async def test_what_could_wait_is_written_once_and_before_what_could_not():
    book, journal = logbook()

    book.say_later(FIRST)
    assert (written(journal), book.held()) == ([], (FIRST,))
    await book.record(SECOND)
    await book.record(THIRD)

    assert written(journal) == [FIRST, SECOND, THIRD]
    assert book.held() == ()


async def test_without_anything_new_what_can_wait_goes_on_waiting():
    book, journal = logbook()
    book.say_later(FIRST)

    await book.record()

    assert (written(journal), book.held()) == ([], (FIRST,))


async def test_what_somebody_elses_commit_took_along_is_not_written_again():
    book, journal = logbook()
    book.say_later(FIRST)
    held = book.held()
    book.say_later(SECOND)

    book.written(held)
    await book.record(THIRD)

    assert written(journal) == [SECOND, THIRD]


async def test_what_was_written_is_told_once():
    book, _ = logbook()
    book.say_later(FIRST)
    await book.record(SECOND)
    await book.record(THIRD)

    assert book.said() == (FIRST, SECOND, THIRD)
    assert book.said() == ()


async def test_a_plan_named_twice_ends_once():
    book, _ = logbook()
    held = Snapshot(1, "0x1", 9, {}, {}, {}, {}, {}, {}, 0, 0)
    await book.record(PlanApproved("p", "loop", "reduce", "", (), 0, held))

    assert book.aborted(("p", "p", "unknown"), "why") == (PlanAborted("p", "loop", 0, "why"),)
