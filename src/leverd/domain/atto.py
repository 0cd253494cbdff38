"""Prices and quantities as whole numbers of 1e-18: exact, whatever a decimal context rounds to."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from leverd.domain.fixed_point import WAD
from leverd.errors import ImpossibleError

_PLACES: Final = 18


def atto(value: Decimal) -> int:
    """Return `value` in 1e-18, exactly.

    Raises:
        ImpossibleError: below nothing, no finite number, or finer than 1e-18.
    """
    if not value.is_finite() or value < 0:
        raise ImpossibleError(f"{value} cannot be written for the chain")
    top, bottom = value.as_integer_ratio()
    found, rest = divmod(top * WAD, bottom)
    if rest:
        raise ImpossibleError(f"{value} is finer than the chain can write")
    return found


def atto_down(value: Decimal) -> int:
    """Return the largest count of 1e-18 that is at most `value`."""
    top, bottom = value.as_integer_ratio()
    return top * WAD // bottom


def atto_up(value: Decimal) -> int:
    """Return the smallest count of 1e-18 that is at least `value`."""
    return -atto_down(-value)


def of_atto(value: int) -> Decimal:
    """Return 1e-18s as a number, without zeros behind the point and without an exponent."""
    top, rest = divmod(abs(value), WAD)
    digits = f"{top}.{rest:0{_PLACES}d}".rstrip("0").rstrip(".")
    return Decimal(f"-{digits}" if value < 0 else digits)


def down(value: Decimal, tick: Decimal) -> Decimal:
    """Return the largest multiple of `tick` that is at most `value`."""
    step = _step(tick)
    return of_atto(atto_down(value) // step * step)


def up(value: Decimal, tick: Decimal) -> Decimal:
    """Return the smallest multiple of `tick` that is at least `value`."""
    step = _step(tick)
    top, bottom = value.as_integer_ratio()
    return of_atto(-(-top * WAD // (bottom * step)) * step)


def _step(tick: Decimal) -> int:
    step = atto(tick)
    if step <= 0:
        raise ImpossibleError("a tick of nothing")
    return step
