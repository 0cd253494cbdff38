"""Integer fixed point, rounded on purpose.

Every division says which way it rounds. Lending contracts count indexes and rates in ray
(27 decimals), health in wad (18), and parameters in basis points.
"""

from __future__ import annotations

from typing import Final

BPS: Final = 10**4
"""One, in basis points."""

WAD: Final = 10**18
"""One, with 18 decimals."""

RAY: Final = 10**27
"""One, with 27 decimals."""

_HALF_BPS: Final = BPS // 2
_HALF_WAD: Final = WAD // 2
_HALF_RAY: Final = RAY // 2

UINT256_MAX: Final = 2**256 - 1


def mul_div_down(x: int, y: int, denominator: int) -> int:
    """Return `x * y / denominator` rounded toward zero. All must be >= 0."""
    return x * y // denominator


def mul_div_up(x: int, y: int, denominator: int) -> int:
    """Return `x * y / denominator` rounded away from zero. All must be >= 0."""
    return -(-x * y // denominator)


def mul_div_half_up(x: int, y: int, denominator: int) -> int:
    """Return `x * y / denominator` rounded to nearest, halves up. All must be >= 0."""
    return (x * y + denominator // 2) // denominator


def nearest(x: int, denominator: int) -> int:
    """Return `x / denominator` rounded to nearest, halves to even; `x` may be below zero."""
    down, rest = divmod(x, denominator)
    return down + (2 * rest + (down & 1) > denominator)


def ray_mul(x: int, y: int) -> int:
    """Return `x * y` in ray, halves up."""
    return (x * y + _HALF_RAY) // RAY


def ray_div(x: int, y: int) -> int:
    """Return `x / y` in ray, halves up."""
    return (x * RAY + y // 2) // y


def wad_mul(x: int, y: int) -> int:
    """Return `x * y` in wad, halves up."""
    return (x * y + _HALF_WAD) // WAD


def wad_div(x: int, y: int) -> int:
    """Return `x / y` in wad, halves up."""
    return (x * WAD + y // 2) // y


def percent_mul(x: int, bps: int) -> int:
    """Return `bps` basis points of `x`, halves up."""
    return (x * bps + _HALF_BPS) // BPS


def percent_div(x: int, bps: int) -> int:
    """Return what `x` is `bps` basis points of, halves up."""
    return (x * BPS + bps // 2) // bps
