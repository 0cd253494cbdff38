"""When a holder of the lease counts as blind, and how old a chain's newest block is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from leverd.bootstrap.chain_sight import START_S, ChainSight, head_age_s
from leverd.errors import UnreachableError
from leverd.interfaces.watcher import Turned

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SEEN = {"eth-loop": None}


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.seconds = 1_000.0

    def __call__(self):
        return self.seconds

    def now(self):
        return NOW


def turned(*, fresh=True, next_s=60.0, views=SEEN):
    return Turned(1, NOW, 0.1, {}, next_s, fresh, views)


@pytest.fixture
def clock():
    return Clock()


def test_a_start_has_its_time_before_the_first_turn(clock):
    sight = ChainSight(20.0, 0, clock)
    clock.seconds += START_S + 20
    assert not sight.is_blind()
    clock.seconds += 0.1
    assert sight.is_blind()
    assert sight.is_in_vain()


def test_a_look_may_be_as_late_as_the_patience_says_from_when_it_was_due(clock):
    sight = ChainSight(20.0, 0, clock)
    sight.turned(turned(next_s=60))
    clock.seconds += 80
    assert not sight.is_blind()
    clock.seconds += 0.1
    assert sight.is_blind()
    assert not sight.is_in_vain(), "it saw something once"
    sight.turned(turned())
    assert not sight.is_blind()


def test_what_was_due_in_a_sleep_has_its_time_from_the_waking(clock):
    sight = ChainSight(20.0, 0, clock)
    sight.turned(turned(next_s=60))
    sight.woken()
    clock.seconds += 60
    assert not sight.is_blind()
    clock.seconds += 3_600
    sight.woken()
    clock.seconds += 20
    assert not sight.is_blind()
    clock.seconds += 0.1
    assert sight.is_blind()


def test_turns_by_an_old_block_are_no_sight(clock):
    sight = ChainSight(20.0, 0, clock)
    sight.turned(turned(next_s=5))
    for _ in range(6):
        clock.seconds += 5
        sight.turned(turned(fresh=False, next_s=5))
    assert sight.is_blind()


def test_a_chain_that_answers_is_seen_where_no_oracle_values_anything(clock):
    sight = ChainSight(20.0, 0, clock)
    for _ in range(40):
        clock.seconds += 5
        sight.turned(turned(fresh=False, next_s=5, views={}))
    assert not sight.is_blind()


@pytest.mark.parametrize(("in_vain", "patience"), [(0, 20), (1, 40), (4, 320), (5, 640), (9, 640)])
def test_who_saw_nothing_time_and_again_is_asked_for_longer(clock, in_vain, patience):
    sight = ChainSight(20.0, in_vain, clock)
    clock.seconds += START_S + patience
    assert not sight.is_blind()
    clock.seconds += 0.1
    assert sight.is_blind()


@dataclass(frozen=True)
class Head:
    at: float


class Node:
    """A node whose newest block is from `at`, or that says nothing."""

    def __init__(self, at):
        self.at = at

    async def connect(self, *, deadline_s):
        assert 0 < deadline_s < 5

    async def head(self):
        if self.at is None:
            raise UnreachableError("no node answers")
        return Head(self.at.timestamp())


@pytest.mark.parametrize("off", [timedelta(seconds=90), -timedelta(seconds=90)])
async def test_the_age_of_the_newest_block_counts_both_ways(clock, off):
    assert await head_age_s(Node(NOW + off), clock) == 90


async def test_a_silent_node_has_no_newest_block(clock):
    with pytest.raises(UnreachableError):
        await head_age_s(Node(None), clock)
