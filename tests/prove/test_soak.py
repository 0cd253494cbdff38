"""A million simulated turns and ten thousand on a local chain: nothing grows, nothing is left open.

LEVERD_PROVE_SOAK_TURNS and LEVERD_PROVE_SOAK_CHAIN_TURNS set the numbers; fewer than some
thousands are over before a process has found its size, and fail. The simulated turns
are lives of a hundred thousand each, one after the other on one journal, each in a process of
its own; whole lives are kept in LEVERD_PROVE_STATE, and the next run goes on after them.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.journal_events import SteadyClock
from tests.prove.tally import tell
from tests.simulation.slices import fingerprint
from tests.soak.child import swinging, watch
from tests.soak.gauges import Bounds, Reading, growth
from tests.soak.life import kinds, live
from tests.soak.world import journal

from leverd.adapters.sql_journal.prune import prune
from leverd.domain.events import ExternalChanged
from leverd.domain.plan_events import PlanCompleted, StepMismatched

pytestmark = pytest.mark.prove

TURNS = int(os.environ.get("LEVERD_PROVE_SOAK_TURNS", "1000000"))
CHAIN_TURNS = int(os.environ.get("LEVERD_PROVE_SOAK_CHAIN_TURNS", "10000"))
STATE = Path(os.environ.get("LEVERD_PROVE_STATE", "var/simulation")) / "soak"
LIFE = 100_000
READINGS = 200
BOUNDS = Bounds(rss_a_turn=8.0, objects_a_turn=0.02)
"""8 bytes a turn are 4 MiB in a year of one-minute turns: about the noise of a life."""

CHAIN_BOUNDS = Bounds(rss_a_turn=100.0, objects_a_turn=0.0)
"""Ten thousand turns show less: a page of memory is half a byte of each of them."""

LEAKY_TURNS = 20_000
DAY_S = 86_400
LOG_DAYS = 30
LOGS_MAX = 40 * 10**6
"""Thirty days of a look every half minute, a file not yet full, and the one that is."""


class Lives:
    """Whole lives so far, and the world that the next one begins in."""

    def __init__(self, folder: Path):
        self.folder = folder / f"{fingerprint()}-{LIFE}"
        self.world = self.folder / "world"
        self._file = self.folder / "lives.json"
        self.rows: list[list[Reading]] = []
        if self._file.exists():
            found = json.loads(self._file.read_text())
            self.rows = [[Reading(**each) for each in row] for row in found]

    @property
    def turns(self) -> int:
        return sum(row[-1].turns for row in self.rows)

    def one_more(self, turns: int) -> None:
        """Live once more; a life that is cut off leaves the world as it was."""
        half = self.folder / "half"
        shutil.rmtree(half, ignore_errors=True)
        if self.world.exists():
            shutil.copytree(self.world, half)
        half.mkdir(parents=True, exist_ok=True)
        self.rows.append(live(half, turns, readings=READINGS))
        shutil.rmtree(self.world, ignore_errors=True)
        half.rename(self.world)
        self._file.write_text(json.dumps([[asdict(each) for each in row] for row in self.rows]))


def test_a_million_turns_leave_nothing_behind():
    lives, began = Lives(STATE), time.perf_counter()
    before = lives.turns
    while lives.turns < TURNS:
        lives.one_more(min(LIFE, TURNS - lives.turns))
    seconds = time.perf_counter() - began
    grown = [growth(row) for row in lives.rows]
    _tell(lives, (lives.turns - before) / seconds)

    assert [fault for each in grown for fault in each.faults(BOUNDS)] == []
    assert max(reading.logs for row in lives.rows for reading in row) < LOGS_MAX


def test_a_leak_of_two_hundred_bytes_a_turn_is_found(tmp_path):
    row = live(tmp_path, LEAKY_TURNS, readings=READINGS, leak="memory")
    found = growth(row)
    tell("soak: planted leak", turns=LEAKY_TURNS, slope=f"{found.rss_a_turn:.1f}")
    assert len(found.faults(BOUNDS)) == 2


@pytest.mark.chain
def test_ten_thousand_turns_on_a_chain_leave_nothing_behind(tmp_path):
    began = time.perf_counter()
    with swinging(tmp_path) as stage:
        row = watch(stage, CHAIN_TURNS, readings=READINGS)
        plans = len(stage.events(PlanCompleted))
        found, last = growth(row), row[-1]
        tell(
            "soak: chain",
            turns=last.turns,
            days=f"{last.at / DAY_S:.1f}",
            plans=plans,
            slope=f"{found.rss_a_turn:.1f}",
            rss_mib=f"{row[0].rss / 2**20:.1f}-{last.rss / 2**20:.1f}",
            handles=_range([found.handles]),
            threads=_range([found.threads]),
            journal=last.journal,
            logs=last.logs,
            seconds=round(time.perf_counter() - began),
        )
        assert found.faults(CHAIN_BOUNDS) == []
        assert plans > 1
        assert stage.events(StepMismatched, ExternalChanged) == []


def _tell(lives: Lives, turns_a_second: float) -> None:
    grown = [growth(row) for row in lives.rows]
    last, found = lives.rows[-1][-1], kinds(lives.world)
    size = journal(lives.world).stat().st_size
    days, plans = last.at / DAY_S, found["PlanCompleted"][0]
    lean = lives.folder / "pruned.db"
    shutil.copyfile(journal(lives.world), lean)
    kept = prune(lean, SteadyClock(), keep_days=LOG_DAYS)
    tell(
        "soak: simulated",
        turns=lives.turns,
        lives=len(lives.rows),
        days=round(days),
        plans=plans,
        slopes=", ".join(f"{each.rss_a_turn:.2f}" for each in grown),
        mib_a_year=f"{max(each.mib_a_year for each in grown):.2f}",
        objects=f"{max(each.objects_a_turn for each in grown):.4f}",
        rss_mib=round(max(reading.rss for row in lives.rows for reading in row) / 2**20),
        **{name: _range([getattr(each, name) for each in grown]) for name in _OPEN},
        logs=max(reading.logs for row in lives.rows for reading in row),
        log_a_turn=round(lives.rows[0][-1].logs / lives.rows[0][-1].turns),
        journal=size,
        journal_a_day=round((size - _of_plans(found, size)) / days),
        journal_a_plan=round(_of_plans(found, size) / plans),
        pruned=lean.stat().st_size,
        pruned_entries=kept.dropped,
        turns_a_second=f"{turns_a_second:.0f}",
    )


_OPEN = ("handles", "threads", "tasks")
_PLAN = {
    "AttemptSigned",
    "AttemptPublished",
    "PlanApproved",
    "PlanCompleted",
    "PlanAborted",
    "SlotFinal",
    "SlotIncluded",
    "StepVerified",
}


def _of_plans(found: dict[str, tuple[int, int]], size: int) -> float:
    """Return the bytes of the file that plans take, by their share of all bodies."""
    bodies = sum(taken for _, taken in found.values())
    return size * sum(found[kind][1] for kind in _PLAN & found.keys()) / bodies


def _range(pairs: list[tuple[int, int]]) -> str:
    return f"{min(low for low, _ in pairs)}-{max(high for _, high in pairs)}"
