"""The levered loop of one configuration, point by point, in whole numbers: the reference.

The models are those that `kernel` states. Values are USD 1e-8, indexes ray, ratios 1e-9,
amounts raw; every division says which way it rounds by its form: `//` down, `-(-x // y)` up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isqrt

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep.configuration import (
    BPS,
    PIPS,
    RATIO,
    USD,
    Configuration,
    goals,
    rows,
)
from leverd.backtest.sweep.outcome import Outcome, Truth
from leverd.backtest.sweep.past import Past
from leverd.domain.fixed_point import RAY


@dataclass(slots=True)
class Position:
    """One configuration's position at one point, and what it has met."""

    config: Configuration
    floor_goal: int  # leverage, 1e-9
    guardian_goal: int
    collateral_unit: int
    debt_unit: int
    supply: int = 0  # scaled
    debt: int = 0  # scaled
    cash: int = 0  # USD 1e-8: gas paid, below zero; or what a liquidation left
    boosts: int = 0
    repays: int = 0
    fees: int = 0
    impact: int = 0
    shallow: int = 0
    own: int = 0  # price of the collateral, USD 1e-8
    owe: int = 0  # price of the debt
    supply_index: int = RAY
    borrow_index: int = RAY

    def see(self, point: tuple[int, int, int, int]) -> None:
        """Take a point's prices and indexes."""
        self.own, self.owe, self.supply_index, self.borrow_index = point

    def owned(self) -> int:
        """Return the value of the collateral, down."""
        return self.supply * self.supply_index // RAY * self.own // self.collateral_unit

    def owed(self) -> int:
        """Return the value of the debt, up."""
        raw = -(-self.debt * self.borrow_index // RAY)
        return -(-raw * self.owe // self.debt_unit)

    def boost(self, goal: int) -> bool:
        """Return whether borrowing, buying and supplying up to `goal` did anything; do it."""
        value = self._to_borrow(goal)
        sold = value * self.debt_unit // self.owe
        if not sold:
            return False
        bought = self._swapped(sold, self.owe, self.debt_unit, self.own, self.collateral_unit)
        paid, got = sold * self.owe // self.debt_unit, bought * self.own // self.collateral_unit
        self.shallow += self._pay(paid, got)
        self.supply += bought * RAY // self.supply_index
        self.debt += -(-sold * RAY // self.borrow_index)
        return True

    def repay(self, goal: int) -> bool:
        """Return whether withdrawing, selling and repaying down to `goal` did anything; do it."""
        value, shallow = self._to_sell(goal)
        held = self.supply * self.supply_index // RAY
        sold = min(value * self.collateral_unit // self.own, held)
        if not sold:
            self.shallow += shallow
            return False
        bought = self._swapped(sold, self.own, self.collateral_unit, self.owe, self.debt_unit)
        back = min(bought, -(-self.debt * self.borrow_index // RAY))
        paid, got = sold * self.own // self.collateral_unit, bought * self.owe // self.debt_unit
        self.shallow += self._pay(paid, got) or shallow
        self.supply -= min(-(-sold * RAY // self.supply_index), self.supply)
        self.debt -= min(back * RAY // self.borrow_index, self.debt)
        return True

    def _to_borrow(self, goal: int) -> int:
        """Return what to borrow (USD 1e-8) so that leverage after the swap is `goal`.

        Buying q for b gives (owned + q) = goal (equity + q - b), and with the pool
        q = k b d / (d + k b), k = 1 - fee, d its depth: a quadratic in b.
        """
        owned, fee, depth = self.owned(), self.config.fee, self.config.depth
        short = goal * (owned - self.owed()) - RATIO * owned
        plain = RATIO * PIPS + fee * (goal - RATIO)
        if short <= 0 or not depth:
            return max(short, 0) * PIPS // plain
        keep = PIPS - fee
        slope = depth * plain - short * keep
        square = slope * slope + 4 * goal * keep * short * PIPS * depth
        return (isqrt(square) - slope) // (2 * goal * keep)

    def _to_sell(self, goal: int) -> tuple[int, bool]:
        """Return what to sell (USD 1e-8) so that leverage is `goal`, or health highest.

        And whether the latter: the pool is too shallow for the goal.
        """
        owned, fee, depth = self.owned(), self.config.fee, self.config.depth
        excess = RATIO * owned - goal * (owned - self.owed())
        plain = RATIO * PIPS - goal * fee
        if excess <= 0 or (not depth and plain <= 0):
            return 0, False
        if not depth:
            return excess * PIPS // plain, False
        keep, curve = PIPS - fee, (goal - RATIO) * (PIPS - fee)
        slope = depth * plain - excess * keep
        inside = slope * slope - 4 * curve * excess * PIPS * depth
        if slope > 0 and inside >= 0:
            return (slope - isqrt(inside)) // (2 * curve), False
        # Health is (owned - x) / (owed - q); with z = d + k x it is highest where
        # (owed - d) z^2 + 2 d^2 z = d^2 (d + k owned).
        reach = keep * owned + PIPS * depth
        inside = PIPS * (PIPS * depth * depth + (self.owed() - depth) * reach)
        after = depth * reach // (PIPS * depth + isqrt(max(inside, 0)))
        return max(after - depth, 0) * PIPS // keep, True

    def _swapped(self, sold: int, price: int, unit: int, price_out: int, unit_out: int) -> int:
        """Return what `sold` raw units buy in the pool as it stands at the oracle's price."""
        net, depth = sold * (PIPS - self.config.fee), self.config.depth
        if not depth:
            return net * price * unit_out // (PIPS * price_out * unit)
        reserve, reserve_out = depth * unit // price, depth * unit_out // price_out
        return net * reserve_out // (reserve * PIPS + net)

    def _pay(self, paid: int, got: int) -> bool:
        """Return whether price impact took more than half; take note of what a swap costs."""
        fee = paid * self.config.fee // PIPS
        impact = paid - fee - got
        self.fees += fee
        self.impact += impact
        self.cash -= self.config.gas
        return 2 * impact > paid

    def act(self, owned: int, owed: int) -> bool:
        """Return whether the position is still there after what this point asks for."""
        config, goals_here = self.config, []
        weighted = owned * config.threshold
        if weighted < owed * BPS:
            return False
        if RATIO * owned > config.band_high * (owned - owed):
            goals_here.append(config.target)
        if weighted * RATIO < config.health_floor * owed * BPS:
            goals_here.append(self.floor_goal)
        if weighted * RATIO < config.guardian_below * owed * BPS:
            goals_here.append(self.guardian_goal)
        if goals_here:
            self.repays += self.repay(min(goals_here))
        elif RATIO * owned < config.band_low * (owned - owed):
            self.boosts += self.boost(config.target)
        return True

    def liquidate(self, owned: int, owed: int, bonus: int) -> None:
        """Have a liquidator take the debt and the bonus on it (bps)."""
        self.cash += max(owned - owed - owed * bonus // BPS, 0)
        self.supply = self.debt = 0


@dataclass(slots=True)
class _Course:
    """What a run met, from values at its points."""

    peak: int
    health: tuple[int, int] = (1, 0)  # lowest, as owned over owed
    health_at: int = -1
    fall: tuple[int, int] = (0, 1)  # drawdown, as a fraction
    samples: list[int] = field(default_factory=list)

    def feel(self, owned: int, owed: int, at: int) -> None:
        if owed and (not self.health[1] or owned * self.health[1] < self.health[0] * owed):
            self.health, self.health_at = (owned, owed), at

    def draw(self, equity: int) -> None:
        if equity > self.peak:
            self.peak = equity
        elif (self.peak - equity) * self.fall[1] > self.fall[0] * self.peak:
            self.fall = (self.peak - equity, self.peak)


def bare(configuration: Configuration, past: Past, against: Floats) -> Truth:
    """Return what became of `configuration` over `past`, exactly."""
    table = rows([configuration])
    floor_goal, guardian_goal = (int(each[0]) for each in goals(table))
    units = 10**past.collateral_decimals, 10**past.debt_decimals
    position = Position(configuration, floor_goal, guardian_goal, *units)
    points = past.rows()
    position.see(next(points))
    position.supply = past.amount * RAY // position.supply_index
    course = _Course(peak=position.owned())
    course.samples.append(course.peak)
    position.boost(configuration.target)
    owned, owed = position.owned(), position.owed()
    course.feel(owned, owed, 0)
    course.draw(owned - owed + position.cash)
    gone = _walk(position, course, points, past)
    return _told(position, course, gone, against)


def _walk(
    position: Position, course: _Course, points: Iterator[tuple[int, int, int, int]], past: Past
) -> int:
    """Return the point of the liquidation, -1 if there is none, having walked all points.

    The line of the loop that is run at each point is written out: it is what others' loops are
    measured against.
    """
    config, gone, period = position.config, -1, past.period
    high, low, unit, unit_d = config.band_high, config.band_low, *_units(position)
    owed_by = max(config.health_floor, config.guardian_below, RATIO) * BPS
    owned_by = config.threshold * RATIO
    supply, debt, cash = position.supply, position.debt, position.cash
    for at, point in enumerate(points, 1):
        own, owe, supply_index, borrow_index = point
        owned = supply * supply_index // RAY * own // unit
        owed = -(debt * -borrow_index // RAY * owe // unit_d)
        equity = owned - owed
        if owned * course.health[1] < course.health[0] * owed:
            course.feel(owned, owed, at)
        if gone < 0 and (
            RATIO * owned < low * equity
            or RATIO * owned > high * equity
            or owned * owned_by < owed * owed_by
        ):
            position.see(point)
            if not position.act(owned, owed):
                position.liquidate(owned, owed, past.bonus)
                gone = at
            if position.debt != debt:
                course.feel(position.owned(), position.owed(), at)
            supply, debt, cash = position.supply, position.debt, position.cash
            equity = position.owned() - position.owed()
        course.draw(equity + cash)
        if at % period == 0:
            course.samples.append(equity + cash)
    position.see(point)
    return gone


def _units(position: Position) -> tuple[int, int]:
    return position.collateral_unit, position.debt_unit


def _told(position: Position, course: _Course, gone: int, against: Floats) -> Truth:
    returns = [
        (after / before - 1 if before > 0 else 0.0) - other
        for before, after, other in zip(
            course.samples, course.samples[1:], against.tolist(), strict=False
        )
    ]
    mean = math.fsum(returns) / max(len(returns), 1)
    squares = math.fsum((each - mean) ** 2 for each in returns)
    owned, owed = course.health
    threshold = position.config.threshold
    found = Outcome(
        equity=(position.owned() - position.owed() + position.cash) / USD,
        health_low=owned * threshold / (owed * BPS) if owed else math.inf,
        health_low_at=course.health_at,
        boosts=position.boosts,
        repays=position.repays,
        fees=position.fees / USD,
        impact=position.impact / USD,
        shallow=position.shallow,
        drawdown=course.fall[0] / course.fall[1],
        liquidated_at=gone,
        edge=0.0,
        grain=0.0,
        mean=mean,
        deviation=math.sqrt(squares / max(len(returns) - 1, 1)),
    )
    return Truth(found, np.array(course.samples[1:], dtype=np.float64) / USD)
