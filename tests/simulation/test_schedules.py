"""Deterministic simulation: the shipped daemon in worlds where everything goes wrong."""

from __future__ import annotations

import pytest
from loguru import logger
from tests.simulation.draws import EVENTS, NETWORK, Fault, drawn
from tests.simulation.schedule import play
from tests.simulation.seeds import FOUND
from tests.simulation.slices import Slice

SAMPLE = 200
PART = 25


@pytest.fixture(autouse=True)
def quiet():
    logger.disable("leverd")
    yield
    logger.enable("leverd")


@pytest.mark.parametrize("first", range(0, SAMPLE, PART))
def test_nothing_is_lost_doubled_or_left_behind(first):
    for seed in range(first, first + PART):
        assert not play(seed).violations, f"python -m tests.simulation {seed}"


@pytest.mark.parametrize("seed", FOUND)
def test_a_seed_that_found_something_finds_nothing_more(seed):
    assert not play(seed).violations, f"python -m tests.simulation {seed}: {FOUND[seed]}"


@pytest.mark.parametrize("seed", [4, 32, 174])
def test_a_seed_replays_exactly(seed):
    stories = [], []
    reports = [play(seed, story.append) for story in stories]
    assert stories[0] == stories[1]
    assert reports[0] == reports[1]


def test_schedules_trade_at_all():
    """Where nothing is ever done, nothing is ever done wrong."""
    reports = [play(seed) for seed in range(30)]
    assert sum(report.plans for report in reports) > 30
    assert all(report.faults for report in reports)


def test_the_draws_reach_every_fault():
    drawn_kinds = set()
    for seed in range(2_000):
        draw = drawn(seed)
        drawn_kinds |= {happening.fault for happening in draw.happenings} | draw.chances.keys()
        drawn_kinds |= {draw.forgets} - {None}
        drawn_kinds |= {Fault.PRUNED} if draw.states_max else set()
    tears = {Fault.TORN}  # a death of one that writes to SQLite
    assert drawn_kinds | tears == set(EVENTS) | set(NETWORK) | set(Fault)


def test_a_slice_that_is_cut_off_goes_on_where_it_was(tmp_path):
    whole = Slice(tmp_path / "whole.json", 0, 8).run()
    Slice(tmp_path / "cut.json", 0, 8).run(seconds=0.1)
    parts = Slice(tmp_path / "cut.json", 0, 8)
    while not parts.done:
        parts.run(seconds=0.1)
        parts = Slice(tmp_path / "cut.json", 0, 8)
    timed = {"seconds"}
    assert {k: v for k, v in parts.state.items() if k not in timed} == {
        k: v for k, v in whole.items() if k not in timed
    }
