"""Tuning on what is past and judging by what comes then: only the latter is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from leverd.backtest.history.exact import Floats, Ints
from leverd.backtest.history.words import span
from leverd.backtest.sweep import codes
from leverd.backtest.sweep.blocks import Ground, ground
from leverd.backtest.sweep.checking import Checked, check, sampled, together
from leverd.backtest.sweep.chunk import curve_of, results_of
from leverd.backtest.sweep.configuration import Configurations
from leverd.backtest.sweep.objective import periods_a_year, put_in, returns_of
from leverd.backtest.sweep.outcome import Exact, outcome
from leverd.backtest.sweep.past import Past
from leverd.backtest.sweep.search import Found
from leverd.backtest.sweep.significance import (
    Interval,
    growth_interval,
    moments,
    probabilistic_sharpe,
)
from leverd.errors import SweepError


@dataclass(frozen=True, slots=True)
class Window:
    """Points [first, split) to tune on; [split - 1, last) to be judged by.

    The choice is made at the close of point `split - 1`, where the judged position opens too.
    """

    first: int
    split: int
    last: int


def windows(ts: Ints, train_s: int, test_s: int, *, anchored: bool) -> list[Window]:
    """Return windows whose judged parts follow one another without gap or overlap.

    They roll, or with `anchored` all begin at the first point. What is left over at the end is
    no window.

    Raises:
        SweepError: not one fits.
    """
    found, split_at = [], int(ts[0]) + train_s
    while split_at + test_s <= int(ts[-1]):
        edges = (split_at - train_s, split_at, split_at + test_s)
        first, split, last = (int(each) for each in np.searchsorted(ts, edges, side="right"))
        found.append(Window(0 if anchored else max(first - 1, 0), split, last))
        split_at += test_s
    found = [each for each in found if each.split - each.first > 1 and each.last > each.split]
    if not found:
        raise SweepError(
            f"no window of {span(train_s)} and {span(test_s)} fits into "
            f"{span(int(ts[-1] - ts[0]))}",
            number=codes.WINDOWS,
            remedy="take shorter ones, or a longer history",
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One window: what was chosen in it, and how that went afterwards."""

    window: Window
    since: int  # unix seconds of the choice
    until: int
    chosen: Configurations  # one row
    tuned: float  # its score in sample
    growth: float  # out of sample, fraction
    liquidated: bool  # out of sample
    returns: Floats  # out of sample, a period each, what is left of one at the end another
    excess: Floats  # the same less what the comparison returned


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """All windows, and what the returns out of sample say together."""

    steps: Sequence[Step]
    tried: int  # configurations, over all windows
    checked: Checked  # in all windows, in and out of sample
    growth: float  # of all judged parts, one after the other
    returns: Floats
    interval: Interval | None  # of growth a year
    probability: float  # that the true Sharpe ratio, over the comparison, is above zero


def walk(
    past: Past,
    parts: Sequence[Window],
    against: Callable[[Past], Floats],
    tune: Callable[[int, Ground], Found],
    exact: Exact,
    *,
    seed: int,
) -> Walked:
    """Return how the choices of `tune` (the number of a window, its ground) went.

    `against` is what the comparison returned in each whole period of a past.

    Raises:
        InexactError: what is judged does not agree with `exact`.
    """
    steps, tried, checks = list[Step](), 0, list[Checked]()
    for index, part in enumerate(parts):
        trained = past.between(part.first, part.split, f"{past.name} window {index} in sample")
        found = tune(index, ground(trained, against(trained)))
        tried += found.tried
        judged = past.between(part.split - 1, part.last, f"{past.name} window {index} out of it")
        step, checked = _judged(part, judged, found, against, exact)
        steps.append(step)
        checks += [found.checked, checked]
    returns = np.concatenate([each.returns for each in steps])
    excess = np.concatenate([each.excess for each in steps])
    return Walked(
        steps=steps,
        tried=tried,
        checked=together(checks),
        growth=float(np.prod([1 + each.growth for each in steps]) - 1),
        returns=returns,
        interval=growth_interval(returns, periods_a_year(past), seed=seed),
        probability=probabilistic_sharpe(moments(excess), 0.0),
    )


def _judged(
    part: Window, past: Past, found: Found, against: Callable[[Past], Floats], exact: Exact
) -> tuple[Step, Checked]:
    """Return how the best of `found` went in `past`, and how far from exactly that is."""
    table, seen = found.table[:1], ground(past, against(past))
    results = results_of(table, seen, exact)
    ended = outcome(results[0])
    samples = [np.array([put_in(past)]), curve_of(table, seen, exact)]
    compared = [seen.against]
    left = (len(past) - 1) % past.period
    if left:
        tail = past.between(len(past) - 1 - left, len(past))
        samples.append(np.array([ended.equity]))
        compared.append(against(replace(tail, period=left)))
    returns = returns_of(np.maximum(np.concatenate(samples), 0.0))
    step = Step(
        window=part,
        since=int(past.ts[0]),
        until=int(past.ts[-1]),
        chosen=table,
        tuned=float(found.scores[0]),
        growth=float(np.prod(1 + returns) - 1),
        liquidated=ended.liquidated_at >= 0,
        returns=returns,
        excess=returns - np.concatenate(compared),
    )
    rows = sampled(results, 1)
    return step, check(table[rows], results[rows], seen, exact)
