"""Decimal text, or the floats of a file, as the integers that contracts count in.

A float of a file stands for the shortest decimal that reads back as it: what was written. The
integer is that decimal times `10 ** digits`, rounded to nearest, ties to even. The float times
the power of ten tells it wherever no tie is near; the few others are reckoned in decimals.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Wide: TypeAlias = NDArray[np.int64]
"""Integers beyond 64 bits, shape (n, 2): the first column times 1e18, plus the second."""

E8: Final = 8
"""Digits of a USD price, as lending oracles count."""

INT64_MAX: Final = 2**63 - 1
WIDE_UNIT: Final = 10**18
WIDE_MAX: Final = INT64_MAX * WIDE_UNIT
_SURE: Final = 2.0**50  # below, a float product is less than a quarter off
_SLACK: Final = 2.0**-50  # of the product: two roundings, doubled
_DECIMALS: Final = Context(prec=400, rounding=ROUND_HALF_EVEN, Emax=10**6, Emin=-(10**6))


def scaled(floats: Floats, digits: int, text: Callable[[int], str]) -> tuple[Ints, list[int]]:
    """Return `floats` times `10 ** digits` as int64, and the indexes of those that do not fit.

    `text(i)` is the decimal that the i-th float was read from. What does not fit is 0.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        product = floats * 10.0**digits
        nearest = np.rint(product)
        from_tie = np.abs(np.abs(product - nearest) - 0.5)
        sure = (np.abs(product) < _SURE) & (from_tie > np.abs(product) * _SLACK)
    values = np.where(sure, nearest, 0.0).astype(np.int64)
    unfit: list[int] = []
    for index in np.flatnonzero(~sure).tolist():
        exact = scaled_text(text(index), digits)
        if exact is None or abs(exact) > INT64_MAX:
            unfit.append(index)
        else:
            values[index] = exact
    return values, unfit


def scaled_text(text: str, digits: int) -> int | None:
    """Return the decimal `text` times `10 ** digits` to nearest, ties to even; None if it is none.

    None also beyond what 100 digits before the point hold.
    """
    try:
        number = _DECIMALS.create_decimal(text)
        if not number.is_finite() or number.adjusted() > 100 - digits:
            return None
        return int(_DECIMALS.to_integral_value(_DECIMALS.scaleb(number, digits)))
    except (ArithmeticError, ValueError):  # decimal.InvalidOperation and Overflow
        return None


def widened(numbers: list[int]) -> Wide:
    """Return whole numbers from 0 to `WIDE_MAX` as pairs."""
    pairs = np.empty((len(numbers), 2), dtype=np.int64)
    for index, number in enumerate(numbers):
        pairs[index] = divmod(number, WIDE_UNIT)
    return pairs


def narrowed(pair: Ints) -> int:
    """Return the whole number of one pair."""
    return int(pair[0]) * WIDE_UNIT + int(pair[1])


def to_ray(rate: float) -> int:
    """Return a rate in ray: its shortest decimal times 1e27, to nearest, ties to even.

    Exact for every rate written with up to 17 digits of which at most 27 are behind the point.
    """
    found = scaled_text(repr(float(rate)), 27)
    assert found is not None, "rates are finite where they were loaded"
    return found
