"""How many bars of how many configurations a second a sweep walks, on one core.

Run: python -m benchmarks.sweep
The work is one looped ETH/USDC position, 10 ETH to 3x, band 2.5-3.5, health floor 1.3,
threshold 0.93, fee 5 bp, indexes given; each configuration's target is a little different. The
reference is the bare loop in whole numbers, on the same past in the same minute: first it, then
the kernel, then both again. CPU time of this process, the best of several runs each.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np
from tests.unit.sweep.pasts import PLAIN

from leverd.backtest.sweep.agreement import TOLERANCE, disagreement
from leverd.backtest.sweep.bare import bare
from leverd.backtest.sweep.configuration import USD, Configuration, floats, rows
from leverd.backtest.sweep.kernel import sweep
from leverd.backtest.sweep.lanes import Lanes, lanes_of
from leverd.backtest.sweep.outcome import COLUMNS, Outcome, outcome, periods
from leverd.backtest.sweep.past import Past

RUNS = 5
GOAL = 300e6  # bar-configurations a second
GOAL_MB = 300
YEAR_S = 31_536_000
BUSY = replace(PLAIN, band_low=2_800_000_000, band_high=3_200_000_000)


@dataclass(frozen=True)
class Work:
    name: str
    config: Configuration
    past: Past
    count: int  # of configurations


@dataclass(frozen=True)
class Measured:
    fast: float  # bar-configurations a CPU second
    slow: float  # bars a CPU second, of the reference
    between: float  # bars between two acts
    worst: float  # largest relative difference of the end, of those that are compared


def past(bars: int, bar_s: int, *, seed: int = 7, volatility: float = 0.5) -> Past:
    """Return a lognormal price that ends 1.35 times as high a year, and indexes from rates.

    Without the rise three times the volatility would leave cents after ten years, in which
    the units of the assets are all one would compare.
    """
    draw = np.random.default_rng(seed)
    moves = draw.normal(0, volatility * (bar_s / YEAR_S) ** 0.5, bars)
    moves += np.log(1.35) * bar_s / YEAR_S - moves.mean()
    indexes = []
    for rate in (0.02, 0.05):
        grown = np.cumprod(1 + rate * bar_s / YEAR_S * draw.uniform(0.5, 1.5, bars)) * 1e9
        parts = (np.floor(grown), (grown % 1) * 1e18)
        indexes.append(np.stack(parts, axis=1).astype(np.int64))
    return Past(
        ts=np.arange(1, bars + 1, dtype=np.int64) * bar_s,
        collateral_price=np.rint(2_000 * np.exp(np.cumsum(moves)) * USD).astype(np.int64),
        debt_price=np.full(bars, USD, dtype=np.int64),
        supply_index=indexes[0],
        borrow_index=indexes[1],
        collateral_decimals=18,
        debt_decimals=6,
        amount=10 * 10**18,
        period=86_400 // bar_s,
    )


def spread_out(config: Configuration, count: int) -> list[Configuration]:
    """Return `count` configurations whose targets differ."""
    return [replace(config, target=config.target + index * 10**4) for index in range(count)]


def seconds(act: Callable[[], object]) -> float:
    began = process_time()
    act()
    return process_time() - began


def measured(work: Work) -> Measured:
    """Return both speeds, and how far the ends are apart."""
    against = np.zeros(periods(work.past))
    lanes, chosen = lanes_of(work.past, against), spread_out(work.config, work.count)
    out = np.empty((work.count, len(COLUMNS)))
    exact = bare(chosen[0], work.past, against).outcome
    table = floats(rows(chosen))
    fast, slow = [], []
    for _ in range(RUNS):
        slow.append(seconds(lambda: bare(chosen[0], work.past, against)))
        fast.append(seconds(lambda: run(lanes, table, out)))
    found = outcome(out[0])
    said = disagreement(found, exact, exact.equity)
    assert found.edge < TOLERANCE or said == "", said
    return Measured(
        fast=work.count * len(work.past) / min(fast),
        slow=len(work.past) / min(slow),
        between=len(work.past) / max(found.boosts + found.repays, 1),
        worst=_apart(found, exact),
    )


def run(lanes: Lanes, table: np.ndarray, out: np.ndarray) -> None:
    sweep(*lanes, table, np.empty(0), out)


def _apart(ours: Outcome, theirs: Outcome) -> float:
    return abs(ours.equity / theirs.equity - 1)


def alone() -> int:
    """Sweep a year of minutes in a process that does nothing else; print the kilobytes it held."""
    work = Work("", PLAIN, past(525_600, 60), 1_000)
    lanes = lanes_of(work.past, np.zeros(periods(work.past)))
    table = floats(rows(spread_out(work.config, work.count)))
    run(lanes, table, np.empty((work.count, len(COLUMNS))))
    status = Path("/proc/self/status").read_text("ascii")
    print(status.partition("VmHWM:")[2].split()[0])
    return 0


def megabytes() -> float:
    """Return the most that such a process holds, as it says itself: ours would be inherited."""
    command = [sys.executable, "-m", "benchmarks.sweep", "alone"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(said) / 1024


def main() -> int:
    """Print the table; return 1 if the shared work misses a goal."""
    works = [
        Work("hours, ten years", PLAIN, past(87_600, 3_600), 2_000),
        Work("hours, ten years, busy", BUSY, past(87_600, 3_600), 500),
        Work("minutes, one year", PLAIN, past(525_600, 60), 1_000),
    ]
    warm = past(2_000, 3_600)
    run(lanes_of(warm, np.zeros(periods(warm))), floats(rows([PLAIN])), np.empty((1, len(COLUMNS))))
    print("| work | bars between acts | M bar-configs/s | bare loop M bars/s | ratio | apart |")
    print("|---|---|---|---|---|---|")
    results = []
    for work in works:
        found = measured(work)
        results.append(found)
        print(
            f"| {work.name} | {found.between:,.0f} | {found.fast / 1e6:,.0f} |"
            f" {found.slow / 1e6:.2f} | {found.fast / found.slow:,.0f} | {found.worst:.0e} |"
        )
    held = megabytes()
    print(f"\npeak memory of 1,000 configurations over a year of minutes: {held:.0f} MB")
    print(f"goals: {GOAL / 1e6:.0f} M bar-configs/s on one core, {GOAL_MB} MB")
    return 0 if results[0].fast >= GOAL and held <= GOAL_MB else 1


if __name__ == "__main__":
    sys.exit(alone() if sys.argv[1:] == ["alone"] else main())
