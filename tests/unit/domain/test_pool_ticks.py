"""Ticks and square-root prices are two ways to say the same thing."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverd.domain.swap_math import (
    amount0_delta,
    amount1_delta,
    price_after_input,
    price_after_output,
    step_exact_out,
)
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


def test_a_sale_too_large_for_one_product_is_priced_by_the_other_formula():
    """Uniswap divides first where amount times price would not fit 256 bits."""
    liquidity, price, amount = 2**127, 2**140, 2**120
    assert amount * price > 2**256
    exact = -(-liquidity * Q96 // (liquidity * Q96 // price + amount))

    assert price_after_input(price, liquidity, amount, down=True) == exact
    fits = -(-liquidity * Q96 * price // (liquidity * Q96 + 5 * price))
    assert price_after_input(price, liquidity, 5, down=True) == fits


def test_a_purchase_that_ends_exactly_at_its_target_stops_there():
    low, high, liquidity = sqrt_ratio_at_tick(-10), sqrt_ratio_at_tick(10), 10**20
    whole = amount1_delta(low, high, liquidity, up=False)

    at = step_exact_out(high, low, liquidity, whole, 500)
    assert (at.sqrt_price, at.bought) == (low, whole)
    short = step_exact_out(high, low, liquidity, whole - 1, 500)
    assert short.sqrt_price > low
    assert short.bought == whole - 1
    beyond = step_exact_out(high, low, liquidity, whole + 1, 500)
    assert (beyond.sqrt_price, beyond.bought) == (low, whole)


@pytest.mark.parametrize("down", [True, False])
def test_a_pool_gives_no_more_than_it_holds(down):
    held = amount1_delta(0, Q96, 10**6, up=False) if down else 10**6  # 1e6 of either at parity
    with pytest.raises(ImpossibleError) as caught:
        price_after_output(Q96, 10**6, held, down=down)
    assert caught.value.number == 21
    assert price_after_output(Q96, 10**6, held - 1, down=down) > 0


def test_a_price_that_stands_at_its_target_moves_down_by_nothing():
    step = step_exact_out(Q96, Q96, 10**6, 5, 500)
    assert (step.sqrt_price, step.paid, step.bought, step.fee) == (Q96, 0, 0, 0)


@pytest.mark.parametrize(("low", "high"), [(-20, 10), (7, 8), (-500, 500)])
def test_an_amount_between_two_prices_is_exact_but_for_its_last_unit(low, high):
    below, above, liquidity = sqrt_ratio_at_tick(low), sqrt_ratio_at_tick(high), 10**21 + 7
    exact0 = Fraction(liquidity * Q96 * (above - below), above * below)
    exact1 = Fraction(liquidity * (above - below), Q96)

    for delta, exact in ((amount0_delta, exact0), (amount1_delta, exact1)):
        assert delta(below, above, liquidity, up=False) == floor(exact)
        assert delta(above, below, liquidity, up=True) == ceil(exact)


def test_a_tiny_amount_of_the_first_token_is_rounded_the_way_it_says():
    below, above = 3, 7
    exact = Fraction(5 * Q96 * 4, 21)

    assert amount0_delta(below, above, 5, up=False) == floor(exact)
    assert amount0_delta(below, above, 5, up=True) == ceil(exact)
