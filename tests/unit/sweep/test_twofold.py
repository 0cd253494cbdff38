"""Numbers of two floats against fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from leverd.backtest.history.exact import widened
from leverd.backtest.sweep import twofold

EPS = Fraction(1, 2**98)
RAY = 10**27


def two(number: int) -> tuple[float, float]:
    high = float(number)
    return high, float(number - int(high))


def exactly(pair: tuple[float, float]) -> Fraction:
    return Fraction(pair[0]) + Fraction(pair[1])


def near(pair: tuple[float, float], truth: Fraction) -> bool:
    return abs(exactly(pair) - truth) <= abs(truth) * EPS


wholes = st.integers(1, 10**30)


@settings(deadline=None, max_examples=300)
@given(wholes, wholes, st.integers(1, 2**53))
def test_arithmetic_is_right_to_a_hundred_bits(a, b, plain):
    one, other = exactly(two(a)), exactly(two(b))
    assert near(twofold.times(two(a), two(b)), one * other)
    assert near(twofold.over(two(a), two(b)), one / other)
    assert near(twofold.scaled(two(a), float(plain)), one * plain)
    assert near(twofold.parted(two(a), float(plain)), one / plain)
    assert near(twofold.added(two(a), two(b)), one + other)
    assert abs(exactly(twofold.less(two(a), two(b))) - (one - other)) <= (one + other) * EPS
    truth = Fraction(math.isqrt(a * 10**40), 10**20)
    assert abs(exactly(twofold.root(two(a))) - truth) <= truth * EPS + Fraction(1, 10**19)


@settings(deadline=None, max_examples=300)
@given(st.integers(-(10**30), 10**30), st.integers(1, 10**6))
def test_rounding_is_to_the_whole_number_on_its_side(a, b):
    pair = twofold.parted(two(a), float(b))
    assert exactly(twofold.down(pair)) == math.floor(exactly(pair))
    assert exactly(twofold.up(pair)) == math.ceil(exactly(pair))


@settings(deadline=None, max_examples=300)
@given(st.integers(1, 10**25), st.integers(1, 10**6))
def test_a_quotient_that_is_whole_comes_out_whole(a, b):
    assert exactly(twofold.over(two(a * b), two(b))) == a
    assert exactly(twofold.parted(two(a * b), float(b))) == a


@settings(deadline=None)
@given(wholes, wholes)
def test_the_lower_is_the_lower(a, b):
    assert exactly(twofold.lower(two(a), two(b))) == min(exactly(two(a)), exactly(two(b)))
    assert twofold.lower(two(a), two(a)) == two(a)


def test_there_is_no_root_of_less_than_nothing():
    assert twofold.root((0.0, 0.0)) == (0.0, 0.0)
    assert twofold.root((-4.0, 0.0)) == (0.0, 0.0)


@settings(deadline=None)
@given(st.lists(st.integers(RAY, 10**3 * RAY), min_size=1, max_size=20))
def test_indexes_are_told_to_beyond_a_ray(indexes):
    high, low = np.empty(len(indexes)), np.empty(len(indexes))
    twofold.in_ones(widened(indexes), high, low)
    for index, upper, lower in zip(indexes, high.tolist(), low.tolist(), strict=True):
        assert near((upper, lower), Fraction(index, RAY))
