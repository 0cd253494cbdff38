"""Our fixed point and interest give the figures of Aave's own unit tests.

The figures of the first three tests are those of tests/protocol/libraries/math/
{WadRayMath,PercentageMath,MathUtils}.t.sol in aave-dao/aave-v3-origin at
fd1fbd9150426ca8ace9cee45b4acf912ae84f5b.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from leverd.domain import rates
from leverd.domain.fixed_point import (
    RAY,
    WAD,
    mul_div_down,
    mul_div_up,
    percent_div,
    percent_mul,
    ray_div,
    ray_mul,
    wad_div,
    wad_mul,
)
from leverd.domain.lending import Compounding, RateCurve

EIGHT_PERCENT = 8 * RAY // 100
SEVEN_YEARS = 220_752_000


@pytest.mark.parametrize(
    ("function", "x", "y", "expected"),
    [
        (wad_mul, 25 * WAD // 10, WAD // 2, 125 * WAD // 100),
        (wad_mul, 4122 * WAD // 10, WAD, 4122 * WAD // 10),
        (wad_mul, 0, WAD, 0),
        (ray_mul, 25 * RAY // 10, RAY // 2, 125 * RAY // 100),
        (ray_mul, 6 * RAY, 2 * RAY, 12 * RAY),
        (wad_div, 8745 * WAD // 1000, 67 * WAD // 100, 13052238805970149254),
        (wad_div, 25 * WAD // 10, WAD // 2, 5 * WAD),
        (ray_div, 8745 * RAY // 1000, 67 * RAY // 100, 13052238805970149253731343284),
        (ray_div, 6 * RAY, 2 * RAY, 3 * RAY),
        (percent_mul, 14251500000000000000, 7442, 10605966300000000000),
        (percent_mul, 9087312 * RAY, 1333, 1211338689600000000000000000000000),
        (percent_div, 14251500000000000000, 7442, 19150094060736361193),
        (percent_div, 9087312 * RAY, 1333, 68171882970742685671417854463615904),
    ],
)
def test_halves_round_up_as_in_the_contracts(function, x, y, expected) -> None:
    assert function(x, y) == expected


@pytest.mark.parametrize(
    ("function", "x", "y", "denominator", "expected"),
    [
        (mul_div_down, 3, 5, RAY, 0),
        (mul_div_up, 3, 5, RAY, 1),
        (mul_div_down, 5, RAY, 3, 1666666666666666666666666666),
        (mul_div_up, 5, RAY, 3, 1666666666666666666666666667),
        (mul_div_up, 5, 5, 3, 9),
        (mul_div_up, 12, 6, 4, 18),
        (mul_div_up, 0, 10, 5, 0),
        (mul_div_down, RAY, 5 * RAY, RAY, 5 * RAY),
        (mul_div_up, RAY, 5 * RAY, RAY, 5 * RAY),
    ],
)
def test_floors_and_ceilings_are_those_of_the_contracts(
    function, x, y, denominator, expected
) -> None:
    assert function(x, y, denominator) == expected


def test_interest_factors_are_those_of_the_contracts() -> None:
    assert rates.linear_factor(EIGHT_PERCENT, SEVEN_YEARS) == 156 * RAY // 100
    for compounding in Compounding:
        assert rates.compounded_factor(EIGHT_PERCENT, 0, compounding) == RAY
        factor = rates.compounded_factor(EIGHT_PERCENT, SEVEN_YEARS, compounding)
        expected = 1750672500296101082549976435
        assert abs(Fraction(factor, expected) - 1) < Fraction(3, 1000)
    most = rates.compounded_factor(1000 * RAY, 315_360_000_000, Compounding.TAYLOR)
    assert most == 166666716666676666667666666666666600000000000000


@pytest.mark.parametrize("seconds", [1, 2, 3])
def test_a_few_seconds_of_binomial_interest_have_only_the_terms_they_need(seconds) -> None:
    rate = RAY  # 100 % a year
    linear = RAY + rate * seconds // rates.SECONDS_PER_YEAR
    extra = rates.compounded_factor(rate, seconds, Compounding.BINOMIAL) - linear
    pairs = seconds * (seconds - 1) // 2
    assert extra == pairs * (RAY // rates.SECONDS_PER_YEAR**2) + (seconds >= 3) * (
        RAY // rates.SECONDS_PER_YEAR**2 // rates.SECONDS_PER_YEAR
    )


@pytest.mark.parametrize(
    ("percent_used", "basis_points"),
    [(0, 100), (40, 300), (80, 500), (90, 500 + 3750), (100, 500 + 7500)],
)
def test_the_rate_curve_bends_at_its_kink(percent_used, basis_points) -> None:
    point = RAY // 10_000
    curve = RateCurve(80 * RAY // 100, 100 * point, 400 * point, 7_500 * point)
    assert rates.borrow_rate(curve, percent_used * RAY // 100) == basis_points * point
