"""Slips planted into the rooms where money is decided are found by the fast suites."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.mutation import mutants, record
from tests.prove.tally import tell

pytestmark = pytest.mark.prove

ROOT = Path(__file__).parents[2]
FLOOR = 90.0  # percent


def test_at_least_nine_slips_of_ten_are_found_in_every_room() -> None:
    """The hunt is a process of its own: its forks must begin with nothing imported."""
    ran = subprocess.run([ROOT / "scripts/mutate"], cwd=ROOT, capture_output=True, check=False)
    assert not ran.returncode, (ran.stdout + ran.stderr).decode(errors="replace")[-10_000:]
    found = {room: record.figures(room) for room in mutants.ROOMS}
    for figures in found.values():
        tell("mutation", **figures)

    assert all(figures["mutants"] for figures in found.values())
    assert {room: each for room, each in found.items() if float(each["score"]) < FLOOR} == {}
