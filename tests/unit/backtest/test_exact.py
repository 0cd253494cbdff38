"""Text becomes the integer it says, rounded to nearest, ties to even."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverd.backtest.history.exact import (
    INT64_MAX,
    WIDE_MAX,
    narrowed,
    scaled,
    scaled_text,
    to_ray,
    widened,
)


def one(text, digits=8):
    values, unfit = scaled(np.array([float(text)]), digits, lambda _: text)
    return None if unfit else int(values[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3000.12345678", 300_012_345_678),
        ("0.1", 10_000_000),
        ("0.000000005", 0),
        ("0.000000015", 2),
        ("0.00000000500000001", 1),
        ("1e3", 100_000_000_000),
        ("92233720368.54775807", INT64_MAX),
    ],
)
def test_a_price_is_exact(text, value):
    assert one(text) == value


@pytest.mark.parametrize("text", ["92233720368.54775808", "1e300", "-1e300", "1e999"])
def test_what_does_not_fit_is_said(text):
    assert one(text) is None


@given(
    st.decimals(min_value=-10_000_000, max_value=10_000_000, allow_nan=False, places=8)
    | st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, places=12)
)
def test_the_quick_way_is_the_decimal_way(number):
    text = f"{number:f}"
    expected = int(Decimal(text).scaleb(8).to_integral_value(ROUND_HALF_EVEN))
    assert one(text) == expected


@given(st.floats(min_value=0, max_value=1e10))
def test_a_float_stands_for_its_shortest_decimal(number):
    text = repr(number)
    assert one(text) == scaled_text(text, 8)


@given(st.integers(min_value=0, max_value=WIDE_MAX))
def test_a_wide_integer_survives_its_pair(number):
    assert narrowed(widened([number])[0]) == number


def test_a_rate_in_ray_is_the_decimal_that_was_written():
    assert to_ray(0.05) == 5 * 10**25
    assert to_ray(0.1) == 10**26
    assert to_ray(0.0) == 0


@pytest.mark.parametrize("text", ["nan", "inf", "x", "", "1e999999999", "9" * 200])
def test_text_that_is_no_number_or_endless_is_none(text):
    assert scaled_text(text, 8) is None
