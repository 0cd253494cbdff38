"""A position's health, equity and unit price at many points at once, as float64.

They only say where to look exactly: every decision, balance and bound is reckoned in integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats, Ints
from leverd.backtest.replay.points import Points
from leverd.backtest.replay.world import World
from leverd.domain import loans, side
from leverd.domain.fixed_point import BPS, WAD
from leverd.domain.money import USD, Asset
from leverd.domain.position import Position

_ALIKE: Final = 1e-15
"""The gap, at most, where the oracle follows the market at once: floats tell no less."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A position between two acts, as factors of a `Series`."""

    posted: float  # scaled supply of the collateral, whole tokens
    owed: float  # scaled debt, whole tokens
    idle_collateral: float  # whole tokens
    idle_debt: float  # whole tokens
    threshold: float  # fraction
    units: float  # of the unit book, whole; 0 before the first mark

    def backed(self) -> float:
        """Return what turns the series' `backing` into health, where there is a debt."""
        return self.posted * self.threshold / self.owed


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What health and equity are made of, a row for each point of a world."""

    grown: Floats  # USD: one scaled whole token of the collateral
    backing: Floats  # `grown` over `owing`
    owing: Floats  # USD: one scaled whole token of the debt
    collateral: Floats  # USD, oracle
    debt: Floats  # USD, oracle
    price: Floats  # of the volatile asset in domain.side.counted_in
    share: Floats  # USD that one whole unit of the share class is worth
    gap: Floats  # how far the pool's price is from the oracle's, as a fraction

    def health(self, weights: Weights, rows: slice) -> Floats:
        """Return health factors, inf without debt."""
        if weights.owed <= 0:
            return np.full(len(self.grown[rows]), np.inf)
        return np.asarray(self.backing[rows] * weights.backed(), dtype=np.float64)

    def equity(self, weights: Weights, rows: slice) -> Floats:
        """Return equity in whole units of the share class."""
        total = self.grown[rows] * weights.posted - self.owing[rows] * weights.owed
        if weights.idle_collateral:
            total = total + self.collateral[rows] * weights.idle_collateral
        if weights.idle_debt:
            total = total + self.debt[rows] * weights.idle_debt
        return np.asarray(total / self.share[rows], dtype=np.float64)

    def exposure(self, weights: Weights, rows: slice) -> Floats:
        """Return the value of all the collateral asset, posted or idle, USD."""
        held = self.grown[rows] * weights.posted + self.collateral[rows] * weights.idle_collateral
        return np.asarray(held, dtype=np.float64)


def series_of(world: World) -> Series:
    """Return the series of `world`."""
    points, mandate = world.points, world.mandate
    supply, _ = world.accruals[mandate.collateral].floats(points.at)
    _, borrow = world.accruals[mandate.debt].floats(points.at)
    one, other = mandate.collateral, mandate.debt
    said = {USD: np.broadcast_to(np.float64(1.0), len(points))}
    for asset, prices in points.oracle.items():
        said[asset] = _dollars(prices)
    moves, currency = side.volatile(mandate), side.counted_in(mandate)
    grown = np.multiply(supply, said[one], out=supply)
    owing = np.multiply(borrow, said[other], out=borrow)
    return Series(
        grown=grown,
        backing=grown / owing,
        owing=owing,
        collateral=said[one],
        debt=said[other],
        price=said[moves] if currency == USD else said[moves] / said[currency],
        share=said[mandate.share_class],
        gap=_gap(points, one, other),
    )


def _dollars(prices: Ints) -> Floats:
    """Return USD 1e8 as whole dollars; what never moves is kept once."""
    if prices.strides == (0,):
        return np.broadcast_to(np.float64(prices[0] / USD.unit), len(prices))
    return np.asarray(prices / USD.unit, dtype=np.float64)


def _gap(points: Points, one: Asset, other: Asset) -> Floats:
    if all(points.market[each] is points.oracle[each] for each in (one, other)):
        return np.broadcast_to(np.float64(_ALIKE), len(points))
    paid, said = points.market[one] / points.market[other], points.oracle
    return np.asarray(np.abs(paid * (said[other] / said[one]) - 1.0), dtype=np.float64)


def weights_of(position: Position, world: World, units: int) -> Weights:
    """Return the weights of `position` in `world`."""
    mandate, loan = position.mandate, position.loan
    listed = world.accruals[mandate.collateral].reserve(int(world.points.at[0]), USD.unit)
    terms = loans.terms_in(listed, world.models.emodes.get(loan.emode), world.models.rules)
    return Weights(
        posted=loan.supplies.get(mandate.collateral, 0) / mandate.collateral.unit,
        owed=loan.debts.get(mandate.debt, 0) / mandate.debt.unit,
        idle_collateral=position.idle.get(mandate.collateral, 0) / mandate.collateral.unit,
        idle_debt=position.idle.get(mandate.debt, 0) / mandate.debt.unit,
        threshold=terms.threshold / BPS,
        units=units / WAD,
    )
