"""Quotes with figures worked out by hand, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.unit.domain.pool_worlds import USDC, WETH, concentrated, with_window

from leverd.domain.concentrated import _moved, _Stop
from leverd.domain.money import Asset
from leverd.domain.pool import ConstantProductPool
from leverd.domain.quotes import (
    other,
    price_impact,
    quote_exact_in,
    quote_exact_out,
    spot_price,
)
from leverd.domain.swap_math import SwapStep, step_exact_in
from leverd.domain.tick_math import sqrt_ratio_at_tick
from leverd.errors import ImpossibleError

DAI = Asset("DAI", 18)
PAIR = ConstantProductPool("pair", WETH, USDC, 3000, 1_000 * 10**18, 3_000_000 * 10**6)


def test_a_constant_product_sale_gives_the_textbook_amount():
    quote = quote_exact_in(PAIR, WETH, 10 * 10**18)
    # 9.97 of 1009.97 WETH shares of 3,000,000 USDC
    assert quote.bought == 29614741031
    assert quote.fee == 3 * 10**16
    assert quote.after.reserve0 == 1_010 * 10**18
    assert quote.after.reserve1 == 3_000_000 * 10**6 - 29614741031


def test_a_constant_product_purchase_costs_the_textbook_amount():
    quote = quote_exact_out(PAIR, WETH, 10 * 10**18)
    # 3,000,000 * 10 / (990 * 0.997), one unit up
    assert quote.sold == 30394212942
    assert quote.after.reserve0 == 990 * 10**18


def test_spot_price_is_in_whole_tokens():
    assert spot_price(PAIR, WETH, USDC) == 3000
    assert spot_price(PAIR, USDC, WETH) * 3000 == pytest.approx(Decimal(1))


def test_a_concentrated_spot_price_is_the_square_of_the_root():
    pool = concentrated(0, ((-100, 100, 10**18),))
    assert spot_price(pool, WETH, USDC) == 10**12  # raw parity, 18 against 6 decimals


def test_price_impact_leaves_the_fee_out():
    quote = quote_exact_in(PAIR, WETH, 10 * 10**18)
    # average price 29614.741031 / 9.97 against 3000
    assert price_impact(PAIR, quote, WETH) == pytest.approx(
        Decimal("0.00987158"), abs=Decimal("1e-8")
    )


def test_a_swap_across_a_tick_takes_on_the_liquidity_beyond():
    pool = concentrated(0, ((-1000, 1000, 10**18), (-2000, -10, 10**18)))
    quote = quote_exact_in(pool, WETH, 10**16)
    assert quote.after.tick < -10
    assert quote.after.liquidity == 2 * 10**18


def test_a_sale_that_ends_exactly_on_a_tick_crosses_it():
    pool = concentrated(5, ((-1000, 1000, 10**18), (0, 1000, 10**18)))
    down_to = sqrt_ratio_at_tick(0)
    enough = quote_exact_out(pool, USDC, 2 * 10**18 * (pool.sqrt_price - down_to) // 2**96)
    quote = quote_exact_in(pool, WETH, enough.sold)
    assert quote.after.sqrt_price == down_to
    assert (quote.after.tick, quote.after.liquidity) == (-1, 10**18)
    back = quote_exact_in(quote.after, USDC, 10**12)
    assert back.after.liquidity == 2 * 10**18
    # a unit that goes as fee moves no price, and must not bring the crossed tick back
    assert quote_exact_in(quote.after, WETH, 1).after == quote.after


def test_a_gap_without_liquidity_is_jumped():
    pool = concentrated(0, ((-10, 10, 10**18), (5000, 6000, 10**18)))
    quote = quote_exact_out(pool, WETH, 10**16)
    assert 5000 <= quote.after.tick < 6000
    assert quote.bought == 10**16


@pytest.mark.parametrize("sell", [WETH, USDC])
def test_a_swap_beyond_all_liquidity_is_refused(sell):
    pool = concentrated(0, ((-1000, 1000, 10**18),))
    for ask, asset in ((quote_exact_in, sell), (quote_exact_out, other(pool, sell))):
        with pytest.raises(ImpossibleError) as error:
            ask(pool, asset, 10**19)
        assert error.value.code == "LVD-IMP-021"


def test_the_end_of_all_ticks_is_known_even_if_the_window_ends_a_spacing_before():
    pool = with_window(concentrated(0, ((-1000, 1000, 10**18),)), -887270, 887270)
    with pytest.raises(ImpossibleError) as error:
        quote_exact_in(pool, WETH, 10**19)
    assert error.value.code == "LVD-IMP-021"


@pytest.mark.parametrize("sell", [WETH, USDC])
def test_a_swap_out_of_the_known_ticks_is_refused_with_the_window_named(sell):
    pool = with_window(concentrated(0, ((-5000, 5000, 10**18),)), -2560, 2550)
    assert quote_exact_in(pool, sell, 10**16).bought > 0
    with pytest.raises(ImpossibleError, match="-2560 to 2550") as error:
        quote_exact_in(pool, sell, 10**18)
    assert error.value.code == "LVD-IMP-020"


def test_a_window_without_liquidity_is_too_small_and_not_illiquid():
    pool = with_window(concentrated(0, ((-10, 10, 10**18), (5000, 6000, 10**18))), -2560, 2550)
    with pytest.raises(ImpossibleError) as error:
        quote_exact_out(pool, WETH, 10**16)
    assert error.value.code == "LVD-IMP-020"


def test_a_pool_cannot_pay_out_all_it_has():
    with pytest.raises(ImpossibleError) as error:
        quote_exact_out(PAIR, WETH, PAIR.reserve0)
    assert error.value.code == "LVD-IMP-021"
    assert quote_exact_out(PAIR, WETH, PAIR.reserve0 - 1).sold > PAIR.reserve1


def test_an_empty_pool_has_no_price_and_no_quote():
    empty = ConstantProductPool("pair", WETH, USDC, 3000, 0, 0)
    for ask in (lambda: quote_exact_in(empty, WETH, 1), lambda: spot_price(empty, WETH, USDC)):
        with pytest.raises(ImpossibleError) as error:
            ask()
        assert error.value.code == "LVD-IMP-021"


def test_an_asset_the_pool_does_not_hold_is_refused():
    for ask in (
        lambda: quote_exact_in(PAIR, DAI, 1),
        lambda: quote_exact_out(PAIR, DAI, 1),
        lambda: spot_price(PAIR, WETH, DAI),
        lambda: other(PAIR, DAI),
    ):
        with pytest.raises(ImpossibleError) as error:
            ask()
        assert error.value.code == "LVD-IMP-022"


@pytest.mark.parametrize("amount", [0, -1])
def test_a_swap_of_nothing_is_refused(amount):
    for ask in (quote_exact_in, quote_exact_out):
        with pytest.raises(ImpossibleError) as error:
            ask(PAIR, WETH, amount)
        assert error.value.code == "LVD-IMP-023"


def test_a_sale_too_small_to_give_anything_has_no_impact_to_speak_of_or_all_of_it():
    dust = quote_exact_in(concentrated(0, ((-10, 10, 10**18),)), WETH, 1)
    assert dust.bought == 0
    assert price_impact(concentrated(0, ()), dust, WETH) == 0  # all of it went as fee


@pytest.mark.parametrize("empty", [{"reserve0": 0}, {"reserve1": 0}])
def test_a_pool_with_nothing_on_one_side_has_no_price(empty):
    with pytest.raises(ImpossibleError) as caught:
        spot_price(replace(PAIR, **empty), WETH, USDC)
    assert caught.value.number == 21


@pytest.mark.parametrize(("tick", "down"), [(-20, True), (20, False)])
def test_a_swap_may_go_exactly_to_the_end_of_the_known_ticks(tick, down):
    """Bought out to the last unit of what lies there, the price stands on the last tick."""
    pool = with_window(concentrated(0, ((-100, 100, 10**24),)), -20, 20)
    edge = sqrt_ratio_at_tick(tick)
    ended = _moved(pool, SwapStep(edge, 1, 1, 1), _Stop(tick, None), down=down)

    assert ended.sqrt_price == edge
    beyond = edge - 1 if down else edge + 1
    with pytest.raises(ImpossibleError):
        _moved(pool, SwapStep(beyond, 1, 1, 1), _Stop(tick, None), down=down)


@pytest.mark.parametrize("down", [True, False])
def test_a_swap_pauses_at_the_last_tick_of_a_word_of_the_bitmap(down):
    """So the contract does: 256 spacings are a word, from 0 to 255 of which tick 0 is the first.

    What is rounded there is as if two swaps met at that price.
    """
    edge = sqrt_ratio_at_tick(0 if down else 2_550)
    sold = WETH if down else USDC
    for liquidity in range(10**18 + 1, 10**18 + 8):
        pool = concentrated(40 if down else 2_500, ((-9_000, 9_000, liquidity),))
        first = step_exact_in(pool.sqrt_price, edge, liquidity, 10**30, pool.fee)
        near = quote_exact_in(pool, sold, first.paid + first.fee)
        assert near.after.sqrt_price == edge
        far = quote_exact_in(near.after, sold, 10**16)
        whole = quote_exact_in(pool, sold, near.sold + far.sold)
        assert whole.after == far.after
        assert (whole.bought, whole.fee) == (near.bought + far.bought, near.fee + far.fee)
