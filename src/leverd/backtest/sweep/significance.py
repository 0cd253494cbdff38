"""Whether what was found is more than luck.

Sharpe ratios here are a period's, never a year's, unless it is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats

SURE: Final = 0.95
"""Probability from which a Sharpe ratio is called more than luck."""

_RESAMPLES: Final = 2_000
_AT_ONCE: Final = 2_000_000  # returns of resamples, so that memory is bounded
_EULER: Final = 0.5772156649015329
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Moments:
    """What returns look like."""

    count: int
    sharpe: float  # a period
    skew: float
    kurtosis: float  # 3 for normal ones


def moments(returns: Floats) -> Moments:
    """Return the moments of `returns`; of fewer than two, or of equal ones, those of nothing."""
    count = len(returns)
    spread = float(returns.std()) if count > 1 else 0.0
    if spread == 0.0:
        return Moments(count, 0.0, 0.0, 3.0)
    away = (returns - returns.mean()) / spread
    sample = spread * math.sqrt(count / (count - 1))
    third, fourth = float((away**3).mean()), float((away**4).mean())
    return Moments(count, float(returns.mean()) / sample, third, fourth)


def probabilistic_sharpe(of: Moments, benchmark: float) -> float:
    """Return the probability that the true Sharpe ratio is above `benchmark` (a period's).

    Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2)).
    Source: Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier, 2012.
    """
    inside = 1 - of.skew * of.sharpe + (of.kurtosis - 1) / 4 * of.sharpe**2
    if of.count < 2 or inside <= 0:  # noqa: PLR2004 -- one return has no deviation
        return 0.0
    return _NORMAL.cdf((of.sharpe - benchmark) * math.sqrt(of.count - 1) / math.sqrt(inside))


def luckiest_sharpe(variance: float, trials: int) -> float:
    """Return the Sharpe ratio that the best of `trials` worthless ones is expected to show.

    sqrt(V) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))), V the variance of the Sharpe
    ratios over the trials, g Euler's constant. Trials that resemble one another count as fewer,
    so this asks more than it must.
    Source: Bailey and Lopez de Prado, The Deflated Sharpe Ratio, 2014.
    """
    if trials < 2:  # noqa: PLR2004 -- of one, nothing was chosen
        return 0.0
    first = _NORMAL.inv_cdf(1 - 1 / trials)
    second = _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(max(variance, 0.0)) * ((1 - _EULER) * first + _EULER * second)


def deflated_sharpe(of: Moments, variance: float, trials: int) -> float:
    """Return the probability that the best of `trials` is better than luck would have it.

    The probabilistic Sharpe ratio against the luckiest one. Source: as there.
    """
    return probabilistic_sharpe(of, luckiest_sharpe(variance, trials))


@dataclass(frozen=True, slots=True)
class Interval:
    """Growth a year as resampling has it: fractions."""

    low: float
    middle: float
    high: float
    losing: float  # share of the resamples that lost


def growth_interval(
    returns: Floats, periods_a_year: float, *, seed: int, block: float = 0.0, share: float = 0.95
) -> Interval | None:
    """Return the interval of growth a year in which `share` of resampled courses lie.

    The stationary bootstrap: blocks of `block` returns on average (the cube root of their number
    where it is 0) from anywhere, the end joined to the beginning, so that what follows each other
    mostly stays so. None of fewer than two returns.
    Source: Politis and Romano, The Stationary Bootstrap, 1994.
    """
    count = len(returns)
    if count < 2 or periods_a_year <= 0:  # noqa: PLR2004 -- nothing to resample
        return None
    draw = np.random.default_rng(seed)
    length = block or max(count ** (1 / 3), 1.0)
    logs = np.log(np.maximum(1 + returns, 1e-300))
    rows = min(max(_AT_ONCE // count, 1), _RESAMPLES // 10)
    parts = [min(rows, _RESAMPLES - at) for at in range(0, _RESAMPLES, rows)]
    grown = [logs[_indexes(each, count, length, draw)].mean(axis=1) for each in parts]
    yearly = np.expm1(np.minimum(np.concatenate(grown) * periods_a_year, 700.0))
    edges = (1 - share) / 2
    low, middle, high = (float(each) for each in np.quantile(yearly, [edges, 0.5, 1 - edges]))
    return Interval(low, middle, high, float((yearly < 0).mean()))


def _indexes(rows: int, count: int, length: float, draw: np.random.Generator) -> np.ndarray:
    """Return rows of `count` indexes in blocks of geometric length."""
    fresh = draw.random((rows, count)) < 1 / length
    fresh[:, 0] = True
    starts = draw.integers(count, size=(rows, count))
    steps = np.arange(count)
    begun = np.maximum.accumulate(np.where(fresh, steps, 0), axis=1)
    first = np.take_along_axis(starts, begun, axis=1)
    return np.asarray((first + steps - begun) % count)


def of_the_best(deflated: float, luckiest: float, sharpe: float, trials: int) -> str:
    """Return what to say of the best of `trials`, in a sentence; Sharpe ratios a year."""
    if trials < 2:  # noqa: PLR2004 -- as above
        return "Only one configuration was tried: nothing was chosen."
    said = (
        f"The best of {trials:,} shows a Sharpe ratio of {sharpe:.2f}; of as many that are worth"
        f" nothing, the luckiest would show {luckiest:.2f}. That its true one is above that has"
        f" a probability of {deflated:.1%}."
    )
    return said if deflated >= SURE else f"WARNING: the best may be luck. {said}"


def of_the_gone(tried: int) -> str:
    """Return what to say where everything that was tried was liquidated."""
    return f"WARNING: all of {tried:,} were liquidated: none is better than another."


def of_the_unseen(
    interval: Interval | None, probability: float, periods: int, *, over: str = ""
) -> str:
    """Return what to say of returns out of sample, in a sentence.

    `over` is what they are compared to, "" for nothing.
    """
    if interval is None:
        return f"WARNING: {periods} returns out of sample say nothing."
    said = (
        f"Out of sample, growth a year is between {interval.low:.1%} and {interval.high:.1%}"
        f" (95 %); that it earns {f'more than {over}' if over else 'at all'} has a probability of"
        f" {probability:.1%}."
    )
    luck = interval.low < 0 or probability < SURE
    return f"WARNING: what was tuned may earn nothing. {said}" if luck else said
