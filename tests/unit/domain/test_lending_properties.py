"""What holds for every lending market, whatever the amounts, indexes and time."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.domain.lending_worlds import (
    NOON,
    USDC,
    WETH,
    indexes,
    loop,
    market,
    rules,
    seconds,
)

from leverd.domain import lending_actions as actions
from leverd.domain import loans, scaled
from leverd.domain.fixed_point import RAY
from leverd.domain.lending import AAVE_3_0, LendingAccount, Rounding
from leverd.domain.rates import rates_at
from leverd.domain.reserves import (
    accrued,
    debt_total,
    rates_after,
    supplied_total,
    utilisation,
)

amounts = st.integers(10**3, 10**24)
ethers = st.integers(10**15, 10**21)
shares = st.integers(1, 95)


@given(amounts, indexes)
def test_directed_rounding_never_favours_the_account(amount, index) -> None:
    way = Rounding.DIRECTED
    assert scaled.supply_balance(scaled.supply_minted(amount, index, way), index, way) <= amount
    assert scaled.debt_balance(scaled.debt_minted(amount, index, way), index, way) >= amount
    assert scaled.supply_burned(amount, index, way) >= scaled.supply_minted(amount, index, way)
    assert scaled.debt_burned(amount, index, way) <= scaled.debt_minted(amount, index, way)


@given(amounts, indexes)
def test_half_up_rounding_errs_by_at_most_one_scaled_unit(amount, index) -> None:
    back = scaled.supply_balance(
        scaled.supply_minted(amount, index, Rounding.HALF_UP), index, Rounding.HALF_UP
    )
    assert abs(back - amount) <= index // RAY + 1


@given(rules, ethers, indexes)
def test_what_is_supplied_can_be_withdrawn_whole(version, amount, index) -> None:
    made = market(version, liquidity_index=index)
    before = made.reserves[WETH]
    put = actions.supply(made, LendingAccount(), WETH, amount, NOON)
    assert put.amount == amount
    assert put.loan.collaterals == {WETH}
    back = actions.withdraw(put.market, put.loan, WETH, None, NOON)
    assert back.loan == LendingAccount()
    assert abs(back.amount - amount) <= index // RAY + 1
    if version.rounding is Rounding.DIRECTED:
        assert back.amount <= amount
    after = back.market.reserves[WETH]
    assert after.scaled_supply == before.scaled_supply
    assert after.available - before.available == amount - back.amount


@given(rules, ethers, shares, indexes, seconds)
def test_a_debt_repaid_whole_leaves_none_and_pays_interest(
    version, amount, share, index, elapsed
) -> None:
    made = market(version, borrow_index=index)
    debt = amount * 3_000 * share // 10**12 // 130
    made, loan = loop(made, amount, debt)
    before = made.reserves[USDC]
    done = actions.repay(made, loan, USDC, None, NOON + elapsed)
    assert done.loan.debts == {}
    assert done.amount >= debt - index // RAY - 1
    assert done.market.reserves[USDC].available == before.available + done.amount
    assert done.market.reserves[USDC].scaled_debt == 0
    over = actions.repay(made, loan, USDC, 10 * debt, NOON + elapsed)
    assert over == done


@given(rules, ethers, shares, seconds, seconds)
def test_indexes_and_what_the_treasury_has_never_fall(
    version, amount, share, first, second
) -> None:
    made, _ = loop(market(version), amount, amount * 3_000 * share // 10**12 // 130)
    for reserve in made.reserves.values():
        once = accrued(reserve, version, NOON + first)
        twice = accrued(once, version, NOON + first + second)
        assert reserve.liquidity_index <= once.liquidity_index <= twice.liquidity_index
        assert reserve.borrow_index <= once.borrow_index <= twice.borrow_index
        assert reserve.accrued_to_treasury <= once.accrued_to_treasury <= twice.accrued_to_treasury
        assert accrued(once, version, NOON + first) is once


@given(rules, ethers, shares, seconds)
def test_suppliers_are_owed_no_more_than_the_pool_holds_and_is_owed(
    version, amount, share, elapsed
) -> None:
    made, _ = loop(market(version), amount, amount * 3_000 * share // 10**12 // 130)
    at = NOON + elapsed
    reserve = made.reserves[USDC]
    assets = reserve.available + debt_total(reserve, version, at)
    slack = 10 + assets // 10**9 * (1 + elapsed // 86_400)  # simple earned, compounded paid
    assert supplied_total(reserve, version, at) <= assets + slack


@given(rules, ethers, shares, seconds)
def test_a_receipts_own_indexes_give_the_same_as_accrual(version, amount, share, elapsed) -> None:
    made, loan = loop(market(version), amount, amount * 3_000 * share // 10**12 // 130)
    at = NOON + elapsed
    grown = accrued(made.reserves[USDC], version, at)
    told = (grown.liquidity_index, grown.borrow_index)
    plain = actions.repay(made, loan, USDC, None, at)
    assert actions.repay(made, loan, USDC, None, at, indexes=told) == plain


@given(rules, ethers, shares, st.integers(1, 99))
def test_the_rate_after_our_own_borrow_is_known_before_it(version, amount, share, more) -> None:
    debt = amount * 3_000 * share // 10**12 // 130
    first = debt * more // 100
    assume(first > 0 and debt > first)
    made, loan = loop(market(version, deep=10_000_000), amount, first)
    extra = debt - first
    assume(extra < made.reserves[USDC].available)
    foreseen = rates_after(made.reserves[USDC], version, NOON, borrowed=extra)
    after = actions.borrow(made, loan, USDC, extra, NOON).market.reserves[USDC]
    assert abs(foreseen.borrow - after.borrow_rate) <= RAY // 10**9
    assert (after.liquidity_rate, after.borrow_rate) == (
        (
            real := rates_at(after, version, debt_total(after, version, NOON), after.available)
        ).liquidity,
        real.borrow,
    )
    assert 0 < utilisation(after, version, NOON) <= RAY


@given(rules, ethers, shares, seconds)
def test_more_collateral_never_hurts_and_more_debt_never_helps(
    version, amount, share, elapsed
) -> None:
    made, loan = loop(market(version), amount, amount * 3_000 * share // 10**12 // 130)
    at = NOON + elapsed
    now = loans.summarise(made, loan, at)
    richer = actions.supply(made, loan, WETH, amount // 2, at)
    assert loans.summarise(richer.market, richer.loan, at).health >= now.health
    paid = actions.repay(made, loan, USDC, loans.owed(made, loan, USDC, at) // 2 + 1, at)
    assert loans.summarise(paid.market, paid.loan, at).health >= now.health


def test_an_account_without_anything_is_worth_nothing_and_safe() -> None:
    made = market(AAVE_3_0)
    summary = loans.summarise(made, LendingAccount(), NOON)
    assert (summary.collateral_value, summary.debt_value, summary.available_borrows) == (0, 0, 0)
    assert summary.health == 2**256 - 1
    assert loans.supplied(made, LendingAccount(), WETH, NOON) == 0
    assert loans.owed(made, LendingAccount(), WETH, NOON) == 0


def test_a_debt_that_was_repaid_counts_for_nothing() -> None:
    world, held = loop(market(), 10 * WETH.unit, 10_000 * USDC.unit)
    repaid = LendingAccount(
        held.supplies, {**held.debts, WETH: 0}, held.collaterals, emode=held.emode
    )
    assert loans.summarise(world, repaid, NOON) == loans.summarise(world, held, NOON)
