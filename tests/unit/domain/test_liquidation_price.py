"""The liquidation price is exact: there health is below 1, and one unit away it is not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.lending_worlds import (
    DOLLAR,
    NOON,
    USDC,
    WETH,
    WSTETH,
    changed,
    loop,
    market,
    rules,
    seconds,
)

from leverd.domain import lending_actions as actions
from leverd.domain import loans
from leverd.domain.fixed_point import WAD, percent_mul
from leverd.domain.lending import AAVE_3_0, AAVE_3_6, LendingAccount
from leverd.domain.stake import Stake, first_bad_price

ETHER = 10**18


def health(made, loan, asset, price, at):
    return loans.summarise(changed(made, asset, price=price), loan, at).health


@given(rules, st.integers(10**16, 10**21), st.integers(5, 95), seconds)
def test_a_long_is_liquidatable_at_its_price_and_not_one_unit_above(
    version, amount, share, elapsed
) -> None:
    made, loan = loop(market(version), amount, amount * 3_000 * share // 10**12 // 130)
    at = NOON + elapsed
    limit = loans.liquidation_price(made, loan, WETH, at)
    assert limit is not None
    assert health(made, loan, WETH, limit, at) < WAD
    assert health(made, loan, WETH, limit + 1, at) >= WAD


@given(rules, st.integers(10**7, 10**13), st.integers(5, 95), seconds)
def test_a_short_is_liquidatable_at_its_price_and_not_one_unit_below(
    version, amount, share, elapsed
) -> None:
    debt = amount * 10**12 * share // 140 // 3_000
    made, loan = loop(market(version), amount, debt, of=USDC, owes=WETH)
    at = NOON + elapsed
    limit = loans.liquidation_price(made, loan, WETH, at)
    assert limit is not None
    assert health(made, loan, WETH, limit, at) < WAD
    assert health(made, loan, WETH, limit - 1, at) >= WAD


@given(rules, st.integers(10**16, 10**20), st.integers(10**16, 10**20), st.integers(40, 98))
def test_no_price_above_it_liquidates_with_several_collaterals(
    version, first, second, share
) -> None:
    made = actions.supply(market(version), LendingAccount(), WETH, first, NOON)
    made = actions.supply(made.market, made.loan, WSTETH, second, NOON)
    power = loans.summarise(made.market, made.loan, NOON).available_borrows
    made = actions.borrow(made.market, made.loan, USDC, power * share // 10_000, NOON)
    limit = loans.liquidation_price(made.market, made.loan, WETH, NOON)
    if limit is None:
        assert health(made.market, made.loan, WETH, 0, NOON) >= WAD
        return
    assert health(made.market, made.loan, WETH, limit, NOON) < WAD
    for above in (limit + 1, limit + 2, limit + limit // 10_000, limit + limit // 100, 2 * limit):
        assert health(made.market, made.loan, WETH, above + 1, NOON) >= WAD


def test_the_highest_bad_price_is_found_beyond_a_step_of_the_average_threshold() -> None:
    # wstETH counts for less than WETH, so where its price rises the average, floored to a
    # basis point up to 3.4, falls by a step: a good price can lie below bad ones.
    stake = Stake(
        grows=ETHER,
        owes=0,
        threshold=8_100,
        unit=ETHER,
        collateral=3_000 * DOLLAR,
        weighted=3_000 * DOLLAR * 8_300,
        debt=0,
        rules=AAVE_3_0,
    )
    step = next(
        price
        for price in range(3_000 * DOLLAR, 4_000 * DOLLAR, DOLLAR // 100)
        if stake.average(price) < stake.average(price - DOLLAR // 100)
    )
    edge = next(
        price
        for price in range(step - DOLLAR // 100, step + 1)
        if stake.average(price) == stake.average(step)
    )
    before = percent_mul(stake.at(edge - 1)[0], stake.average(edge - 1))
    after = percent_mul(stake.at(edge)[0], stake.average(edge))
    assert after < before
    owing = replace(stake, debt=(before + after) // 2)
    assert not owing.liquidatable(edge - 1)
    assert owing.liquidatable(edge)
    limit = first_bad_price(owing)
    assert limit is not None
    assert limit > edge
    assert owing.liquidatable(limit)
    assert not owing.liquidatable(limit + 1)


def test_there_is_no_liquidation_price_without_debt_or_without_a_stake() -> None:
    made, loan = loop(market(), 10 * ETHER, 10_000 * 10**6)
    assert loans.liquidation_price(made, loan, WSTETH, NOON) is None
    assert loans.distance_to_liquidation(made, loan, WSTETH, NOON) is None
    free = actions.repay(made, loan, USDC, None, NOON)
    assert loans.liquidation_price(free.market, free.loan, WETH, NOON) is None
    other = actions.supply(made, loan, WSTETH, 100 * ETHER, NOON)
    assert loans.liquidation_price(other.market, other.loan, WETH, NOON) is None


def test_an_asset_both_owned_and_owed_counts_with_its_net() -> None:
    made = actions.supply(market(AAVE_3_6), LendingAccount(), WETH, 10 * ETHER, NOON)
    made = actions.borrow(made.market, made.loan, WETH, 2 * ETHER, NOON)
    made = actions.borrow(made.market, made.loan, USDC, 9_000 * 10**6, NOON)
    limit = loans.liquidation_price(made.market, made.loan, WETH, NOON)
    assert limit == pytest.approx(9_000 * DOLLAR / (8.3 - 2), rel=1e-9)


def test_the_distance_is_the_fall_that_liquidates() -> None:
    made, loan = loop(market(), 10 * ETHER, 20_000 * 10**6)
    distance = loans.distance_to_liquidation(made, loan, WETH, NOON)
    assert distance is not None
    assert abs(distance - (1 - 1 / Decimal("1.245"))) < Decimal("1e-9")  # 0.83 * 3 / 2
    low = changed(made, WETH, price=2_000 * DOLLAR)
    assert loans.distance_to_liquidation(low, loan, WETH, NOON) == 0


@given(
    st.builds(
        Stake,
        grows=st.integers(1, 60),
        owes=st.just(0),
        threshold=st.integers(1_000, 9_900),
        unit=st.integers(1, 10),
        collateral=st.integers(1, 80),
        weighted=st.integers(0, 9_000),
        debt=st.integers(1, 80),
        rules=st.sampled_from([AAVE_3_0, AAVE_3_6]),
    )
)
def test_of_small_figures_too_where_each_rounding_counts_it_is_the_last_bad_price(small) -> None:
    stake = replace(small, weighted=small.weighted * small.collateral)
    limit = first_bad_price(stake)
    assert (limit is None) is not stake.liquidatable(0)
    if limit is not None:
        assert stake.liquidatable(limit)
        assert not any(stake.liquidatable(price) for price in range(limit + 1, limit + 300))
