"""The shared work in leverd and in its peers, side by side, on the same series.

Run: make bench-peers
Each engine runs in a process of its own, one after another, several rounds; a ratio is taken
within its round and the median of them counts, for other work shares the machine. A peer that
cannot be installed or fails is named, and the others go on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from benchmarks.peers.environments import PEERS, ROOT, Peer, installed
from benchmarks.peers.table import BARE, OURS, Compared, rows, run_of, written
from benchmarks.peers.task import Run, Series
from benchmarks.replay import WORKS, Work, history_of
from tests import replays

from leverd.backtest.history.keys import Kind, SeriesKey, Side

PAGE = ROOT / "docs" / "benchmarks.md"
HOURS, MINUTES = 0, 2  # places among the works
PATIENCE_S = 3_600 * 3


def series_of(work: Work) -> Series:
    """Return what the peers are given: the very numbers of the replay's history."""
    history = history_of(work)
    own, owe = (
        history.series_of(SeriesKey(Kind.INDEX, "aave", asset, side)).values.astype(np.int64)
        for asset, side in (("WETH", Side.SUPPLY), ("USDC", Side.BORROW))
    )
    closes = history.bars_of(replays.ETHER).close
    return Series(history.ts + history.bar_s, closes, own, owe)


def ran(python: Path, module: str, *words: str) -> Run | str:
    """Return what an engine told, or why it told nothing."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    found = subprocess.run(
        [python, "-m", module, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
        timeout=PATIENCE_S,
    )
    if found.returncode:
        return (found.stderr.strip().splitlines() or [f"it ended with {found.returncode}"])[-1]
    try:
        return run_of(found.stdout)
    except ValueError as error:
        return str(error)


def ours(engine: str, place: int, work: Work) -> Run:
    """Return our own run; without it there is nothing to compare with."""
    words = engine, str(place), str(work.bars)
    found = ran(Path(sys.executable), "benchmarks.peers.run_ours", *words)
    if isinstance(found, str):
        raise SystemExit(f"{engine}: {found}")
    return found


def compared(
    place: int, work: Work, peers: Sequence[Peer], rounds: int, once: Sequence[str] = ()
) -> Compared:
    """Return the rounds of one work."""
    found: list[Mapping[str, Run]] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "series.npz"
        series_of(work).save(path)
        for number in range(rounds):
            each = {OURS: ours("replay", place, work), BARE: ours("bare", place, work)}
            for peer in peers:
                if number and peer.name in once:
                    continue
                run = ran(peer.python, peer.module, str(path))
                if isinstance(run, str):
                    print(f"{peer.name} failed on {work.name}: {run}", flush=True)
                else:
                    each[peer.name] = run
            found.append(each)
            print(f"{work.name}: round {number + 1} of {rounds}", flush=True)
    return Compared(work.name, found)


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="leverd's replay beside its peers")
    parser.add_argument("--uv", type=Path, default=Path("uv"), help="the uv that installs")
    parser.add_argument("--rounds", type=int, default=3, help="of the hours")
    parser.add_argument("--minute-rounds", type=int, default=3, help="of the year of minutes")
    parser.add_argument(
        "--once", action="append", default=[], help="a slow peer, run in the first round alone"
    )
    parser.add_argument(
        "--minutes-without", action="append", default=[], help="a peer too slow for a year of them"
    )
    parser.add_argument("--bars", type=int, help="at most so many bars, for a first try")
    parser.add_argument("--write", action="store_true", help="write the table into the page")
    return parser.parse_args()


def main() -> None:
    how = asked()
    peers = []
    for peer in PEERS:
        why = installed(peer, how.uv)
        if why is None:
            peers.append(peer)
        else:
            print(f"{peer.name} cannot be installed: {why}", flush=True)
    load = os.getloadavg()[1]
    found = []
    for place, rounds in ((HOURS, how.rounds), (MINUTES, how.minute_rounds)):
        work = WORKS[place]
        if how.bars is not None:
            work = replace(work, name=f"{work.name}, the first {how.bars}", bars=how.bars)
        if rounds:
            left_out = how.minutes_without if place == MINUTES else []
            asked_for = [peer for peer in peers if peer.name not in left_out]
            found.append(compared(place, work, asked_for, rounds, how.once))
    said = f"Load of the machine's {os.cpu_count()} cores: {load:.1f} before, "
    lines = ["", *rows(found), "", f"{said}{os.getloadavg()[1]:.1f} after (mean of 5 minutes)."]
    lines += [f"{each} was not given the year of minutes." for each in how.minutes_without]
    lines += [f"{peer.name} could not be run." for peer in PEERS if not _ran(peer, found)]
    print("\n".join(lines))
    if how.write and how.bars is None:  # a first try is no measurement
        written(PAGE, [*lines, ""])


def _ran(peer: Peer, found: Sequence[Compared]) -> bool:
    return any(peer.name in each for work in found for each in work.rounds)


if __name__ == "__main__":
    main()
