"""A short is a position whose debt is what it bets on."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import short_worlds, worlds
from tests.worlds import NOON, USDC, WETH

from leverd.domain import headroom, loans, side, valuation
from leverd.domain.money import Asset
from leverd.domain.side import Side

LEVERAGES = st.decimals("1.1", "4", places=2)


def test_dollars_posted_against_something_else_are_a_short():
    assert side.side_of(short_worlds.mandate()) is Side.SHORT
    assert side.side_of(worlds.mandate()) is Side.LONG
    staked = Asset("wstETH", 18)
    assert side.side_of(worlds.mandate(collateral=staked, debt=WETH)) is Side.LONG
    assert side.side_of(worlds.mandate(collateral=USDC, debt=Asset("DAI", 18))) is Side.LONG


def test_the_price_of_a_short_is_that_of_what_it_owes():
    state = short_worlds.at_leverage("2.5", price=2000)
    assert side.volatile(state.position.mandate) == WETH
    assert side.price(state) == 2000
    assert side.price_in(state.position.mandate, {"WETH": 2000 * 10**8}) == 2000
    assert side.size(state) == 225 * 10**17  # 1.5 times 30,000 dollars, at 2,000


@given(leverage=LEVERAGES)
def test_a_short_bets_one_less_than_its_leverage(leverage):
    state = short_worlds.at_leverage(leverage)
    ratio = headroom.leverage(state)
    worth = side.size(state) * valuation.rate(state, WETH) / valuation.equity(state)
    assert side.bet(ratio, Side.SHORT) == pytest.approx(worth, rel=1e-9)
    assert side.bet(ratio, Side.LONG) == ratio
    assert side.leverage_of_size(state, side.size(state)) == pytest.approx(ratio, rel=1e-9)


@given(leverage=LEVERAGES, move=st.decimals("0", "0.9", places=3))
def test_a_rise_leaves_a_short_what_is_foreseen_of_its_health(leverage, move):
    before = short_worlds.at_leverage(leverage)
    after = short_worlds.with_price(before, 3000 * (1 + move))
    kept = Fraction(_health(after), _health(before))
    assert kept == pytest.approx(side.health_left(Side.SHORT, Fraction(move)), rel=1e-6)


@given(leverage=LEVERAGES, move=st.decimals("0", "0.9", places=3))
def test_a_fall_leaves_a_long_what_is_foreseen_of_its_health(leverage, move):
    before = worlds.at_leverage(leverage)
    after = short_worlds.with_price(before, 3000 * (1 - move))
    kept = Fraction(_health(after), _health(before))
    assert kept == pytest.approx(side.health_left(Side.LONG, Fraction(move)), rel=1e-6)


@given(leverage=LEVERAGES)
def test_a_short_is_liquidated_above_its_price_and_not_below(leverage):
    state = short_worlds.at_leverage(leverage)
    at = loans.liquidation_price(state.market, state.position.loan, WETH, NOON)
    assert at is not None
    assert at > 3000 * 10**8
    dollars = Decimal(at) / 10**8
    assert _health(short_worlds.with_price(state, dollars)) < 10**18
    assert _health(short_worlds.with_price(state, dollars - Decimal("0.00000001"))) >= 10**18


def _health(state):
    return loans.summarise(state.market, state.position.loan, state.at).health


@pytest.mark.parametrize(
    "symbol", ["DAI", "XDAI", "SDAI", "FRAX", "GHO", "MIM", "USDS", "DOLA", "USDT", "crvUSD"]
)
def test_a_token_of_a_dollar_is_known_by_its_symbol(symbol):
    assert side.is_dollar(Asset(symbol, 18))
    assert side.is_dollar(Asset(symbol.lower(), 18))
    assert not side.is_dollar(Asset(f"{symbol[:2]}X", 18))
