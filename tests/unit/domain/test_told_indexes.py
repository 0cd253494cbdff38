"""A receipt's own indexes count, not those that would have grown by then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.domain.lending_worlds import ALL_RULES, NOON, USDC, WETH, loop, market
from tests.worlds import view

from leverd.domain import lending_actions as actions
from leverd.domain.apply import apply
from leverd.domain.fills import Fill
from leverd.domain.fixed_point import RAY
from leverd.domain.lending import LendingAccount
from leverd.domain.money import Amount
from leverd.domain.plan import Borrow, Repay, Supply, Withdraw

ETHER = 10**18
TOLD = (2 * RAY, 4 * RAY)  # supply, borrow


@pytest.mark.parametrize("version", ALL_RULES)
def test_what_is_supplied_and_withdrawn_is_scaled_by_the_supply_index_told(version):
    given = actions.supply(market(version), LendingAccount(), WETH, 8 * ETHER, NOON, indexes=TOLD)
    assert given.loan.supplies == {WETH: 4 * ETHER}
    assert given.market.reserves[WETH].liquidity_index == 2 * RAY

    taken = actions.withdraw(given.market, given.loan, WETH, 2 * ETHER, NOON, indexes=TOLD)
    assert taken.loan.supplies == {WETH: 3 * ETHER}
    more = actions.withdraw(given.market, given.loan, WETH, None, NOON, indexes=(4 * RAY, 4 * RAY))
    assert more.amount == 16 * ETHER


@pytest.mark.parametrize("version", ALL_RULES)
def test_what_is_borrowed_and_repaid_is_scaled_by_the_borrow_index_told(version):
    made = actions.supply(market(version), LendingAccount(), WETH, 8 * ETHER, NOON)
    owing = actions.borrow(made.market, made.loan, USDC, 8 * 10**9, NOON, indexes=TOLD)
    assert owing.loan.debts == {USDC: 2 * 10**9}

    less = actions.repay(owing.market, owing.loan, USDC, 4 * 10**9, NOON, indexes=TOLD)
    assert less.loan.debts == {USDC: 10**9}
    all_of_it = actions.repay(owing.market, owing.loan, USDC, None, NOON, indexes=(RAY, 5 * RAY))
    assert all_of_it.amount == 10 * 10**9


def test_every_action_is_applied_with_the_indexes_of_its_fill():
    state = view().state
    for action, leg, scaled in (
        (Supply("aave", Amount(WETH, 4 * ETHER)), "supplies", 2 * ETHER),
        (Borrow("aave", Amount(USDC, 4 * 10**9)), "debts", 10**9),
        (Repay("aave", Amount(USDC, 2 * 10**9)), "debts", 5 * 10**8),
        (Withdraw("aave", Amount(WETH, 2 * ETHER)), "supplies", ETHER),
    ):
        state = apply(state, action, Fill(state.at, indexes=TOLD), verified=True)
        (held,) = getattr(state.position.loan, leg).values()
        assert held == scaled, action


@pytest.mark.parametrize("version", ALL_RULES)
def test_a_debt_may_be_covered_to_the_last_unit_that_loan_to_value_allows(version):
    """Ten ether at 3,000 dollars and 80.5 % cover 24,150 dollars."""
    made, loan = loop(market(version), 10 * ETHER, 24_150 * 10**6)
    assert loan.debts == {USDC: 24_150 * 10**6}
    with pytest.raises(Exception, match="CollateralCannotCoverNewBorrow"):
        actions.borrow(made, loan, USDC, 1, NOON)
    with pytest.raises(Exception, match="CollateralCannotCoverNewBorrow"):
        loop(market(version), 10 * ETHER, 24_150 * 10**6 + 1)


def test_a_fill_without_indexes_grows_them_by_itself():
    state = view().state
    later = replace(state, at=state.at)

    given = apply(later, Supply("aave", Amount(WETH, ETHER)), Fill(state.at), verified=True)
    assert given.position.loan.supplies == {WETH: ETHER}
