"""Units are what contracts count in, and every division goes the way it says."""

from __future__ import annotations

from fractions import Fraction

import pytest

from leverd.domain import fixed_point as fixed


def test_units_are_those_of_the_contracts():
    assert (fixed.BPS, fixed.WAD, fixed.RAY) == (10_000, 10**18, 10**27)
    assert hex(fixed.UINT256_MAX) == "0x" + "f" * 64


@pytest.mark.parametrize(
    ("x", "y", "by", "down", "half_up", "up"),
    [
        (7, 1, 2, 3, 4, 4),
        (7, 1, 3, 2, 2, 3),
        (8, 1, 3, 2, 3, 3),
        (6, 2, 3, 4, 4, 4),
        (5, 1, 10, 0, 1, 1),
        (0, 9, 4, 0, 0, 0),
    ],
)
def test_a_division_goes_down_to_nearest_or_up(x, y, by, down, half_up, up):
    assert fixed.mul_div_down(x, y, by) == down
    assert fixed.mul_div_half_up(x, y, by) == half_up
    assert fixed.mul_div_up(x, y, by) == up


@pytest.mark.parametrize("x", [-7, -6, -5, -3, -1, 0, 1, 3, 5, 6, 7, 9, 10**30 + 1])
@pytest.mark.parametrize("by", [1, 2, 3, 4, 10])
def test_the_nearest_is_that_of_python_also_below_zero(x, by):
    assert fixed.nearest(x, by) == round(Fraction(x, by))


def test_products_and_quotients_of_each_unit_round_halves_up():
    assert fixed.ray_mul(fixed.RAY // 2, 1) == fixed.ray_div(1, 2 * fixed.RAY) == 1
    assert fixed.wad_mul(fixed.WAD // 2, 1) == fixed.wad_div(1, 2 * fixed.WAD) == 1
    assert fixed.percent_mul(5_000, 1) == fixed.percent_div(1, 20_000) == 1
    assert fixed.percent_mul(4_999, 1) == fixed.percent_div(1, 20_001) == 0
