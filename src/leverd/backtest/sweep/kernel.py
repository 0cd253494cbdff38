"""The levered loop over many configurations, a past walked in blocks of points.

The models, the same as in `bare`, which is exact:

* One decision a point, at its close, after price and indexes have moved. Nothing happens
  between points.
* The position is one collateral against one debt. It opens at the first point at the target.
  Health below 1 is liquidated before anything else. Then leverage above the band or health
  below the floor goes back to the target (or to the health floor, if that is less), health
  below the guardian's trigger to the guardian's goal, the lower goal wins; else leverage below
  the band boosts to the target. Target is the leverage after the costs of getting there.
* Each act is one swap at the oracle price in a constant product pool that has `depth` USD on
  each side and stands at that price again at each point; the fee is taken from what is put in.
  A pool too shallow for the goal is sold what makes health highest; that, and a swap that
  loses half to price impact, is counted as `shallow`: no agent would do it.
  Without a depth the swap has no price impact.
* An act costs `gas` USD, paid from beside the position and out of its equity.
* Indexes are given, and not moved by us. No cap, no limit of what may be borrowed, no delay.
* Liquidation takes all of the debt and the bonus on it; what is left stays as money.
* At each act and wherever a number is told, amounts are whole units and values whole 1e-8 USD,
  rounded as Aave from 3.5 on: what is owned down, what is owed up.

What is seen between acts is float64, what is done at one is counted in `acts` as `bare` counts.
Between acts leverage and health depend on one number, the price of scaled collateral in scaled
debt, so a block of points whose extremes lie inside the band is passed without a look at its
points. Multiplying and subtracting round monotonically: passing gives the same bits as looking.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep.acts import boosted, owed, owned, repaid
from leverd.backtest.sweep.jit import compiled
from leverd.backtest.sweep.lanes import (
    A_HIGH,
    A_LOW,
    B_HIGH,
    B_LOW,
    BI,
    BONUS,
    FAR,
    M_AT,
    M_HIGH,
    M_LOW,
    NEAR,
    PC,
    PD,
    PERIOD,
    PUT_IN,
    PUT_IN_LOW,
    SI,
    SI_LOW,
    UNIT_C,
    UNIT_D,
    A,
    B,
    M,
)
from leverd.backtest.sweep.twofold import Two, added, down, less, over, parted, scaled

# Columns of `configuration.floats`, after those of `acts`. An edge is what M is there, over
# scaled debt / scaled supply.
THRESHOLD: Final = 1  # fraction
GAS: Final = 4  # USD 1e-8
BOOST_EDGE: Final = 5
DOWN_EDGE: Final = 6  # the highest of the four that follow
EDGES: Final = 7  # of liquidation, band, floor, guardian
GOALS: Final = 11  # leverage (1e-9) beyond each; zero is liquidation
TARGET: Final = 12

# What is known at a point: one row of numbers, so that functions can share it.
SUPPLY: Final = 0  # scaled raw units
DEBT: Final = 1
CASH: Final = 2  # USD 1e-8: gas paid, below zero; or what a liquidation left
LOW_EDGE: Final = 3  # M below which something must be done
HIGH_EDGE: Final = 4
PEAK: Final = 5  # of equity
TROUGH: Final = 6  # equity below which the drawdown grows
DRAWDOWN: Final = 7
LOWEST: Final = 8  # M since the last act
LOWEST_AT: Final = 9
HIGHEST: Final = 10
HEALTH: Final = 11
HEALTH_AT: Final = 12
EDGE: Final = 13
GRAIN: Final = 14  # share of the balances that a unit of rounding is
GRAIN_MAX: Final = 15  # largest share of equity that a unit was
BOOSTS: Final = 16
REPAYS: Final = 17
FEES: Final = 18
IMPACT: Final = 19
SHALLOW: Final = 20
SAMPLED: Final = 21  # periods
BEFORE: Final = 22  # equity at the last sample
GAINED: Final = 23  # the returns' sum
SQUARES: Final = 24  # and that of their squares
LIQUIDATED_AT: Final = 25
SUPPLY_LOW: Final = 26  # what of it a float does not hold
DEBT_LOW: Final = 27
STATE: Final = 28

_floor: Callable[[float], float] = np.floor  # to a float
_ceil: Callable[[float], float] = np.ceil
_USD: Final = 1e8
_BPS: Final = 1e4
_SAFE: Final = 1e-9  # far more than floats are off, far less than matters to a short cut


@compiled
def _draw(s: Floats, equity: float) -> None:
    """Take note of `equity` for the peak and the drawdown from it."""
    if equity > s[PEAK]:
        s[PEAK] = equity
        s[TROUGH] = equity * (1.0 - s[DRAWDOWN])
    elif equity < s[TROUGH]:
        s[DRAWDOWN] = (s[PEAK] - equity) / s[PEAK]
        s[TROUGH] = equity


@compiled
def _values(s: Floats, points: Floats, terms: Floats, t: int) -> tuple[Two, Two]:
    """Return what is owned and what is owed at point `t`, whole USD 1e-8."""
    supply, debt = (s[SUPPLY], s[SUPPLY_LOW]), (s[DEBT], s[DEBT_LOW])
    return owned(supply, points, terms, t), owed(debt, points, terms, t)


@compiled
def _feel(s: Floats, points: Floats, terms: Floats, t: int, threshold: float) -> None:
    """Take note of the health at point `t`, if it is the lowest or close to it."""
    if points[M, t] * s[SUPPLY] * threshold > s[HEALTH] * s[DEBT] * (1.0 + 2.0 * s[GRAIN] + _SAFE):
        return
    own = _floor(s[SUPPLY] * points[SI, t]) * points[PC, t] / terms[UNIT_C]
    owe = _ceil(s[DEBT] * points[BI, t]) * points[PD, t] / terms[UNIT_D]
    health = _floor(own) * threshold / _ceil(owe)
    if health < s[HEALTH]:
        s[HEALTH], s[HEALTH_AT] = health, t


@compiled
def _near(s: Floats, value: float, edge: float) -> None:
    """Take note of how far `value` was from `edge`, where a decision would be another one."""
    if abs(value - edge) < (s[EDGE] + s[GRAIN]) * edge:
        s[EDGE] = max(abs(value / edge - 1.0) - s[GRAIN], 0.0)


@compiled
def _settle(s: Floats, points: Floats, terms: Floats, threshold: float) -> None:
    """Take note of the extremes since the last act."""
    if s[HIGHEST] > 0.0:
        _feel(s, points, terms, int(s[LOWEST_AT]), threshold)
        _near(s, s[LOWEST], s[LOW_EDGE])
        _near(s, s[HIGHEST], s[HIGH_EDGE])
    s[LOWEST], s[HIGHEST] = np.inf, 0.0


@compiled
def _sample(s: Floats, samples: Floats, until: int, curve: Floats) -> None:
    """Take note of the returns of each period that ends before period `until`."""
    supply, debt, cash, before = s[SUPPLY], s[DEBT], s[CASH], s[BEFORE]
    gains, squares, first = s[GAINED], s[SQUARES], int(s[SAMPLED])
    for index in range(first, until):
        equity = supply * samples[0, index] - debt * samples[1, index] + cash
        gained = (equity / before - 1.0 if before > 0.0 else 0.0) - samples[2, index]
        gains += gained
        squares += gained * gained
        before = equity
        if index < curve.shape[0]:
            curve[index] = equity / _USD
    s[BEFORE], s[GAINED], s[SQUARES], s[SAMPLED] = before, gains, squares, max(first, until)


@compiled
def _pass(s: Floats, blocks: Floats, k: int) -> bool:
    """Return whether block `k` holds no act, no new peak and no deeper drawdown.

    If so its extremes are taken note of.
    """
    if not (blocks[M_LOW, k] >= s[LOW_EDGE] and blocks[M_HIGH, k] <= s[HIGH_EDGE]):
        return False
    if not _still(s, blocks, k):
        return False
    if blocks[M_LOW, k] < s[LOWEST]:
        s[LOWEST], s[LOWEST_AT] = blocks[M_LOW, k], blocks[M_AT, k]
    s[HIGHEST] = max(s[HIGHEST], blocks[M_HIGH, k])
    return True


@compiled
def _still(s: Floats, blocks: Floats, k: int) -> bool:
    """Return whether equity in block `k` can neither reach the peak nor deepen the drawdown."""
    most = s[SUPPLY] * blocks[A_HIGH, k] - s[DEBT] * blocks[B_LOW, k] + s[CASH]
    least = s[SUPPLY] * blocks[A_LOW, k] - s[DEBT] * blocks[B_HIGH, k] + s[CASH]
    return bool(most <= s[PEAK] and least >= s[TROUGH])


@compiled
def _look(s: Floats, points: Floats, t: int, last: int) -> int:
    """Return the first point of [t, last) at which something must be done, `last` if none."""
    low, high = s[LOW_EDGE], s[HIGH_EDGE]
    supply, debt, cash = s[SUPPLY], s[DEBT], s[CASH]
    lowest, lowest_at, highest = s[LOWEST], -1, s[HIGHEST]
    peak, trough = s[PEAK], s[TROUGH]
    ms, own, owe = points[M, t:last], points[A, t:last], points[B, t:last]
    found = last
    for i in range(last - t):
        m = ms[i]
        if m < low or m > high:
            found = t + i
            break
        if m < lowest:
            lowest, lowest_at = m, i
        if m > highest:  # noqa: PLR1730 -- a branch that is seldom taken; max would wait each time
            highest = m
        equity = supply * own[i] - debt * owe[i] + cash
        if equity > peak or equity < trough:
            _draw(s, equity)
            peak, trough = s[PEAK], s[TROUGH]
    if lowest_at >= 0:
        s[LOWEST], s[LOWEST_AT] = lowest, t + lowest_at
    s[HIGHEST] = highest
    return found


@compiled
def _scan(s: Floats, points: Floats, near: Floats, far: Floats, t: int) -> int:
    """Return the first point from `t` on at which something must be done, their number if none."""
    count = int(points.shape[1])
    while t < count:
        k = t // FAR
        if t == k * FAR and k < far.shape[1] and _pass(s, far, k):
            t += FAR
            continue
        k = t // NEAR
        if t == k * NEAR and k < near.shape[1] and _pass(s, near, k):
            t += NEAR
            continue
        last = min((k + 1) * NEAR, count)
        t = _look(s, points, t, last)
        if t < last:
            return t
    return count


@compiled
def _goal(s: Floats, m: float, config: Floats) -> float:
    """Return the leverage to go down to at `m`; infinite if up, zero if it is liquidated."""
    owing, goal = s[DEBT] / s[SUPPLY], np.inf
    for each in range(4):
        edge = owing * config[EDGES + each]
        _near(s, m, edge)
        if m < edge:
            goal = min(goal, config[GOALS + each])
    return goal


@compiled
def _place(s: Floats, points: Floats, terms: Floats, t: int, config: Floats) -> None:
    """Work out what follows from a new position: its edges and its grain."""
    owing = s[DEBT] / s[SUPPLY]
    s[LOW_EDGE], s[HIGH_EDGE] = owing * config[DOWN_EDGE], owing * config[BOOST_EDGE]
    unit = points[PC, t] / terms[UNIT_C] + 1.0  # what rounding takes, USD 1e-8
    unit_d = points[PD, t] / terms[UNIT_D] + 1.0
    own, owe = s[SUPPLY] * points[A, t], s[DEBT] * points[B, t]
    s[GRAIN] = unit / own + unit_d / owe
    s[GRAIN_MAX] = max(s[GRAIN_MAX], (unit + unit_d) / (own - owe))


@compiled
def _acted(s: Floats, points: Floats, terms: Floats, t: int, config: Floats, goal: float) -> bool:
    """Return whether going to `goal` (infinite: up to the target) did anything; do it."""
    supply, debt = (s[SUPPLY], s[SUPPLY_LOW]), (s[DEBT], s[DEBT_LOW])
    if goal == np.inf:
        done = boosted(supply, debt, points, terms, t, config, config[TARGET])
    else:
        done = repaid(supply, debt, points, terms, t, config, goal)
    s[EDGE] = min(s[EDGE], max(done[4], 0.0))
    s[SHALLOW] += done[5]
    if done[1] == debt:
        return False
    s[SUPPLY], s[SUPPLY_LOW] = done[0]
    s[DEBT], s[DEBT_LOW] = done[1]
    s[FEES] += done[2]
    s[IMPACT] += done[3]
    s[CASH] -= config[GAS]
    _place(s, points, terms, t, config)
    return True


@compiled
def _liquidate(s: Floats, points: Floats, terms: Floats, t: int) -> None:
    """Have a liquidator take the debt and its bonus; what is left is money."""
    own, owe = _values(s, points, terms, t)
    taken = added(owe, down(parted(scaled(owe, terms[BONUS]), _BPS)))
    s[CASH] += max(less(own, taken)[0], 0.0)
    s[SUPPLY], s[SUPPLY_LOW], s[DEBT], s[DEBT_LOW] = 0.0, 0.0, 0.0, 0.0
    s[LIQUIDATED_AT] = t
    _draw(s, s[CASH])


@compiled
def _run(
    s: Floats,
    points: Floats,
    near: Floats,
    far: Floats,
    samples: Floats,
    terms: Floats,
    config: Floats,
    curve: Floats,
) -> None:
    """Walk one configuration through the past, from the opening to the end in `s`."""
    count, period = points.shape[1], int(terms[PERIOD])
    threshold = config[THRESHOLD]
    s[:] = 0.0
    s[HEALTH], s[LOWEST], s[EDGE], s[LIQUIDATED_AT] = np.inf, np.inf, np.inf, -1.0
    index = points[SI, 0], points[SI_LOW, 0]
    s[SUPPLY], s[SUPPLY_LOW] = down(over((terms[PUT_IN], terms[PUT_IN_LOW]), index))
    s[BEFORE] = s[PEAK] = s[TROUGH] = _values(s, points, terms, 0)[0][0]
    _acted(s, points, terms, 0, config, np.inf)
    _feel(s, points, terms, 0, threshold)
    _draw(s, s[SUPPLY] * points[A, 0] - s[DEBT] * points[B, 0] + s[CASH])
    t = _scan(s, points, near, far, 1)
    while t < count:
        _sample(s, samples, (t - 1) // period, curve)
        _settle(s, points, terms, threshold)
        _feel(s, points, terms, t, threshold)
        goal = _goal(s, points[M, t], config)
        if goal == 0.0:
            _liquidate(s, points, terms, t)
            break
        if _acted(s, points, terms, t, config, goal):
            s[BOOSTS if goal == np.inf else REPAYS] += 1.0
            _feel(s, points, terms, t, threshold)
        _draw(s, s[SUPPLY] * points[A, t] - s[DEBT] * points[B, t] + s[CASH])
        t = _scan(s, points, near, far, t + 1)
    _settle(s, points, terms, threshold)
    _sample(s, samples, samples.shape[1], curve)


@compiled
def sweep(
    points: Floats,
    near: Floats,
    far: Floats,
    samples: Floats,
    terms: Floats,
    configs: Floats,
    curve: Floats,
    out: Floats,
) -> None:
    """Write the outcome of each row of `configs` into the row of `out`, columns as `Outcome`.

    The first five are the fields of `Lanes`. `curve` gets the equity at the end of each period
    of the last configuration, as far as it has room.
    """
    s, last = np.empty(STATE), points.shape[1] - 1
    for each in range(configs.shape[0]):
        _run(s, points, near, far, samples, terms, configs[each], curve)
        own, owe = _values(s, points, terms, last)
        equity = less(own, owe)[0] + s[CASH]
        mean = s[GAINED] / max(s[SAMPLED], 1.0)
        spread = (s[SQUARES] - mean * s[GAINED]) / max(s[SAMPLED] - 1.0, 1.0)
        out[each, 0], out[each, 1], out[each, 2] = equity / _USD, s[HEALTH], s[HEALTH_AT]
        out[each, 3], out[each, 4] = s[BOOSTS], s[REPAYS]
        out[each, 5], out[each, 6], out[each, 7] = s[FEES] / _USD, s[IMPACT] / _USD, s[SHALLOW]
        out[each, 8], out[each, 9], out[each, 10] = s[DRAWDOWN], s[LIQUIDATED_AT], s[EDGE]
        out[each, 11], out[each, 12] = s[GRAIN_MAX], mean
        out[each, 13] = math.sqrt(max(spread, 0.0))
