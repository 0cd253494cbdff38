"""An account seen from one asset: at which of its prices the account can be liquidated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from leverd.domain.fixed_point import BPS, WAD, mul_div_down, mul_div_up
from leverd.domain.health import health_of
from leverd.domain.lending import LendingRules, Rounding

_PRICE_MAX: Final = 2**96
"""Beyond any price an oracle reports (USD 1e8); searches end here."""


@dataclass(frozen=True, slots=True)
class Stake:
    """What moves with the asset's price, and the rest."""

    grows: int  # raw collateral
    owes: int  # raw debt
    threshold: int  # bps of that collateral
    unit: int
    collateral: int  # all other collateral, USD 1e8
    weighted: int  # all other collateral x threshold
    debt: int  # all other debt, USD 1e8
    rules: LendingRules

    def at(self, price: int) -> tuple[int, int, int]:
        """Return collateral, weighted collateral and debt were the price `price`."""
        value = mul_div_down(self.grows, price, self.unit)
        divide = mul_div_up if self.rules.rounding is Rounding.DIRECTED else mul_div_down
        owed_value = divide(self.owes, price, self.unit)
        weighted = self.weighted + value * self.threshold
        return self.collateral + value, weighted, self.debt + owed_value

    def liquidatable(self, price: int) -> bool:
        """Whether health is below 1 at `price`."""
        collateral, weighted, debt = self.at(price)
        return health_of(collateral, weighted, debt, self.rules) < WAD

    def average(self, price: int) -> int:
        """Return the average threshold (bps, floored) at `price`."""
        collateral, weighted, _ = self.at(price)
        return weighted // collateral if collateral else 0

    def safe_from(self, price: int) -> bool:
        """Whether no price from `price` up liquidates, even were the average a point lower."""
        collateral, weighted, debt = self.at(price)
        return weighted - collateral >= (debt + 1) * BPS


def first_bad_price(stake: Stake) -> int | None:
    """Return the first price (USD 1e8) on the bad side with health below 1; None without one."""
    if stake.grows * stake.threshold > stake.owes * BPS:
        return _highest(stake) if stake.liquidatable(0) else None
    first = _first(0, _PRICE_MAX, stake.liquidatable)
    return first if stake.owes and first < _PRICE_MAX else None


def _highest(stake: Stake) -> int:
    """Return the highest price that liquidates; price zero does.

    Up to Aave 3.4 the average threshold is floored to a basis point, so health can step down
    a little while the price rises: each step up to where no step matters is looked at.
    """
    safe = _first(0, _PRICE_MAX, stake.safe_from)
    found = _first(0, safe, lambda price: not stake.liquidatable(price)) - 1
    start = found + 1
    while start < safe:
        level = stake.average(start)
        end = _first(start, safe, partial(_leaves, stake, level))
        if stake.liquidatable(start):
            found = _first(start, end, lambda price: not stake.liquidatable(price)) - 1
        start = end
    return found


def _leaves(stake: Stake, level: int, price: int) -> bool:
    return stake.average(price) != level


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the first price in [low, high) where `holds`, which then stays so; else `high`."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
