"""Every refusal has the protocol's name and a number that stays, and each version its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.domain.lending_worlds import (
    ALL_RULES,
    ETHER_CATEGORY,
    NOON,
    USDC,
    WETH,
    WSTETH,
    changed,
    loop,
    market,
)

from leverd.domain import lending_actions as actions
from leverd.domain import loans
from leverd.domain.fixed_point import RAY
from leverd.domain.lending import AAVE_3_0, AAVE_3_5, AAVE_3_6, LendingAccount
from leverd.domain.lending_errors import Refusal
from leverd.domain.money import Asset
from leverd.errors import ImpossibleError

ETHER = 10**18
NOBODY = LendingAccount()


def refused(refusal: Refusal, call, *args, **kwargs) -> None:
    with pytest.raises(ImpossibleError) as caught:
        call(*args, **kwargs)
    assert caught.value.number == refusal.value
    assert caught.value.message.startswith(refusal.name)


@pytest.mark.parametrize("version", ALL_RULES)
def test_amounts_must_be_there(version) -> None:
    made, loan = loop(market(version), 10 * ETHER, 10**9)
    refused(Refusal.InvalidAmount, actions.supply, made, loan, WETH, 0, NOON)
    refused(Refusal.InvalidAmount, actions.supply, made, loan, WETH, -5, NOON)
    refused(Refusal.InvalidAmount, actions.withdraw, made, loan, WETH, 0, NOON)
    refused(Refusal.InvalidAmount, actions.borrow, made, loan, USDC, 0, NOON)
    refused(Refusal.InvalidAmount, actions.repay, made, loan, USDC, 0, NOON)
    refused(Refusal.NoDebtOfSelectedType, actions.repay, made, loan, WETH, 5, NOON)
    too_much = 11 * ETHER
    refused(
        Refusal.NotEnoughAvailableUserBalance, actions.withdraw, made, loan, WETH, too_much, NOON
    )
    refused(Refusal.AssetNotListed, actions.supply, made, loan, Asset("DAI", 18), 1, NOON)
    refused(Refusal.BeforeLastUpdate, actions.supply, made, loan, WETH, 1, NOON - 1)


def test_less_than_one_scaled_unit_cannot_move() -> None:
    made = market(liquidity_index=3 * RAY, borrow_index=3 * RAY)
    made, loan = loop(made, 10 * ETHER, 10**9)
    refused(Refusal.InvalidMintAmount, actions.supply, made, loan, WETH, 1, NOON)
    refused(Refusal.InvalidMintAmount, actions.borrow, made, loan, USDC, 1, NOON)
    refused(Refusal.InvalidBurnAmount, actions.withdraw, made, loan, WETH, 1, NOON)
    refused(Refusal.InvalidBurnAmount, actions.repay, made, loan, USDC, 1, NOON)
    modern = market(AAVE_3_6, liquidity_index=3 * RAY, borrow_index=3 * RAY)
    refused(Refusal.InvalidAmount, actions.supply, modern, loan, WETH, 1, NOON)
    paid = actions.withdraw(modern, loan, WETH, 1, NOON)
    assert loan.supplies[WETH] - paid.loan.supplies[WETH] == 1


def test_from_half_a_scaled_unit_up_3_0_lets_a_supply_go_and_keeps_its_flag() -> None:
    made = market(liquidity_index=2 * RAY)
    put = actions.supply(made, NOBODY, WETH, 10, NOON)
    back = actions.withdraw(put.market, put.loan, WETH, 9, NOON)
    assert back.loan.supplies == {}
    assert back.loan.collaterals == {WETH}


@pytest.mark.parametrize("version", ALL_RULES)
def test_a_closed_reserve_lets_nothing_in_and_a_paused_one_nothing_out(version) -> None:
    made, loan = loop(market(version), 10 * ETHER, 10**9)
    frozen = changed(changed(made, WETH, frozen=True), USDC, frozen=True)
    refused(Refusal.ReserveFrozen, actions.supply, frozen, loan, WETH, ETHER, NOON)
    refused(Refusal.ReserveFrozen, actions.borrow, frozen, loan, USDC, 10**6, NOON)
    assert actions.repay(frozen, loan, USDC, None, NOON).amount >= 10**9
    assert actions.withdraw(frozen, loan, WETH, ETHER, NOON).amount == ETHER
    for field, refusal in (
        ({"paused": True}, Refusal.ReservePaused),
        ({"active": False}, Refusal.ReserveInactive),
    ):
        shut = changed(changed(made, WETH, **field), USDC, **field)
        refused(refusal, actions.supply, shut, loan, WETH, ETHER, NOON)
        refused(refusal, actions.withdraw, shut, loan, WETH, ETHER, NOON)
        refused(refusal, actions.borrow, shut, loan, USDC, 10**6, NOON)
        refused(refusal, actions.repay, shut, loan, USDC, None, NOON)
        refused(refusal, actions.set_collateral, shut, loan, WETH, NOON, counts=False)
    no_loans = changed(made, USDC, borrowing_enabled=False)
    refused(Refusal.BorrowingNotEnabled, actions.borrow, no_loans, loan, USDC, 10**6, NOON)


@pytest.mark.parametrize("version", [AAVE_3_0, AAVE_3_6])
def test_caps_hold_to_the_last_unit(version) -> None:
    made, loan = loop(market(version, deep=90), 10 * ETHER, 10 * 10**6)
    full = changed(made, USDC, supply_cap=100, borrow_cap=20)
    assert actions.supply(full, loan, USDC, 10 * 10**6, NOON).amount == 10 * 10**6
    refused(Refusal.SupplyCapExceeded, actions.supply, full, loan, USDC, 10 * 10**6 + 1, NOON)
    assert actions.borrow(full, loan, USDC, 10 * 10**6, NOON).amount == 10 * 10**6
    refused(Refusal.BorrowCapExceeded, actions.borrow, full, loan, USDC, 10 * 10**6 + 1, NOON)


@pytest.mark.parametrize(
    ("version", "most"), [(AAVE_3_0, 11 * 10**6), (AAVE_3_5, 10_999_998), (AAVE_3_6, 10_999_998)]
)
def test_what_a_borrow_cap_counts_is_the_amount_and_from_3_5_the_scaled_debt(version, most) -> None:
    """A scaled unit is worth three: 9 of 20 are lent, and 11 more would round up to 11.000001."""
    made, loan = loop(market(version, deep=90, borrow_index=3 * RAY), 10 * ETHER, 9 * 10**6)
    full = changed(made, USDC, borrow_cap=20)
    assert actions.borrow(full, loan, USDC, most, NOON).amount == most
    refused(Refusal.BorrowCapExceeded, actions.borrow, full, loan, USDC, most + 1, NOON)


@pytest.mark.parametrize("version", ALL_RULES)
def test_no_more_is_lent_than_the_collateral_covers(version) -> None:
    made, loan = loop(market(version), 10 * ETHER, 10**9)
    room = loans.summarise(made, loan, NOON).available_borrows // 100
    refused(
        Refusal.CollateralCannotCoverNewBorrow,
        *(actions.borrow, made, loan, USDC, room + 2, NOON),
    )
    full = actions.borrow(made, loan, USDC, room - 1, NOON)
    low = changed(full.market, WETH, price=2_800 * 10**8)
    refused(
        Refusal.HealthFactorLowerThanLiquidationThreshold,
        *(actions.borrow, low, full.loan, USDC, 10**6, NOON),
    )
    refused(
        Refusal.HealthFactorLowerThanLiquidationThreshold,
        *(actions.withdraw, full.market, full.loan, WETH, ETHER, NOON),
    )
    everything = actions.borrow(low, full.loan, USDC, 10**6, NOON, unchecked=True)
    assert everything.amount == 10**6
    assert actions.withdraw(low, full.loan, WETH, ETHER, NOON, unchecked=True).amount == ETHER
    refused(
        Refusal.HealthFactorLowerThanLiquidationThreshold,
        *(actions.set_collateral, full.market, full.loan, WETH, NOON),
        counts=False,
    )


@pytest.mark.parametrize(
    ("version", "refusal"),
    [
        (AAVE_3_0, Refusal.CollateralBalanceIsZero),
        (AAVE_3_5, Refusal.LtvValidationFailed),
    ],
)
def test_without_collateral_nothing_is_lent(version, refusal) -> None:
    refused(refusal, actions.borrow, market(version), NOBODY, USDC, 10**6, NOON)


@pytest.mark.parametrize("version", [AAVE_3_0, AAVE_3_6])
def test_what_is_lent_out_can_be_neither_withdrawn_nor_borrowed(version) -> None:
    made, loan = loop(market(version, deep=10_000), 10 * ETHER, 9_999 * 10**6)
    refused(Refusal.InsufficientLiquidity, actions.borrow, made, loan, USDC, 2 * 10**6, NOON)
    put = actions.supply(made, NOBODY, USDC, 10**8, NOON)
    lent = actions.borrow(put.market, loan, USDC, 10**8, NOON)
    refused(
        Refusal.InsufficientLiquidity,
        *(actions.withdraw, lent.market, put.loan, USDC, 10**8 - 1, NOON),
    )


def test_from_3_1_no_loan_is_larger_than_all_supplies() -> None:
    made, loan = loop(market(AAVE_3_6, deep=1_000), 10 * ETHER, 10**6)
    gifted = changed(made, USDC, available=10**12)
    refused(Refusal.InvalidAmount, actions.borrow, gifted, loan, USDC, 1_001 * 10**6, NOON)


@pytest.mark.parametrize("version", [AAVE_3_0, AAVE_3_6])
def test_a_collateral_that_lost_its_ltv_must_leave_first(version) -> None:
    first = actions.supply(market(version), NOBODY, WSTETH, 10 * ETHER, NOON)
    both = actions.supply(first.market, first.loan, WETH, 10 * ETHER, NOON)
    moved = actions.borrow(both.market, both.loan, USDC, 10**9, NOON)
    barred = changed(moved.market, WSTETH, ltv=0)
    summary = loans.summarise(barred, moved.loan, NOON)
    assert summary.zero_ltv_collateral
    refused(Refusal.LtvValidationFailed, actions.withdraw, barred, moved.loan, WETH, ETHER, NOON)
    assert actions.withdraw(barred, moved.loan, WSTETH, ETHER, NOON).amount == ETHER
    only = changed(barred, WETH, ltv=0)
    refused(Refusal.LtvValidationFailed, actions.borrow, only, moved.loan, USDC, 10**6, NOON)
    fresh = actions.supply(only, NOBODY, WETH, ETHER, NOON)
    assert fresh.loan.collaterals == frozenset()
    refused(
        Refusal.UserInIsolationModeOrLtvZero,
        *(actions.set_collateral, only, fresh.loan, WETH, NOON),
        counts=True,
    )


def test_collateral_is_switched_only_where_something_is_supplied() -> None:
    made, loan = loop(market(), 10 * ETHER, 10**9)
    for counts in (True, False):
        refused(
            Refusal.UnderlyingBalanceZero,
            *(actions.set_collateral, made, loan, USDC, NOON),
            counts=counts,
        )
    modern = replace(made, rules=AAVE_3_6)
    assert actions.set_collateral(modern, loan, USDC, NOON, counts=False).loan == loan
    assert actions.set_collateral(made, loan, WETH, NOON, counts=True).loan == loan
    extra = actions.supply(made, loan, WSTETH, ETHER, NOON)
    off = actions.set_collateral(extra.market, extra.loan, WSTETH, NOON, counts=False)
    assert off.loan.collaterals == {WETH}
    for version in (AAVE_3_0, AAVE_3_6):
        again = replace(off.market, rules=version)
        on = actions.set_collateral(again, off.loan, WSTETH, NOON, counts=True)
        assert on.loan == extra.loan


@pytest.mark.parametrize("version", [AAVE_3_0, AAVE_3_6])
def test_a_category_takes_only_its_own_debts_and_gives_better_terms(version) -> None:
    made, loan = loop(market(version), 10 * ETHER, 5 * ETHER, of=WSTETH, owes=WETH)
    plain = loans.summarise(made, loan, NOON)
    better = actions.set_emode(made, loan, 1, NOON)
    assert better.amount == 0
    assert loans.summarise(made, better.loan, NOON).health > plain.health
    assert loans.terms(made, better.loan, WSTETH).bonus == ETHER_CATEGORY.liquidation_bonus
    refused(Refusal.InconsistentEModeCategory, actions.set_emode, made, loan, 7, NOON)
    wrong = Refusal.InconsistentEModeCategory
    outside = Refusal.InconsistentEModeCategory
    if version is AAVE_3_6:
        wrong, outside = Refusal.InvalidDebtInEmode, Refusal.NotBorrowableInEMode
    dollars, owing = loop(market(version), 10 * ETHER, 10**9)
    refused(wrong, actions.set_emode, dollars, owing, 1, NOON)
    refused(outside, actions.borrow, made, better.loan, USDC, 10**6, NOON)
    deep = actions.borrow(made, better.loan, WETH, 4 * ETHER + ETHER // 2, NOON)
    refused(
        Refusal.HealthFactorLowerThanLiquidationThreshold,
        *(actions.set_emode, deep.market, deep.loan, 0, NOON),
    )
    assert actions.set_emode(made, better.loan, 0, NOON).loan == loan
    told = actions.set_emode(deep.market, deep.loan, 0, NOON, unchecked=True)
    assert told.loan.emode == 0, "what the chain let through is not checked again"


def test_categories_come_apart_from_the_reserves_own_terms_in_3_6() -> None:
    made, loan = loop(market(AAVE_3_6), 10 * ETHER, 5 * ETHER, of=WSTETH, owes=WETH)
    same = actions.set_emode(made, loan, 0, NOON)
    assert same.market is made
    closed = changed(made, WETH, borrowing_enabled=False)
    inside = actions.set_emode(closed, loan, 1, NOON)
    assert actions.borrow(closed, inside.loan, WETH, ETHER, NOON).amount == ETHER
    refused(Refusal.InvalidDebtInEmode, actions.set_emode, closed, inside.loan, 0, NOON)
    outer = changed(made, WSTETH, ltv=0)
    assert loans.terms(outer, inside.loan, WSTETH).ltv == ETHER_CATEGORY.ltv
    old = replace(outer, rules=AAVE_3_5)
    assert loans.terms(old, inside.loan, WSTETH).ltv == 0
    refused(Refusal.InvalidCollateralInEmode, actions.set_emode, outer, inside.loan, 0, NOON)
    barred = replace(made, emodes={1: replace(ETHER_CATEGORY, zero_ltv=frozenset((WSTETH,)))})
    refused(Refusal.InvalidCollateralInEmode, actions.set_emode, barred, loan, 1, NOON)


def test_a_collateral_without_a_threshold_counts_for_nothing_in_3_0() -> None:
    made, loan = loop(market(), 10 * ETHER, 10**9)
    worthless = changed(made, WETH, liquidation_threshold=0)
    assert loans.summarise(worthless, loan, NOON).collateral_value == 0
    assert not loans.counts_as_collateral(worthless, NOBODY, WETH)
    assert loans.liquidation_price(worthless, loan, USDC, NOON) == 1


def test_what_the_chain_accepted_is_not_judged_again() -> None:
    made, loan = loop(market(), 10 * ETHER, 10**9)
    shut = changed(changed(made, WETH, paused=True, supply_cap=1), USDC, paused=True)
    assert actions.supply(shut, loan, WETH, ETHER, NOON, unchecked=True).amount == ETHER
    assert actions.withdraw(shut, loan, WETH, ETHER, NOON, unchecked=True).amount == ETHER
    assert actions.borrow(shut, loan, USDC, 10**6, NOON, unchecked=True).amount == 10**6
    assert actions.repay(shut, loan, USDC, None, NOON, unchecked=True).amount == 10**9


@pytest.mark.parametrize("version", ALL_RULES)
def test_one_raw_unit_is_an_amount(version) -> None:
    made, loan = loop(market(version), 10 * ETHER, 10**9)
    assert actions.supply(made, loan, WETH, 1, NOON).amount == 1
    assert actions.withdraw(made, loan, WETH, 1, NOON).amount == 1
    assert actions.borrow(made, loan, USDC, 1, NOON).amount == 1
    assert actions.repay(made, loan, USDC, 1, NOON).amount == 1


def test_nothing_moves_when_a_mode_is_set() -> None:
    for version in ALL_RULES:
        made, loan = loop(market(version), 10 * ETHER, 10**9)
        moved = actions.set_emode(made, loan, 0, NOON, unchecked=True)
        assert (moved.market, moved.loan, moved.amount) == (made, loan, 0)
    entered = actions.set_emode(market(AAVE_3_0), NOBODY, 1, NOON)
    assert (entered.loan.emode, entered.amount) == (1, 0)


@pytest.mark.parametrize("idle", [WETH, USDC, WSTETH])
def test_a_collateral_that_counts_for_nothing_hides_no_other(idle) -> None:
    made = market(AAVE_3_0)
    loan = NOBODY
    for asset in (WETH, USDC, WSTETH):
        moved = actions.supply(made, loan, asset, 10 * asset.unit, NOON)
        made, loan = moved.market, moved.loan
    worth = {WETH: 30_000, USDC: 10, WSTETH: 34_500}
    off = changed(made, idle, liquidation_threshold=0)
    counted = loans.summarise(off, loan, NOON).collateral_value
    assert counted == (sum(worth.values()) - worth[idle]) * 10**8


def test_from_3_1_a_loan_may_be_all_that_was_ever_supplied_and_no_more() -> None:
    made = actions.supply(market(AAVE_3_6, deep=0), NOBODY, USDC, 10**9, NOON)
    made = actions.supply(made.market, made.loan, WETH, 10 * ETHER, NOON)
    assert actions.borrow(made.market, made.loan, USDC, 10**9, NOON).amount == 10**9
    refused(Refusal.InvalidAmount, actions.borrow, made.market, made.loan, USDC, 10**9 + 1, NOON)


@pytest.mark.parametrize("version", ALL_RULES)
def test_a_frozen_reserve_still_lets_its_collateral_count_or_not(version) -> None:
    made, loan = loop(market(version), 10 * ETHER, 10**9)
    extra = actions.supply(made, loan, WSTETH, ETHER, NOON)
    frozen = changed(extra.market, WSTETH, frozen=True)
    off = actions.set_collateral(frozen, extra.loan, WSTETH, NOON, counts=False)
    assert off.loan.collaterals == {WETH}
    on = actions.set_collateral(frozen, off.loan, WSTETH, NOON, counts=True)
    assert on.loan.collaterals == {WETH, WSTETH}


@pytest.mark.parametrize("version", ALL_RULES)
def test_a_cap_may_be_reached_to_the_last_unit_with_the_treasurys_share(version) -> None:
    made = actions.supply(market(version, deep=0), NOBODY, WETH, 100 * ETHER, NOON)
    kept = changed(made.market, WETH, supply_cap=102, accrued_to_treasury=ETHER)
    assert actions.supply(kept, made.loan, WETH, ETHER, NOON).amount == ETHER
    refused(Refusal.SupplyCapExceeded, actions.supply, kept, made.loan, WETH, ETHER + 1, NOON)
    owing = actions.borrow(made.market, made.loan, WETH, 5 * ETHER, NOON)
    lent = changed(owing.market, WETH, borrow_cap=7)
    assert actions.borrow(lent, owing.loan, WETH, 2 * ETHER, NOON).amount == 2 * ETHER
    over = 2 * ETHER + 1
    refused(Refusal.BorrowCapExceeded, actions.borrow, lent, owing.loan, WETH, over, NOON)


def test_a_cap_counts_grown_balances_as_the_version_rounds_them() -> None:
    for version, fits in ((AAVE_3_0, 2), (AAVE_3_6, 1)):
        made = market(version, borrow_index=3 * RAY // 2)
        made, loan = loop(made, 10 * ETHER, 3 * 10**6 // 2)
        third = changed(made, USDC, borrow_cap=2, scaled_debt=10**6 + 1)  # 1,500,001.5 owed
        room = 2 * 10**6 - 1_500_001 - fits
        assert actions.borrow(third, loan, USDC, room, NOON).amount == room
        with pytest.raises(ImpossibleError):
            actions.borrow(third, loan, USDC, room + 3, NOON)
