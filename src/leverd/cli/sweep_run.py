"""A sweep as the command line asks for it: its past, its folder, its engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.replay.setting import past_named
from leverd.backtest.sweep import codes
from leverd.backtest.sweep.bare import bare
from leverd.backtest.sweep.blocks import Ground, ground
from leverd.backtest.sweep.choices import By
from leverd.backtest.sweep.chunk import curve_of
from leverd.backtest.sweep.engine import Engine, local, on_ray
from leverd.backtest.sweep.jit import rooms_digest
from leverd.backtest.sweep.objective import holding, periods_a_year, put_in, returns_of
from leverd.backtest.sweep.outcome import Exact, periods
from leverd.backtest.sweep.past import Past
from leverd.backtest.sweep.recorded import past_of
from leverd.backtest.sweep.replayed import replayed
from leverd.backtest.sweep.search import Found, Keeper, Unkept, Wanted, search
from leverd.backtest.sweep.significance import (
    Moments,
    deflated_sharpe,
    luckiest_sharpe,
    moments,
    of_the_best,
    of_the_gone,
    of_the_unseen,
)
from leverd.backtest.sweep.store import Store, held
from leverd.backtest.sweep.walk_forward import Walked, Window, walk, windows
from leverd.cli.backtest import warn
from leverd.cli.sweep_said import Asked, chosen_of, windows_of
from leverd.errors import SweepError

_DRAW: Final = 1
"""Which of the made-up years `synthetic` is: that of the shipped settings."""
_RETURNS_MIN: Final = 2
_SWEEP: Final = ("backtest.sweep", "backtest.history")
_LIVE: Final = (
    "backtest.replay",
    "adapters.simulated",
    "agents",
    "domain",
    "engine",
    "execution",
    "risk",
)
"""Rooms whose text decides what a run comes to."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What came of it."""

    past: Past
    asked: Asked
    found: Found | None  # of a plain sweep
    walked: Walked | None  # of a walk forward
    luckiest: float  # Sharpe a year
    deflated: float
    sentence: str
    results: str  # where they are, "" if nowhere


def run(asked: Asked, advance: Callable[[int, int], None]) -> Told:
    """Return what came of a sweep.

    Raises:
        LeverdError: something asked for cannot be.
    """
    wide = windows_of(asked)
    recorded = past_named(asked.history, _DRAW)
    warn(recorded)
    chosen = chosen_of(asked, recorded.history)
    past = past_of(recorded.history, chosen)
    _check_returns(periods(past) if wide is None else wide[0] // chosen.period_s, asked.period)
    wanted = Wanted(
        asked.parameters,
        asked.search,
        asked.trials,
        asked.seed,
        asked.objective,
        asked.top,
        asked.sample,
    )
    parts = None if wide is None else windows(past.ts, *wide, anchored=asked.anchored)
    with nullcontext() if asked.out is None else held(asked.out):
        keeper = _keeper(asked, wanted, past, asked.out)
        if parts is None:
            return _swept(asked, wanted, past, keeper, advance)
        return _walked(asked, wanted, past, parts, advance)


def _check_returns(count: int, period: str) -> None:
    """Check that what is tuned on has two returns: one has no deviation, so no Sharpe ratio.

    Raises:
        SweepError: it has not.
    """
    if count < _RETURNS_MIN:
        raise SweepError(
            f"fewer than two returns of {period} are in what is tuned on: no score follows",
            number=codes.PATH,
            place="--period",
            remedy="a shorter one, or a longer history or --walk-forward",
        )


def _swept(
    asked: Asked, wanted: Wanted, past: Past, keeper: Keeper, advance: Callable[[int, int], None]
) -> Told:
    over, exact, engine = ground(past, _against(asked, past)), _exact(asked), _engine(asked)
    found = search(wanted, over, engine, exact, keeper, advance)
    kept = str(keeper.finish(found.chunks)) if isinstance(keeper, Store) else ""
    best = _moments(found, over, exact)
    yearly = periods_a_year(past) ** 0.5
    luckiest = luckiest_sharpe(found.variance, found.tried) * yearly
    deflated = deflated_sharpe(best, found.variance, found.tried)
    said = of_the_best(deflated, luckiest, best.sharpe * yearly, found.tried)
    if found.liquidated == found.tried:
        said = of_the_gone(found.tried)
    return Told(past, asked, found, None, luckiest, deflated, said, kept)


def _walked(
    asked: Asked,
    wanted: Wanted,
    past: Past,
    parts: list[Window],
    advance: Callable[[int, int], None],
) -> Told:
    exact, engine = _exact(asked), _engine(asked)

    def tune(index: int, over: Ground) -> Found:
        folder = None if asked.out is None else asked.out / f"window-{index:04d}"
        keeper = _keeper(asked, wanted, over.past, folder)
        found = search(wanted, over, engine, exact, keeper)
        if isinstance(keeper, Store):
            keeper.finish(found.chunks)
        advance(index + 1, len(parts))
        return found

    walked = walk(past, parts, lambda each: _against(asked, each), tune, exact, seed=asked.seed)
    over = "holding" if asked.hold else ""
    said = of_the_unseen(walked.interval, walked.probability, len(walked.returns), over=over)
    kept = "" if asked.out is None else str(asked.out)
    return Told(past, asked, None, walked, 0.0, 0.0, said, kept)


def _moments(found: Found, over: Ground, exact: Exact) -> Moments:
    """Return those of the best one's returns, less what the comparison returned."""
    curve = np.concatenate([[put_in(over.past)], curve_of(found.table[:1], over, exact)])
    return moments(returns_of(curve) - over.against)


def _keeper(asked: Asked, wanted: Wanted, past: Past, folder: Path | None) -> Keeper:
    if folder is None:
        return Unkept()
    store = Store(folder)
    how = {"hold": asked.hold, "exact": asked.exact.value, "past": past.digest()}
    parts = {"windows": asked.walk_forward, "anchored": asked.anchored}
    store.begin({**wanted.said(), **how, **parts, **_version(asked.exact)})
    return store


def _engine(asked: Asked) -> Engine:
    return local(asked.workers) if asked.ray is None else on_ray(asked.ray)


def _exact(asked: Asked) -> Exact:
    return replayed if asked.exact is By.AGENTS else bare


def _version(by: By) -> Mapping[str, str]:
    """Return what changes when numbers may: the release, and the engines' own text."""
    rooms = _SWEEP if by is By.INTEGERS else (*_SWEEP, *_LIVE)
    return {"leverd": metadata.version("leverd"), "engine": rooms_digest(rooms), "layout": "2"}


def _against(asked: Asked, past: Past) -> Floats:
    return holding(past) if asked.hold else np.zeros(periods(past))
