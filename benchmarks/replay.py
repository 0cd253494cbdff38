"""How many bars a second the replay goes through, with the real agents, planner and gate.

Run: python -m benchmarks.replay
The shared work: one looped ETH/USDC position, 10 ETH to 3x, band 2.5-3.5, health floor 1.3,
threshold 0.93, fee 5 bp, exact indexes given, one decision a bar. Full journal, P&L marked round
each act, curves and metrics are in it; imports and the page are not. The reference is the bare
loop in whole numbers on the same past, in the same minute. CPU time, the best of several runs.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
from psutil import Process
from tests import replays

from leverd.backtest.history.history import History
from leverd.backtest.history.keys import Kind, SeriesKey, Side
from leverd.backtest.history.series import Series
from leverd.backtest.replay.curves import record_of
from leverd.backtest.replay.replay import Replay, Rules
from leverd.backtest.replay.world import World
from leverd.backtest.report.metrics import metrics_of
from leverd.domain.events import PortfolioStopped
from leverd.domain.plan_events import PlanCompleted

if TYPE_CHECKING:
    from leverd.backtest.sweep.configuration import Configuration
    from leverd.backtest.sweep.past import Past

RUNS = 3
HOUR_S, MINUTE_S, YEAR_S = 3_600, 60, 31_536_000
SINCE = 1_500_001_200


@dataclass(frozen=True)
class Work:
    name: str
    bars: int
    bar_s: int
    volatility: float
    low: str
    high: str
    goal: float  # bars a second


WORKS = (
    Work("87,600 hours", 87_600, HOUR_S, 0.5, "2.5", "3.5", 1e6),
    Work("87,600 hours, an act every 50", 87_600, HOUR_S, 0.5, "2.79", "3.21", 2e5),
    Work("525,600 minutes", 525_600, MINUTE_S, 0.5, "2.5", "3.5", 1e6),
)


def history_of(work: Work, seed: int = 7) -> History:
    """Return a lognormal price that ends 1.35 times as high a year, and indexes from rates."""
    draw = np.random.default_rng(seed)
    moves = draw.normal(0, work.volatility * (work.bar_s / YEAR_S) ** 0.5, work.bars)
    moves += np.log(1.35) * work.bar_s / YEAR_S - moves.mean()
    closes = np.rint(2_000e8 * np.exp(np.cumsum(moves))).astype(np.int64)
    ts = SINCE + work.bar_s * np.arange(work.bars, dtype=np.int64)
    series = {}
    for asset, rate in (("WETH", 0.02), ("USDC", 0.05)):
        for side in (Side.SUPPLY, Side.BORROW):
            hourly = rate * work.bar_s / YEAR_S * draw.uniform(0.5, 1.5, work.bars)
            grown = np.cumprod(1 + hourly) * 1e9
            index = np.stack([np.floor(grown), (grown % 1) * 1e18], axis=1).astype(np.int64)
            key = SeriesKey(Kind.INDEX, "aave", asset, side)
            series[key] = Series(key, ts + work.bar_s, index)
    return History(work.bar_s, ts, {replays.ETHER: replays.flat(closes)}, series)


def rules_of(work: Work) -> Rules:
    loop = replays.LOOP.model_copy(
        update={"boost_below": Decimal(work.low), "repay_above": Decimal(work.high)}
    )
    kept_to_the_end = replace(replays.LIMITS, portfolio_stop=Decimal(1))  # it loses nearly all
    found: Rules = replays.rules(loop, guardian=None, limits=kept_to_the_end)
    return found


def replayed(history: History, rules: Rules) -> tuple[float, int, int]:
    """Return CPU seconds of a run with curves and metrics, its acts and its looks."""
    began = process_time()
    found = Replay(World(history, replays.MODELS, replays.MANDATE), rules).run()
    record = record_of(found, rules, "", "")
    metrics_of(record.curve)
    seconds = process_time() - began
    assert not replays.events(found, PortfolioStopped), "the rest would be no work"
    return seconds, len(replays.events(found, PlanCompleted)), found.looks


def bare_case(history: History, work: Work) -> tuple[Configuration, Past]:
    """Return what the bare loop is given: the same work on the same past."""
    from leverd.backtest.sweep.configuration import Configuration  # noqa: PLC0415 -- loads numba
    from leverd.backtest.sweep.past import Past  # noqa: PLC0415 -- loads numba

    series = [
        history.series_of(SeriesKey(Kind.INDEX, "aave", asset, side)).values.astype(np.int64)
        for asset, side in (("WETH", Side.SUPPLY), ("USDC", Side.BORROW))
    ]
    closes = history.bars_of(replays.ETHER).close
    past = Past(
        ts=history.ts,
        collateral_price=closes,
        debt_price=np.full(len(closes), 10**8, dtype=np.int64),
        supply_index=series[0],
        borrow_index=series[1],
        collateral_decimals=18,
        debt_decimals=6,
        amount=10 * 10**18,
    )
    billion = 10**9
    low, high = (int(Decimal(each) * billion) for each in (work.low, work.high))
    config = Configuration(3 * billion, low, high, 13 * billion // 10, 0, 0, 500, 9_300, 0, 0)
    return config, past


def bared(history: History, work: Work) -> float:
    """Return CPU seconds of the bare loop; it is imported here, for numba would count as ours."""
    from leverd.backtest.sweep.bare import bare  # noqa: PLC0415 -- loads numba

    config, past = bare_case(history, work)
    began = process_time()
    bare(config, past, np.zeros(0))
    return process_time() - began


def main() -> None:
    print("| work | acts | looks | bars a CPU second | goal | bare loop | ratio |")
    print("|---|---|---|---|---|---|---|")
    for work in WORKS:
        history, rules = history_of(work), rules_of(work)
        replayed(history, rules)  # caches of the rooms
        fast, slow = [], []
        for _ in range(RUNS):
            fast.append(replayed(history, rules))
            slow.append(bared(history, work))
        seconds, acts, looks = min(fast)
        speed, bare_speed = work.bars / seconds, work.bars / min(slow)
        print(
            f"| {work.name} | {acts} | {looks} | {speed:,.0f} | {work.goal:,.0f} | "
            f"{bare_speed:,.0f} | {speed / bare_speed:.2f} |"
        )
    whole, imports = peak_mb()
    print(f"\nPeak of the year of minutes: {whole:.0f} MB, {imports:.0f} MB of it imports")


def peak_mb() -> tuple[float, float]:
    """Return the peak of a process of its own, and what it held before the history was made."""
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.replay", "--peak"],
        check=True,
        capture_output=True,
        text=True,
    )
    whole, imports = found.stdout.split()
    return float(whole), float(imports)


def peak() -> None:
    work = WORKS[-1]
    before = Process().memory_info().rss / 2**20
    replayed(history_of(work), rules_of(work))
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    highest = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    print(int(highest) / 1024, before)


if __name__ == "__main__":
    peak() if "--peak" in sys.argv else main()
