"""The agent as a process of its own on a local chain whose market swings, watched from outside."""

from __future__ import annotations

import math
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from tests.e2e.children import moving
from tests.e2e.stage import Stage, staged
from tests.soak.gauges import Reading, journal_bytes, log_bytes

from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.recipe import Recipe

SPEED = 240.0
"""Chain seconds a wall second, as the daemon reckons."""

BLOCK_S = 0.05
PATIENCE_S = 300.0
"""Wall seconds without a turn after which something is wrong."""

_START, _DAYS, _DAY_S, _STEP_S = 1_700_000_000, 60, 86_400, 600
_RUN = """
from leverd.cli.run_agent import main
from leverd.domain.tick_math import sqrt_ratio_at_tick
for tick in range(8192):
    sqrt_ratio_at_tick(tick)
main()
"""
"""The agent, with the cache of tick prices full from the start: filling it looks like growth."""

_TURN = re.compile(rb"turn=(\d+) ")


@contextmanager
def swinging(folder: Path) -> Iterator[Stage]:
    """Yield a stage whose price goes up and down by an eighth within a day."""
    prices = (folder / "prices.csv").open("w")
    with prices:
        prices.write("ts,close\n")
        for after in range(0, _DAYS * _DAY_S, _STEP_S):
            price = 3_000 * (1 + math.sin(2 * math.pi * after / _DAY_S) / 8)
            prices.write(f"{_START + after},{price:.2f}\n")
    recipe = Recipe(path=str(folder / "prices.csv"))
    with staged(folder, recipe, Conduct(Habits(borrows=False)), speed=SPEED) as stage:
        yield stage


def watch(stage: Stage, turns: int, *, readings: int) -> list[Reading]:
    """Return readings of an agent that takes `turns` turns, as the system sees it; then stop it."""
    named = [part for file in stage.files(logs={"console": False}) for part in ("-c", str(file))]
    began, row = stage.devnet.driver.now, list[Reading]()
    with (
        (stage.folder / "output.log").open("w") as output,
        subprocess.Popen(
            [sys.executable, "-c", _RUN, *named], stdout=output, stderr=output
        ) as child,
        moving(stage, block_s=BLOCK_S),
    ):
        try:
            for due in range(turns // readings, turns + 1, turns // readings):
                row.append(_read(stage, child, _reached(stage, child, due), began))
        finally:
            child.send_signal(signal.SIGTERM)
    assert child.returncode == 0, (stage.folder / "output.log").read_text()[-3_000:]
    return row


def _reached(stage: Stage, child: subprocess.Popen[bytes], due: int) -> int:
    """Wait until `due` turns are taken, and return how many are."""
    log, last = stage.folder / "leverd.log", time.perf_counter()
    newest = taken = 0
    while taken < due:
        assert child.poll() is None, "it ended before its time"
        assert time.perf_counter() - last < PATIENCE_S, f"no turn follows turn {taken}"
        time.sleep(0.05)  # noqa: TID251 -- a test's patience
        taken = _turns(log)
        if taken > newest:
            newest, last = taken, time.perf_counter()
    return taken


def _turns(log: Path) -> int:
    if not log.exists():
        return 0
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - 8_192, 0))
        found = _TURN.findall(file.read())
    return int(found[-1]) if found else 0


def _read(stage: Stage, child: subprocess.Popen[bytes], taken: int, began: int) -> Reading:
    process = psutil.Process(child.pid)
    return Reading(
        taken,
        float(stage.devnet.driver.now - began),
        process.memory_info().rss,
        0,
        process.num_fds(),
        process.num_threads(),
        0,
        journal_bytes(stage.journal),
        log_bytes(stage.folder),
    )
