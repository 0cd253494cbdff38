"""Ticks and square-root prices are two ways to say the same thing."""

from __future__ import annotations

from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverd.domain.swap_math import price_after_input
from leverd.domain.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    Q96,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)
from leverd.errors import ImpossibleError

ticks = st.integers(MIN_TICK, MAX_TICK - 1)


@given(ticks)
def test_the_ratio_of_a_tick_belongs_to_it_and_the_unit_below_does_not(tick):
    ratio = sqrt_ratio_at_tick(tick)
    assert tick_at_sqrt_ratio(ratio) == tick
    if tick > MIN_TICK:
        assert tick_at_sqrt_ratio(ratio - 1) == tick - 1


@given(st.integers(MIN_SQRT_RATIO, MAX_SQRT_RATIO - 1))
def test_every_price_lies_between_its_tick_and_the_next(price):
    tick = tick_at_sqrt_ratio(price)
    assert sqrt_ratio_at_tick(tick) <= price < sqrt_ratio_at_tick(tick + 1)


@given(st.integers(-2000, 2000))
def test_a_tick_is_the_power_of_one_basis_point(tick):
    scale = 2**192
    power = scale * 10001 ** max(tick, 0) // 10000 ** max(tick, 0)
    power = power * 10000 ** max(-tick, 0) // 10001 ** max(-tick, 0)
    assert abs(sqrt_ratio_at_tick(tick) - isqrt(power)) <= 1


@pytest.mark.parametrize("tick", [MIN_TICK - 1, MAX_TICK + 1])
def test_there_is_no_tick_outside_the_range(tick):
    with pytest.raises(ImpossibleError) as error:
        sqrt_ratio_at_tick(tick)
    assert error.value.code == "LVD-IMP-024"


@pytest.mark.parametrize("price", [MIN_SQRT_RATIO - 1, MAX_SQRT_RATIO])
def test_there_is_no_price_outside_the_range(price):
    with pytest.raises(ImpossibleError) as error:
        tick_at_sqrt_ratio(price)
    assert error.value.code == "LVD-IMP-024"


def test_the_smallest_sale_moves_a_price_that_little_backs_and_none_moves_nothing():
    assert price_after_input(Q96, 1_000, 0, down=True) == Q96
    assert price_after_input(Q96, 1_000, 1, down=True) == -(-Q96 * 1_000 // 1_001)
    assert price_after_input(Q96, 1_000, 1, down=False) == Q96 + Q96 // 1_000
