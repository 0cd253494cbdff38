"""Interest: how indexes grow with time, and how usage sets the rates.

All numbers are in ray. Sources: Aave's MathUtils, DefaultReserveInterestRateStrategy (3.0)
and DefaultReserveInterestRateStrategyV2 (from 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leverd.domain.fixed_point import BPS, RAY, percent_mul, ray_div, ray_mul
from leverd.domain.lending import Compounding, LendingRules, RateCurve, RateStrategy, Reserve

SECONDS_PER_YEAR: Final = 365 * 24 * 60 * 60
_WAD_TO_RAY: Final = 10**9


@dataclass(frozen=True, slots=True)
class Rates:
    """A reserve's two rates, ray a year."""

    liquidity: int  # what suppliers earn, simple
    borrow: int  # what borrowers pay, compounded each second


def linear_factor(rate: int, seconds: int) -> int:
    """Return by what the supply index grows (ray) at `rate` in `seconds`."""
    return RAY + rate * seconds // SECONDS_PER_YEAR


def compounded_factor(rate: int, seconds: int, compounding: Compounding) -> int:
    """Return by what the borrow index grows (ray) at `rate` in `seconds`."""
    if seconds == 0:
        return RAY
    if compounding is Compounding.TAYLOR:
        x = rate * seconds // SECONDS_PER_YEAR
        return RAY + x + ray_mul(x, x // 2 + ray_mul(x, x // 6))
    one_less, two_less = seconds - 1, max(seconds - 2, 0)
    square = ray_mul(rate, rate) // SECONDS_PER_YEAR**2
    cube = ray_mul(square, rate) // SECONDS_PER_YEAR
    second_term = seconds * one_less * square // 2
    third_term = seconds * one_less * two_less * cube // 6
    return RAY + rate * seconds // SECONDS_PER_YEAR + second_term + third_term


def usage(debt: int, available: int) -> int:
    """Return the share of the pool that is lent out (ray); zero without debt."""
    return ray_div(debt, available + debt) if debt else 0


def borrow_rate(curve: RateCurve, used: int) -> int:
    """Return the borrow rate (ray a year) at usage `used` (ray)."""
    if used > curve.optimal_usage:
        excess = ray_div(used - curve.optimal_usage, RAY - curve.optimal_usage)
        return curve.base_rate + curve.slope1 + ray_mul(curve.slope2, excess)
    return curve.base_rate + ray_div(ray_mul(curve.slope1, used), curve.optimal_usage)


def rates_at(reserve: Reserve, rules: LendingRules, debt: int, available: int) -> Rates:
    """Return the rates when `debt` raw units are owed and `available` can leave the pool."""
    paid = borrow_rate(reserve.curve, usage(debt, available))
    if not debt:
        return Rates(liquidity=0, borrow=paid)
    average, backing = paid, available + debt + reserve.deficit
    if rules.strategy is RateStrategy.V1:
        # The average over stable and variable debt; without stable debt only its rounding stays.
        weight = debt * _WAD_TO_RAY
        average, backing = ray_div(ray_mul(weight, paid), weight), available + debt
    earned = percent_mul(
        ray_mul(average, ray_div(debt, backing)), BPS - reserve.params.reserve_factor
    )
    return Rates(liquidity=earned, borrow=paid)
