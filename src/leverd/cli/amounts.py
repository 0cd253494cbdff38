"""Exact numbers for people."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leverd.domain.money import Amount

WAD: Final = 10**18
_PLACES: Final = 6  # of an amount, at most; JSON has them all


def decimal(value: Fraction) -> Decimal:
    """Return `value` to the context's precision."""
    return Decimal(value.numerator) / value.denominator


def amount(value: Amount) -> str:
    """Return whole tokens, six places at most, cut and not rounded."""
    return value.cut(_PLACES)
