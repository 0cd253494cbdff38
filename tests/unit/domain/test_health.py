"""What loans are worth and how healthy they are, rounded as each version of the pool rounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.domain.lending_worlds import ALL_RULES, DOLLAR, USDC, WETH, reserve

from leverd.domain.fixed_point import WAD
from leverd.domain.health import available_borrows, health_of, value_owed, value_owned
from leverd.domain.lending import AAVE_3_0, AAVE_3_6, INFINITE_HEALTH
from leverd.domain.rates import rates_at
from leverd.domain.reserves import rates_after

ETHER = reserve(WETH, 0)  # 3,000 dollars


def test_what_is_owned_is_worth_less_than_it_might_be_and_what_is_owed_more_from_3_5_on():
    part = WETH.unit // (3_000 * DOLLAR) + 1  # a little more than a hundred-millionth
    for amount, down, up in ((part, 1, 2), (WETH.unit, 3_000 * DOLLAR, 3_000 * DOLLAR)):
        assert value_owned(amount, ETHER) == down
        assert value_owed(amount, ETHER, AAVE_3_0) == down
        assert value_owed(amount, ETHER, AAVE_3_6) == up


@pytest.mark.parametrize(("rules", "room"), [(AAVE_3_0, 3), (AAVE_3_6, 2)])
def test_what_may_be_borrowed_is_rounded_as_the_version_does_and_never_below_nothing(rules, room):
    assert available_borrows(5, 0, 5_000, rules) == room  # half of five
    assert available_borrows(5, room, 5_000, rules) == 0
    assert available_borrows(5, room + 1, 5_000, rules) == 0


@pytest.mark.parametrize("rules", ALL_RULES)
def test_health_is_weighted_collateral_to_debt_and_without_debt_has_no_end(rules):
    assert health_of(200, 200 * 8_000, 100, rules) == 16 * WAD // 10
    assert health_of(200, 200 * 8_000, 0, rules) == INFINITE_HEALTH
    assert health_of(0, 0, 100, rules) == 0


def test_up_to_3_4_the_average_threshold_is_first_floored_to_a_basis_point():
    # 10,000 at 80 % and 10,001 at 81 %: 8050.00025 bps on average
    weighted = 10**8 * 8_000 + (10**8 + 10**4) * 8_100
    both = 2 * 10**8 + 10**4

    assert health_of(both, weighted, 10**8, AAVE_3_6) > health_of(both, weighted, 10**8, AAVE_3_0)
    assert health_of(both, weighted, 10**8, AAVE_3_0) == both * 8_050 // 10**4 * WAD // 10**8


@pytest.mark.parametrize("rules", ALL_RULES)
def test_rates_after_a_change_are_those_of_the_changed_pool(rules):
    lent = replace(reserve(USDC, 1), scaled_debt=400, scaled_supply=1_000, available=600)
    at = lent.updated_at

    assert rates_after(lent, rules, at) == rates_at(lent, rules, 400, 600)
    assert rates_after(lent, rules, at, supplied=200) == rates_at(lent, rules, 400, 800)
    assert rates_after(lent, rules, at, borrowed=100) == rates_at(lent, rules, 500, 500)
    assert rates_after(lent, rules, at, borrowed=-500) == rates_at(lent, rules, 0, 1_100)
    assert rates_after(lent, rules, at, supplied=-700) == rates_at(lent, rules, 400, 0)
