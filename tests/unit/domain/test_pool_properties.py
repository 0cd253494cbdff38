"""Whatever the pool, a quote never favours the trader."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, event, given, reject
from hypothesis import strategies as st
from tests.unit.domain.pool_worlds import (
    amounts,
    any_pools,
    concentrated_pools,
    constant_product_pools,
    sides,
    with_window,
)

from leverd.domain.concentrated import WINDOW_TOO_SMALL
from leverd.domain.pool import ConcentratedPool, ConstantProductPool
from leverd.domain.quotes import (
    other,
    price_impact,
    quote_exact_in,
    quote_exact_out,
    spot_price,
    spot_ratio,
)
from leverd.domain.swap_math import ILLIQUID
from leverd.errors import ImpossibleError


def quoted(ask, pool, asset, amount):
    """Return the quote, or skip this example where the pool is too small for it."""
    try:
        return ask(pool, asset, amount)
    except ImpossibleError as error:
        if error.number != ILLIQUID:
            raise
        event("illiquid")
        return reject()


@given(any_pools, sides, amounts)
def test_selling_and_selling_back_never_profits(pool, sell, amount):
    there = quoted(quote_exact_in, pool, sell, amount)
    assume(there.bought > 0)
    back = quoted(quote_exact_in, there.after, other(pool, sell), there.bought)
    assert back.bought <= amount


@given(any_pools, sides, amounts)
def test_buying_what_a_sale_gave_costs_at_most_the_sale(pool, sell, amount):
    sale = quoted(quote_exact_in, pool, sell, amount)
    assume(sale.bought > 0)
    assert quote_exact_out(pool, other(pool, sell), sale.bought).sold <= amount


@given(any_pools, sides, amounts)
def test_selling_what_a_purchase_cost_gives_at_least_the_purchase(pool, buy, amount):
    purchase = quoted(quote_exact_out, pool, buy, amount)
    assert purchase.bought == amount
    sale = quoted(quote_exact_in, pool, other(pool, buy), purchase.sold)
    assert sale.bought >= amount


@given(any_pools, sides, amounts, amounts)
def test_selling_more_never_gives_less(pool, sell, amount, more):
    large = quoted(quote_exact_in, pool, sell, amount + more)
    assert quote_exact_in(pool, sell, amount).bought <= large.bought


@given(any_pools, sides, amounts, amounts)
def test_buying_more_never_costs_less(pool, buy, amount, more):
    large = quoted(quote_exact_out, pool, buy, amount + more)
    assert quote_exact_out(pool, buy, amount).sold <= large.sold


@given(any_pools, sides, amounts)
def test_a_sale_never_beats_the_spot_price(pool, sell, amount):
    sale = quoted(quote_exact_in, pool, sell, amount)
    assert sale.bought <= spot_ratio(pool, sell) * (sale.sold - sale.fee)
    assert 0 <= price_impact(pool, sale, sell) <= 1
    assert spot_ratio(sale.after, sell) <= spot_ratio(pool, sell)


@given(any_pools, sides, amounts)
def test_the_fee_is_the_pools_share_of_the_input(pool, sell, amount):
    sale = quoted(quote_exact_in, pool, sell, amount)
    assert sale.sold == amount
    assert amount * pool.fee // 10**6 <= sale.fee <= amount


@given(constant_product_pools(), sides, amounts)
def test_the_product_of_reserves_never_falls(pool, sell, amount):
    for after in (
        quoted(quote_exact_in, pool, sell, amount).after,
        quoted(quote_exact_out, pool, sell, amount).after,
    ):
        assert isinstance(after, ConstantProductPool)
        assert after.reserve0 * after.reserve1 >= pool.reserve0 * pool.reserve1


@given(constant_product_pools(), sides, amounts)
def test_one_unit_less_than_the_quoted_cost_buys_less(pool, buy, amount):
    cost = quoted(quote_exact_out, pool, buy, amount).sold
    if cost > 1:
        assert quote_exact_in(pool, other(pool, buy), cost - 1).bought < amount


@given(concentrated_pools(), sides, amounts)
def test_liquidity_after_a_swap_is_that_of_the_ranges_around_the_new_tick(pool, sell, amount):
    after = quoted(quote_exact_in, pool, sell, amount).after
    assert isinstance(after, ConcentratedPool)
    assert after.liquidity == sum(net for tick, net in after.ticks if tick <= after.tick)


@given(concentrated_pools(), sides, amounts, st.integers(0, 400), st.integers(0, 400))
def test_a_window_changes_no_quote_it_does_not_refuse(pool, sell, amount, below, above):
    word = 256 * pool.tick_spacing
    low, high = pool.tick // word * word - below, pool.tick // word * word + word + above
    whole = quoted(quote_exact_in, pool, sell, amount)
    try:
        seen = quote_exact_in(with_window(pool, low, high), sell, amount)
    except ImpossibleError as error:
        if error.number != WINDOW_TOO_SMALL:
            raise
        event("refused")
        assert not low <= whole.after.tick < high
    else:
        event("quoted")
        assert (seen.sold, seen.bought, seen.fee) == (whole.sold, whole.bought, whole.fee)
        assert seen.after.sqrt_price == whole.after.sqrt_price


@given(any_pools)
def test_the_price_of_one_in_the_other_is_the_inverse_of_the_other_in_the_one(pool):
    product = spot_price(pool, pool.token0, pool.token1) * spot_price(
        pool, pool.token1, pool.token0
    )
    assert float(product) == pytest.approx(1)
    assert isinstance(product, Decimal)
