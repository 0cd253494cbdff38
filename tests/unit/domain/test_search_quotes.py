"""What a search asks for alone is what the whole quote says."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import worlds
from tests.worlds import USDC, WETH

from leverd.domain import headroom, quotes, side
from leverd.domain.pool import ConstantProductPool
from leverd.errors import ImpossibleError

EVEN = ConstantProductPool("weth-usdc", WETH, USDC, 500, 10**21, 3 * 10**12)
POOLS = [EVEN, worlds.pool()]


@given(st.sampled_from(POOLS), st.sampled_from([WETH, USDC]), st.integers(1, 10**22))
def test_what_is_bought_is_that_of_the_quote(pool, sell, amount):
    try:
        quote = quotes.quote_exact_in(pool, sell, amount)
    except ImpossibleError as error:
        with pytest.raises(ImpossibleError, match=error.code):
            quotes.bought_for(pool, sell, amount)
        return
    assert quotes.bought_for(pool, sell, amount) == quote.bought


@pytest.mark.parametrize("pool", POOLS)
def test_nothing_buys_nothing_whoever_asks(pool):
    with pytest.raises(ImpossibleError, match="cannot swap 0"):
        quotes.bought_for(pool, WETH, 0)


@given(st.sampled_from(POOLS), st.sampled_from([WETH, USDC]), st.integers(1, 10**19))
def test_impact_and_price_are_those_of_plain_fractions(pool, sell, amount):
    quote = quotes.quote_exact_in(pool, sell, amount)
    buy, spot = quotes.other(pool, sell), quotes.spot_ratio(pool, sell)
    promised = spot * (quote.sold - quote.fee)
    impact = 1 - quote.bought / promised if promised else Fraction(0)
    price = spot * sell.unit / buy.unit
    with localcontext() as context:
        context.prec = 40
        assert str(quotes.price_impact(pool, quote, sell)) == str(
            Decimal(impact.numerator) / impact.denominator
        )
        assert str(quotes.spot_price(pool, sell, buy)) == str(
            Decimal(price.numerator) / price.denominator
        )


@given(st.integers(1, 10**13), st.sampled_from([1, 10**8]))
def test_a_price_is_floored_as_its_fraction_would_be(dollars, unit):
    state = worlds.state(price=Decimal(dollars) / 10**8, posted=1)
    assert side.price_floored(state, unit) == int(side.price(state) * unit)


def test_the_same_threshold_is_the_same_object():
    first, second = (headroom.threshold_of(worlds.state(posted=n)) for n in (1, 2))
    assert first is second
    assert first == Fraction(83, 100)
