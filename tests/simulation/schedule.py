"""Run one schedule from its seed, and say what came of it."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.journal_events import SteadyClock
from tests.simulation import rest
from tests.simulation.disk import MemoryDisk, SqlDisk
from tests.simulation.draws import Fault, drawn
from tests.simulation.loop import VirtualLoop
from tests.simulation.stage import Stage

from leverd.adapters.sql_journal import SqlJournal
from leverd.adapters.sql_journal.reserve import Reserve


@dataclass(frozen=True)
class Report:
    """What came of a schedule."""

    seed: int
    violations: tuple[str, ...]
    faults: Counter[Fault]
    turns: int
    seconds: float  # of the simulated world
    sql: bool
    lowest: float | None  # health
    plans: int


def play(seed: int, tell=None) -> Report:
    """Return the report of schedule `seed`; `tell` hears its story, line by line."""
    draw = drawn(seed)
    loop = VirtualLoop()
    stage = Stage(draw, loop, _disk_of, tell)
    try:
        loop.run_until_complete(stage.play())
        if not stage.referee.violations:
            rest.check_end(stage)
    finally:
        _let_go(loop)
        stage.disk.close()
    lowest = [health for health in stage.referee.lowest.values() if health is not None]
    return Report(
        seed,
        tuple(stage.referee.violations),
        stage.faults,
        stage.turns,
        loop.time(),
        draw.sql,
        min(map(float, lowest), default=None),
        len(stage.referee._approved),
    )


def _let_go(loop):
    """Close the loop, and whatever still waits on it."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()


def _disk_of(stage):
    if not stage.draw.sql:
        return MemoryDisk(stage)
    return SqlDisk(stage, _root() / str(stage.draw.seed), _template())


@lru_cache(maxsize=1)
def _root():
    """Return a folder, in memory where the machine offers that."""
    shared = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="leverd-", dir=shared if shared.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@lru_cache(maxsize=1)
def _template():
    """Return an empty journal, made once: its tables take a quarter of a second."""
    path = _root() / "template.db"
    SqlJournal(path, SteadyClock(), reserve=Reserve(path, 4096)).close()
    return path
