"""What a position is worth, with every rounding against us."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import worlds
from tests.worlds import USDC, WETH

from leverd.domain import valuation
from leverd.domain.fixed_point import RAY
from leverd.domain.holdings import holdings_of
from leverd.domain.lending import LendingAccount
from leverd.domain.money import USD, Asset
from leverd.domain.position import Position
from leverd.errors import ImpossibleError

JUNK = Asset("JUNK", 18)


def counted_in(state, share_class):
    mandate = replace(state.position.mandate, share_class=share_class)
    return replace(state, position=replace(state.position, mandate=mandate))


def test_a_loop_is_worth_its_collateral_less_its_debt():
    state = worlds.state(posted=29, idle=1, debt=60_000, idle_debt=100)
    assert valuation.exposure(state) == 90_000 * 10**8
    assert valuation.equity(state) == 30_100 * 10**8
    assert valuation.leverage(state) == Decimal(90_000) / Decimal(30_100)


def test_interest_counts_without_anyone_touching_the_market():
    state = worlds.state(posted=30, debt=60_000)
    later = replace(state, at=state.at + 365 * 86_400)
    # a year at 2 % simple on 90,000 and 3 % compounded on 60,000
    assert valuation.equity(later) == pytest.approx(
        (90_000 * 1.02 - 60_000 * 1.0304545) * 10**8, rel=1e-5
    )


def test_what_we_own_is_rounded_down_and_what_we_owe_up():
    state = worlds.state(price="3000.00000001")
    loan = LendingAccount({WETH: 1}, {WETH: 1})
    state = replace(state, position=Position(worlds.mandate(), {"aave": loan}, {WETH: 1}))
    assert valuation.exposure(state) == 0
    assert valuation.equity(state) == -1


def test_without_debt_leverage_is_one_and_with_nothing_it_is_zero():
    assert valuation.leverage(worlds.state(idle=10)) == 1
    assert valuation.leverage(worlds.state()) == 0


@pytest.mark.parametrize("debt", [30_000, 30_001])
def test_without_equity_leverage_is_infinite(debt):
    assert valuation.leverage(worlds.state(posted=10, debt=debt)) == Decimal("Infinity")


def test_equity_is_told_in_the_share_class():
    state = counted_in(worlds.state(posted=30, debt=60_000), WETH)
    assert valuation.equity_in_share_class(state) == 10 * 10**18
    assert valuation.in_share_class(state, 1_500 * 10**8) == 5 * 10**17
    state = counted_in(state, USDC)
    assert valuation.equity_in_share_class(state) == 30_000 * 10**6


def test_a_leg_in_the_share_class_does_not_depend_on_its_price():
    dear = counted_in(worlds.state(price=4000, idle="1.234567890123456789"), WETH)
    assert valuation.equity_in_share_class(dear) == 1234567890123456789


def test_an_unpriced_idle_token_counts_as_nothing():
    state = worlds.state(idle=1)
    gifted = replace(state, position=state.position.with_idle(JUNK, 10**30))
    assert valuation.equity(gifted) == valuation.equity(state)
    assert holdings_of(gifted).equity == valuation.equity(state)


def test_an_unpriced_debt_or_share_class_is_refused():
    state = worlds.state(idle=1)
    owing = replace(state, position=state.position.with_idle(JUNK, -1))
    for ask in (
        lambda: valuation.equity(owing),
        lambda: holdings_of(owing),
        lambda: valuation.equity_in_share_class(counted_in(state, JUNK)),
        lambda: holdings_of(counted_in(state, JUNK)),
    ):
        with pytest.raises(ImpossibleError) as error:
            ask()
        assert error.value.code == "LVD-IMP-030"


def with_junk(**loan):
    """Return a position in a market that also lists what no oracle prices."""
    state = worlds.state(posted=1)
    weth = state.market.reserves[WETH]
    listed = {**state.market.reserves, JUNK: replace(weth, asset=JUNK, price=0)}
    held = replace(state.position.loan, **loan)
    state = state.with_market(replace(state.market, reserves=listed))
    return replace(state, position=replace(state.position, loans={"aave": held}))


def test_what_an_account_uses_beyond_its_mandate_must_have_a_price_too():
    assert valuation.unpriced(with_junk(collaterals=frozenset({WETH, JUNK}))) == JUNK
    assert valuation.unpriced(with_junk(debts={JUNK: 1})) == JUNK
    assert valuation.unpriced(with_junk(supplies={WETH: 1, JUNK: 1})) is None


def test_another_venue_gives_a_price_only_where_our_own_has_none():
    state = worlds.state(posted=1)
    other = replace(worlds.market(9000), market_id="another")
    state = replace(state, lending={**state.lending, "another": other})
    assert valuation.price_of(state, WETH) == 3000 * 10**8
    own = replace(state.market, reserves={USDC: state.market.reserves[USDC]})
    assert valuation.price_of(state.with_market(own), WETH) == 9000 * 10**8
    assert valuation.price_of(state, JUNK) is None
    assert valuation.price_of(state, USD) == 10**8


def test_collateral_in_every_venue_is_exposure():
    state = worlds.state(posted=1)
    other = replace(worlds.market(), market_id="another")
    position = state.position.with_loan("another", LendingAccount({WETH: 2 * 10**18}))
    state = replace(state, lending={**state.lending, "another": other}, position=position)
    assert valuation.exposure(state) == 9_000 * 10**8


@given(
    posted=st.integers(0, 10**25),
    debt=st.integers(0, 10**16),
    idle=st.integers(0, 10**25),
    price=st.integers(1, 10**14),
    growth=st.integers(RAY, 3 * RAY),
    share_class=st.sampled_from([USD, WETH, USDC]),
)
def test_equity_is_never_above_the_exact_value_nor_a_unit_a_leg_below(
    posted, debt, idle, price, growth, share_class
):
    state = counted_in(worlds.state(), share_class)
    market = state.market
    weth = replace(market.reserves[WETH], price=price, liquidity_index=growth)
    usdc = replace(market.reserves[USDC], borrow_index=growth)
    state = state.with_market(replace(market, reserves={WETH: weth, USDC: usdc}))
    loan = LendingAccount({WETH: posted}, {USDC: debt})
    state = replace(state, position=Position(state.position.mandate, {"aave": loan}, {WETH: idle}))
    exact = sum(
        valuation.leg_amount(state, leg)
        * valuation.rate(state, leg.asset, share_class)
        * (-1 if leg.kind == "owed" else 1)
        for leg in state.position.legs()
    )
    found = valuation.equity_in_share_class(state)
    assert exact - 3 < found <= exact
    assert found == holdings_of(state).equity
    if share_class == USD:
        assert found == valuation.equity(state)


def test_leverage_of_nothing_is_none_of_debt_alone_without_bound():
    assert valuation.leverage(worlds.state()) == 0
    assert valuation.leverage(worlds.state(posted=10, debt=30_000)) == Decimal("Infinity")
    least = worlds.state(idle_debt=Decimal("0.000001"))
    assert valuation.equity(least) == 100
    assert valuation.leverage(least) == 0


def test_dollars_in_the_share_class_are_rounded_down():
    ethers = counted_in(worlds.state(), WETH)

    assert valuation.in_share_class(ethers, 1) == 10**18 // (3000 * 10**8)
    assert valuation.in_share_class(ethers, 2) == 2 * 10**18 // (3000 * 10**8)


def test_a_price_is_known_of_all_that_a_market_lists_also_of_what_is_not_held():
    assert set(holdings_of(worlds.state(posted=1)).prices) == {USD, WETH, USDC}
