"""One life of a soak in a process of its own, which goes on from where the last one stopped.

`python -m tests.soak.life FOLDER TURNS READINGS [LEAK]`: take TURNS turns on the world kept in
FOLDER, print READINGS readings, and let go of something too little on the way: LEAK says what.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from tests.soak import world
from tests.soak.gauges import Reading, age, read_self

from leverd.domain.tick_math import sqrt_ratio_at_tick

ROOT = Path(__file__).parents[2]
SEED = 8
_CACHED = 8_192  # ticks whose prices are kept
_SELDOM = 20  # turns to one leaked handle or task
_KEPT: list[object] = []


def live(folder: Path, turns: int, *, readings: int, leak: str = "nothing") -> list[Reading]:
    """Return the readings of `turns` further turns in `folder`, taken by a fresh process.

    Raises:
        AssertionError: something went wrong beside growth, and what.
    """
    command = [sys.executable, "-m", "tests.soak.life", str(folder)]
    done = subprocess.run(
        [*command, str(turns), str(readings), leak],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return [Reading(**json.loads(line)) for line in done.stdout.splitlines()]


def main(argv: Sequence[str]) -> int:
    """Live; return 0 if the journal then replays to what was known."""
    folder, turns, readings, leaking = Path(argv[0]), int(argv[1]), int(argv[2]), LEAKS[argv[3]]
    for tick in range(_CACHED):  # a cache of fixed size, which would look like growth
        sqrt_ratio_at_tick(tick)
    every = turns // readings
    stage = world.Soak(folder, SEED, turns)
    last = stage.loop.time()

    def read():
        nonlocal last
        leaking(stage.turns)
        if stage.turns % every == 0:
            now = stage.loop.time()
            age(folder / "logs", now - last)
            last = now
            reading = read_self(stage.turns, now, stage.path, folder / "logs")
            print(json.dumps(asdict(reading)), flush=True)  # noqa: T201 -- for who started us

    stage.each_turn = read
    stage.live()
    print("\n".join(stage.referee.violations), file=sys.stderr)  # noqa: T201 -- as above
    return len(stage.referee.violations)


def _none(_turn):
    """Let go of everything."""


def _bytes(_turn):
    _KEPT.extend((bytes(200), bytes(200)))


def _handles(turn):
    """Leave a handle open and a task waiting, now and then."""
    if turn % _SELDOM == 0:
        os.dup(0)
        _KEPT.append(asyncio.get_running_loop().create_task(asyncio.Event().wait()))


LEAKS = {"nothing": _none, "memory": _bytes, "handles": _handles}


def kinds(folder: Path) -> dict[str, tuple[int, int]]:
    """Return how many entries of each kind the journal holds, and the bytes of their bodies."""
    query = "SELECT kind, count(*), sum(length(body)) FROM events GROUP BY kind"
    with closing(sqlite3.connect(world.journal(folder))) as connection:
        return {kind: (count, taken) for kind, count, taken in connection.execute(query)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
