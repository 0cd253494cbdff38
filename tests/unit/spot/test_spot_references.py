"""Other venues are asked beside the trading: late, dead or broken ones hold up nobody."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from tests.spots import NOW, quote

from leverd.domain.reference import silent
from leverd.engine.spot_references import SpotReferences
from leverd.errors import ImpossibleError, NonsenseError, UnreachableError


class Clock:
    """Monotonic seconds that a test sets."""

    def __init__(self):
        self.seconds = 1000.0

    def monotonic(self):
        return self.seconds


class Venue:
    """A reference that answers, fails, or never comes back, as it is told to."""

    def __init__(self, source, answer=None):
        self.source, self.answer, self.asked, self.closed = source, answer, 0, 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def look(self):
        self.asked += 1
        await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def circuits(self):
        return {"rpc a": "closed"}

    async def close(self):
        self.closed += 1


@pytest.fixture
def clock():
    return Clock()


def kept(clock, *venues, deadline_s=5.0):
    return SpotReferences(venues, clock, look_s=2.0, deadline_s=deadline_s)


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_before_anybody_answered_each_is_silent_and_asking_waits_for_nobody(clock):
    slow, quick = Venue("slow", quote()), Venue("quick", quote("21", source="quick"))
    slow.gate.clear()
    references = kept(clock, slow, quick)
    assert references.said() == (silent("slow"), silent("quick"))
    references.ask()
    assert references.said() == (silent("slow"), silent("quick"))
    await settle()
    assert references.said() == (silent("slow"), quick.answer)
    clock.seconds += 100
    references.ask()
    await settle()
    assert (slow.asked, quick.asked) == (1, 2)  # one question at a time
    slow.gate.set()
    await settle()
    assert references.said()[0] == slow.answer
    await references.close()


async def test_what_was_said_a_block_before_is_kept_beside_it(clock):
    venue = Venue("pool", quote("20", block=7))
    references = kept(clock, venue)
    seen = []
    for said in (venue.answer, quote("21", block=7), quote("22", block=8), quote("23", block=9)):
        venue.answer = said
        references.ask()
        await settle()
        clock.seconds += 2
        seen.append((references.said()[0], references.before()[0]))
    middles = [(now.middle // 10**18, before.middle // 10**18) for now, before in seen]
    assert middles == [(20, 0), (21, 0), (22, 21), (23, 22)]
    await references.close()


async def test_nobody_is_asked_more_often_than_the_owner_wants(clock):
    venue = Venue("pool", quote())
    references = kept(clock, venue)
    for _ in range(10):
        references.ask()
        await settle()
        clock.seconds += 0.5
    assert venue.asked == 3
    await references.close()


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError("gone"),
        NonsenseError("mad"),
        ImpossibleError("dry"),
        AssertionError("a bug"),
        TypeError("another"),
    ],
)
async def test_a_failure_is_a_pause_that_grows_and_what_was_said_stays(clock, error):
    venue = Venue("pool", quote())
    references = kept(clock, venue)
    references.ask()
    await settle()
    venue.answer = error
    asked = Counter()
    for second in range(2_000):
        clock.seconds += 1
        references.ask()
        await settle()
        asked[second // 500] = venue.asked
        assert references.said() == (quote(),)
    assert asked[0] <= 10
    assert asked[3] - asked[2] <= 3  # five minutes apart by then
    venue.answer = quote("22", at=NOW + 1)
    clock.seconds += 300
    references.ask()
    await settle()
    assert references.said() == (venue.answer,)
    before = venue.asked
    clock.seconds += 2
    references.ask()
    await settle()
    assert venue.asked == before + 1  # who answers again is asked as often as before
    await references.close()


async def test_who_does_not_answer_in_time_is_given_up_and_asked_again_later(clock):
    venue = Venue("pool", quote())
    venue.gate.clear()
    references = kept(clock, venue, deadline_s=0.001)
    references.ask()
    await asyncio.wait([references._lines[0].asking])
    assert references.said() == (silent("pool"),)
    venue.gate.set()
    clock.seconds += 60
    references.ask()
    await settle()
    assert references.said() == (quote(),)
    await references.close()


async def test_closing_ends_what_is_being_asked_and_releases_each(clock):
    slow = Venue("slow", quote())
    slow.gate.clear()
    never = Venue("never", quote())
    references = kept(clock, slow)
    references.ask()
    await settle()
    await references.close()
    assert (slow.closed, slow.asked) == (1, 1)
    assert references._lines[0].asking.cancelled()
    unasked = kept(clock, never)
    await unasked.close()
    assert (never.closed, never.asked) == (1, 0)


def test_breakers_are_told_by_the_name_of_their_reference(clock):
    assert kept(clock, Venue("pool"), Venue("b")).circuits() == {
        "pool rpc a": "closed",
        "b rpc a": "closed",
    }
