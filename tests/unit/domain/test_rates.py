"""Rates of a reserve, in figures worked out by hand, at and beside the kink of its curve."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.domain.lending_worlds import ALL_RULES, NOON, PERCENT, USDC, reserve

from leverd.domain.fixed_point import RAY
from leverd.domain.lending import AAVE_3_0, AAVE_3_6
from leverd.domain.rates import SECONDS_PER_YEAR, Rates, rates_at
from leverd.domain.reserves import normalized_debt, utilisation

# 4 % at 80 % of use, 75 % more at all of it; a tenth of what is paid is the treasury's.
LENT = reserve(USDC, 0)


@pytest.mark.parametrize("rules", ALL_RULES)
@pytest.mark.parametrize(
    ("debt", "available", "borrow", "liquidity"),
    [
        (0, 100, 0, 0),
        (40, 60, 2 * PERCENT, 2 * PERCENT * 40 // 100 * 9 // 10),
        (80, 20, 4 * PERCENT, 4 * PERCENT * 80 // 100 * 9 // 10),
        (90, 10, 415 * PERCENT // 10, 415 * PERCENT // 10 * 90 // 100 * 9 // 10),
        (100, 0, 79 * PERCENT, 79 * PERCENT * 9 // 10),
    ],
)
def test_lenders_earn_what_is_paid_less_the_treasurys_tenth(
    rules, debt, available, borrow, liquidity
):
    assert rates_at(LENT, rules, debt, available) == Rates(liquidity=liquidity, borrow=borrow)


def test_a_deficit_dilutes_what_lenders_earn_and_not_what_is_paid():
    short = replace(LENT, deficit=100)

    found = rates_at(short, AAVE_3_6, 40, 60)

    assert found.borrow == 2 * PERCENT
    assert found.liquidity == 2 * PERCENT * 40 // 200 * 9 // 10
    assert rates_at(short, AAVE_3_0, 40, 60).liquidity == 2 * PERCENT * 40 // 100 * 9 // 10
    assert PERCENT * 100 == RAY


@pytest.mark.parametrize("rules", ALL_RULES)
def test_a_debt_grows_from_its_first_second(rules):
    paying = replace(LENT, borrow_rate=5 * SECONDS_PER_YEAR)  # five ray units a second

    assert [normalized_debt(paying, rules, NOON + after) for after in (0, 1)] == [RAY, RAY + 5]


@pytest.mark.parametrize("rules", ALL_RULES)
def test_what_nobody_borrows_from_is_not_used_at_all_empty_or_full(rules):
    for available in (0, 100):
        assert utilisation(replace(LENT, available=available), rules, NOON) == 0
