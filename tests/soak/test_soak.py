"""A short soak of the shipped daemon, and the proof that the same check finds what leaks."""

from __future__ import annotations

import pytest
from tests.soak.gauges import Bounds, Reading, growth
from tests.soak.life import kinds, live
from tests.soak.world import journal

TURNS = 800
READINGS = 40
BOUNDS = Bounds(rss_a_turn=120.0, objects_a_turn=0.9)
"""A short row is coarse: one page of memory more is 8 bytes a turn."""


def test_a_life_leaves_nothing_behind_and_the_next_one_goes_on(tmp_path):
    first = live(tmp_path, TURNS, readings=READINGS)
    assert growth(first).faults(BOUNDS) == []
    second = live(tmp_path, READINGS, readings=READINGS)
    assert second[0].at > first[-1].at
    found = kinds(tmp_path)
    assert found["DaemonStarted"][0] == 2
    assert found["PlanCompleted"][0] >= 1
    assert second[-1].logs > first[-1].logs > TURNS * 100
    assert second[-1].journal >= journal(tmp_path).stat().st_size


@pytest.mark.parametrize(
    ("leak", "turns", "told"),
    [
        ("memory", TURNS, ["memory grows", "objects a turn"]),
        ("handles", READINGS * 10, ["handles go", "tasks go"]),
    ],
)
def test_what_is_not_let_go_is_found(tmp_path, leak, turns, told):
    found = growth(live(tmp_path, turns, readings=READINGS, leak=leak)).faults(BOUNDS)
    assert all(any(words in fault for fault in found) for words in told), found


def test_a_slope_looks_past_what_is_taken_for_a_moment():
    spiky = [_reading(turn, rss=10**8 + 5 * 10**6 * (turn % 700 == 0)) for turn in _TURNS]
    assert growth(spiky).faults(BOUNDS) == []
    rising = [_reading(turn, rss=10**8 + 100 * turn) for turn in _TURNS]
    assert growth(rising).rss_a_turn == 100
    assert growth(rising).mib_a_year == pytest.approx(50.1, abs=0.1)


_TURNS = range(100, 4_000, 100)


def _reading(turns, *, rss):
    return Reading(turns, 30.0 * turns, rss, 0, 16, 1, 2, 0, 0)
