"""Values and health of a loan from its amounts, rounded as the pool's version rounds.

Source: Aave's GenericLogic. Values are USD 1e8, parameters basis points, health wad.
"""

from __future__ import annotations

from leverd.domain.fixed_point import BPS, mul_div_down, mul_div_up, percent_mul, wad_div
from leverd.domain.lending import INFINITE_HEALTH, LendingRules, Reserve, Rounding


def value_owned(amount: int, reserve: Reserve) -> int:
    """Return what `amount` raw units are worth as collateral (USD 1e8), rounded down."""
    return mul_div_down(amount, reserve.price, reserve.asset.unit)


def value_owed(amount: int, reserve: Reserve, rules: LendingRules) -> int:
    """Return what `amount` raw units of debt are worth (USD 1e8); up from Aave 3.5, else down."""
    divide = mul_div_up if rules.rounding is Rounding.DIRECTED else mul_div_down
    return divide(amount, reserve.price, reserve.asset.unit)


def available_borrows(collateral: int, debt: int, ltv: int, rules: LendingRules) -> int:
    """Return what may still be borrowed (USD 1e8) at average `ltv` (bps)."""
    if rules.rounding is Rounding.DIRECTED:
        return max(mul_div_down(collateral, ltv, BPS) - debt, 0)
    return max(percent_mul(collateral, ltv) - debt, 0)


def health_of(collateral: int, threshold_weighted: int, debt: int, rules: LendingRules) -> int:
    """Return the health factor (wad) of values (USD 1e8); `threshold_weighted` is x bps.

    Aave up to 3.4 first floors the average threshold to a basis point; from 3.5 it does not.
    """
    if not debt:
        return INFINITE_HEALTH
    if rules.rounding is Rounding.DIRECTED:
        return wad_div(threshold_weighted, debt) // BPS
    average = threshold_weighted // collateral if collateral else 0
    return wad_div(percent_mul(collateral, average), debt)
