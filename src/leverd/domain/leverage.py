"""How leverage, health and loan-to-value hang together, before any rounding.

For one collateral and one debt: leverage L = collateral / equity, so debt / collateral is
(L - 1) / L and health is T * L / (L - 1) at liquidation threshold T. Ratios are fractions.
"""

from __future__ import annotations

from decimal import Decimal

from leverd.errors import ImpossibleError


def health_at_leverage(threshold: Decimal, leverage: Decimal) -> Decimal:
    """Return the health factor at `leverage` (> 1) and liquidation threshold `threshold`.

    Raises:
        ImpossibleError: without debt there is no health factor.
    """
    if leverage <= 1:
        raise ImpossibleError(f"no debt at leverage {leverage}", number=300)
    return threshold * leverage / (leverage - 1)


def max_leverage(threshold: Decimal, ltv: Decimal, health_min: Decimal) -> Decimal:
    """Return the highest leverage whose health is at least `health_min` and debt within `ltv`.

    Raises:
        ImpossibleError: any leverage would keep that health, or none is allowed.
    """
    if health_min <= threshold or ltv >= 1:
        raise ImpossibleError("leverage has no bound here", number=300)
    return min(health_min / (health_min - threshold), 1 / (1 - ltv))


def leverage_of(collateral: int, debt: int) -> Decimal:
    """Return collateral / equity of two values in the same unit.

    Raises:
        ImpossibleError: the debt is worth at least as much as the collateral.
    """
    if debt >= collateral:
        raise ImpossibleError(f"no equity: {debt} owed against {collateral}", number=300)
    return Decimal(collateral) / Decimal(collateral - debt)


def fall_to_liquidation(threshold: Decimal, leverage: Decimal) -> Decimal:
    """Return by what fraction the collateral may fall against the debt before health is 1."""
    return 1 - 1 / health_at_leverage(threshold, leverage)
