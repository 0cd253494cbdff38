"""Between scaled balances and amounts, rounded as the pool's version rounds.

Aave up to 3.4 rounds every conversion to nearest; from 3.5 on each one goes against the
account (its TokenMath library): what is supplied down, what is owed up.
"""

from __future__ import annotations

from leverd.domain.fixed_point import RAY, mul_div_down, mul_div_up, ray_div, ray_mul
from leverd.domain.lending import Rounding


def supply_balance(scaled: int, index: int, rounding: Rounding) -> int:
    """Return the raw amount that `scaled` receipt tokens are worth at `index` (ray)."""
    return mul_div_down(scaled, index, RAY) if _directed(rounding) else ray_mul(scaled, index)


def supply_minted(amount: int, index: int, rounding: Rounding) -> int:
    """Return the scaled units that supplying `amount` raw units creates."""
    return mul_div_down(amount, RAY, index) if _directed(rounding) else ray_div(amount, index)


def supply_burned(amount: int, index: int, rounding: Rounding) -> int:
    """Return the scaled units that withdrawing (or moving) `amount` raw units costs."""
    return mul_div_up(amount, RAY, index) if _directed(rounding) else ray_div(amount, index)


def debt_balance(scaled: int, index: int, rounding: Rounding) -> int:
    """Return the raw amount that `scaled` debt stands for at `index` (ray)."""
    return mul_div_up(scaled, index, RAY) if _directed(rounding) else ray_mul(scaled, index)


def debt_minted(amount: int, index: int, rounding: Rounding) -> int:
    """Return the scaled debt that borrowing `amount` raw units creates."""
    return mul_div_up(amount, RAY, index) if _directed(rounding) else ray_div(amount, index)


def debt_burned(amount: int, index: int, rounding: Rounding) -> int:
    """Return the scaled debt that repaying `amount` raw units removes."""
    return mul_div_down(amount, RAY, index) if _directed(rounding) else ray_div(amount, index)


def _directed(rounding: Rounding) -> bool:
    return rounding is Rounding.DIRECTED
