"""The shared work in leverd's replay, or (`bare`) in the integer loop it is measured against.

Run by `benchmarks.peers.compare`, in a process of its own. The replay's seconds have the whole
journal, curves and metrics in them; the peers' have neither their metrics nor their tables.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from benchmarks.peers.task import resident_mb, told
from benchmarks.replay import WORKS, Work, bare_case, history_of, rules_of
from tests import replays

from leverd.backtest.history.history import History
from leverd.backtest.replay.curves import record_of
from leverd.backtest.replay.replay import Replay
from leverd.backtest.replay.world import World
from leverd.backtest.report.metrics import metrics_of
from leverd.domain import valuation
from leverd.domain.money import USD
from leverd.domain.plan_events import PlanCompleted


def replay(imports_mb: float, work: Work) -> None:
    history, rules = history_of(work), rules_of(work)

    def run() -> tuple[int, float]:
        found = Replay(World(history, replays.MODELS, replays.MANDATE), rules).run()
        metrics_of(record_of(found, rules, "", "").curve)
        acts = len(replays.events(found, PlanCompleted))
        return acts, valuation.equity(found.end) / USD.unit

    told("leverd", imports_mb, work.bars, run)


def bare_loop(imports_mb: float, work: Work) -> None:
    import numpy as np  # noqa: PLC0415 -- beside numba, which the replay does not load

    from leverd.backtest.sweep.bare import bare  # noqa: PLC0415 -- loads numba

    history: History = history_of(work)
    config, past = bare_case(history, work)

    def run() -> tuple[int, float]:
        found = bare(config, past, np.zeros(0)).outcome
        return 1 + int(found.boosts + found.repays), found.equity  # it does not count the opening

    told("bare integer loop", imports_mb, work.bars, run)


def main() -> None:
    imports = resident_mb()
    engine, place, bars = sys.argv[1:]
    work = replace(WORKS[int(place)], bars=int(bars))
    (bare_loop if engine == "bare" else replay)(imports, work)


if __name__ == "__main__":
    main()
