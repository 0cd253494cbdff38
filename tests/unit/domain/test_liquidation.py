"""Liquidation by the rules of 3.0, 3.3 and 3.7, in figures worked out by hand.

The figures of the close factor and of what may be left follow docs/3.3/Aave-v3.3-features.md,
those of the strict rounding docs/3.7/liquidation-rounding.md, both in aave-dao/aave-v3-origin.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.lending_worlds import (
    ALL_RULES,
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
from leverd.domain.fixed_point import RAY, UINT256_MAX, WAD
from leverd.domain.lending import AAVE_3_0, AAVE_3_3, AAVE_3_5, AAVE_3_6, AAVE_3_7, LendingAccount
from leverd.domain.lending_errors import Refusal
from leverd.domain.liquidation import liquidate
from leverd.domain.rates import rates_at
from leverd.domain.reserves import accrued, debt_total
from leverd.errors import ImpossibleError

ETHER = 10**18
NO_FEE = {"liquidation_protocol_fee": 0}


def refused(refusal: Refusal, *args) -> None:
    with pytest.raises(ImpossibleError) as caught:
        liquidate(*args)
    assert caught.value.number == refusal.value


def crashed(version, ethers: int, dollars: int, price: int):
    """Return a long of `ethers` WETH against `dollars`, once ether costs `price` dollars."""
    made, loan = loop(market(version), ethers * ETHER, dollars * 10**6)
    return changed(made, WETH, price=price * DOLLAR), loan


def test_half_the_debt_is_taken_in_3_0_while_health_is_above_0_95() -> None:
    # health = 10 * 2400 * 0.83 / 20000 = 0.996
    made, loan = crashed(AAVE_3_0, 10, 20_000, 2_400)
    taken = liquidate(made, loan, WETH, USDC, UINT256_MAX, NOON)
    assert taken.debt_covered == 10_000 * 10**6
    # 10000 / 2400 floored, times 1.05; a tenth of the bonus of 0.208333.. is the treasury's
    assert taken.collateral_seized + taken.protocol_fee == 4_374_999_999_999_999_999
    assert taken.protocol_fee == 20_833_333_333_333_333
    assert loans.owed(taken.market, taken.loan, USDC, NOON) == 10_000 * 10**6
    assert loans.supplied(taken.market, taken.loan, WETH, NOON) == 5_625_000_000_000_000_001
    assert taken.bad_debt == {}
    treasury_paid = taken.market.reserves[WETH].scaled_supply
    assert made.reserves[WETH].scaled_supply - treasury_paid == taken.collateral_seized


def test_all_of_the_debt_is_taken_in_3_0_from_0_95_down() -> None:
    # health = 10 * 2289 * 0.83 / 20000 = 0.949935
    made, loan = crashed(AAVE_3_0, 10, 20_000, 2_289)
    taken = liquidate(made, loan, WETH, USDC, UINT256_MAX, NOON)
    assert taken.debt_covered == 20_000 * 10**6
    assert taken.loan.debts == {}


def test_in_3_0_a_debt_beyond_the_collateral_stays_with_the_account() -> None:
    made, loan = crashed(AAVE_3_0, 10, 20_000, 1_000)
    taken = liquidate(made, loan, WETH, USDC, UINT256_MAX, NOON)
    assert taken.collateral_seized + taken.protocol_fee == 10 * ETHER
    assert taken.debt_covered == 9_523_809_524  # 10000 / 1.05, to nearest
    assert taken.loan.collaterals == frozenset()
    assert taken.loan.supplies == {}
    assert taken.bad_debt == {}
    assert loans.owed(taken.market, taken.loan, USDC, NOON) == 20_000 * 10**6 - 9_523_809_524


@pytest.mark.parametrize(
    ("version", "covered"),
    [(AAVE_3_0, 9_571_428_571), (AAVE_3_3, 9_571_428_571), (AAVE_3_5, 9_571_428_572),
     (AAVE_3_6, 9_571_428_572), (AAVE_3_7, 9_571_428_572)],
)  # fmt: skip
def test_what_all_collateral_pays_for_is_rounded_up_from_3_5_on(version, covered) -> None:
    made, loan = crashed(version, 10, 20_000, 1_005)
    taken = liquidate(made, loan, WETH, USDC, UINT256_MAX, NOON)
    assert taken.debt_covered == covered  # 10050 / 1.05 is 9571.428571 4..


def test_from_3_3_a_debt_beyond_all_collateral_is_written_off() -> None:
    made, loan = crashed(AAVE_3_3, 10, 20_000, 1_000)
    made = actions.borrow(made, loan, WSTETH, ETHER // 100, NOON, unchecked=True)
    taken = liquidate(made.market, made.loan, WETH, USDC, UINT256_MAX, NOON)
    assert taken.loan.debts == {}
    assert taken.bad_debt == {USDC: 20_000 * 10**6 - 9_523_809_524, WSTETH: ETHER // 100}
    for asset, lost in taken.bad_debt.items():
        assert taken.market.reserves[asset].deficit == lost
        assert taken.market.reserves[asset].scaled_debt == 0
    closed = changed(made.market, WSTETH, active=False)
    kept = liquidate(closed, made.loan, WETH, USDC, UINT256_MAX, NOON)
    assert set(kept.loan.debts) == {WSTETH}


def test_from_3_3_the_close_factor_counts_the_whole_position() -> None:
    # Three debts of 3000 dollars against ether: any one may be covered whole, as it is less
    # than half of all.
    made = actions.supply(market(AAVE_3_6), LendingAccount(), WETH, 4 * ETHER, NOON)
    for asset, raw in ((USDC, 3_000 * 10**6), (WSTETH, 3_000 * ETHER // 3_450), (WETH, ETHER)):
        made = actions.borrow(made.market, made.loan, asset, raw, NOON)
    low = changed(made.market, WETH, price=2_550 * DOLLAR)
    assert 95 * WAD // 100 < loans.summarise(low, made.loan, NOON).health < WAD
    taken = liquidate(low, made.loan, WETH, USDC, UINT256_MAX, NOON)
    assert taken.debt_covered == 3_000 * 10**6


@pytest.mark.parametrize("version", [AAVE_3_3, AAVE_3_6, AAVE_3_7])
def test_from_3_3_a_large_position_above_0_95_is_halved_and_a_small_one_closed(version) -> None:
    made, loan = crashed(version, 10, 20_000, 2_400)
    taken = liquidate(made, loan, WETH, USDC, UINT256_MAX, NOON)
    assert taken.debt_covered == 10_000 * 10**6
    small, owing = loop(market(version), ETHER, 1_999 * 10**6)
    small = changed(small, WETH, price=2_400 * DOLLAR)
    assert liquidate(small, owing, WETH, USDC, UINT256_MAX, NOON).debt_covered == 1_999 * 10**6


def test_from_3_3_no_dust_is_left_behind() -> None:
    made, loan = crashed(AAVE_3_6, 10, 20_000, 2_289)  # health 0.9499: all may be covered
    refused(Refusal.MustNotLeaveDust, made, loan, WETH, USDC, 19_001 * 10**6, NOON)
    assert liquidate(made, loan, WETH, USDC, 19_000 * 10**6, NOON).debt_covered == 19_000 * 10**6
    refused(Refusal.MustNotLeaveDust, made, loan, WETH, USDC, 20_000 * 10**6 - 1, NOON)
    assert liquidate(made, loan, WETH, USDC, 20_000 * 10**6, NOON).loan.debts == {}


def test_up_to_3_4_the_fee_still_counts_as_left_behind() -> None:
    made, loan = crashed(AAVE_3_3, 10, 20_000, 2_000)
    made = changed(made, WETH, liquidation_protocol_fee=10_000)
    before = 17_500 * 10**6  # 9.1875 WETH gone: 0.8125 left are worth 1625; 2500 still owed
    assert liquidate(made, loan, WETH, USDC, before, NOON).debt_covered == before
    tight = 18_200 * 10**6  # 0.445 WETH left are worth 890, with the fee of 0.455 they pass
    assert liquidate(made, loan, WETH, USDC, tight, NOON).debt_covered == tight
    modern = replace(made, rules=AAVE_3_5)
    refused(Refusal.MustNotLeaveDust, modern, loan, WETH, USDC, tight, NOON)


def test_3_7_rounds_every_division_against_the_liquidator() -> None:
    made, loan = crashed(AAVE_3_6, 10, 20_000, 2_289)
    strict = replace(made, rules=AAVE_3_7)
    apart = 0
    for cover in range(10**9, 10**9 + 40):
        loose = liquidate(made, loan, WETH, USDC, cover, NOON)
        tight = liquidate(strict, loan, WETH, USDC, cover, NOON)
        base = cover * ETHER * DOLLAR // (2_289 * DOLLAR * 10**6)
        whole = base * 10_500 // 10_000
        fee = -(-(whole - whole * 10_000 // 10_500) // 10)
        assert tight.collateral_seized == whole - fee
        assert tight.protocol_fee == fee
        assert tight.collateral_seized <= loose.collateral_seized
        apart += tight.collateral_seized < loose.collateral_seized
    assert apart > 0


def test_3_7_counts_what_is_left_in_scaled_units() -> None:
    # Burning and moving both round up: together they may take the last scaled unit although
    # the amounts leave one. 3.6 then strands the other debt; 3.7 sees that nothing is left.
    stranded = 0
    for left in range(120):
        collateral = 6_270 * 10**6 + left % 4  # 1 WETH at 6000 with the bonus, and a little
        made = market(AAVE_3_6, liquidity_index=RAY * (170 + left) // 100)
        put = actions.supply(made, LendingAccount(), USDC, collateral, NOON)
        lent = actions.borrow(put.market, put.loan, WETH, ETHER, NOON)
        lent = actions.borrow(lent.market, lent.loan, WSTETH, ETHER // 10, NOON)
        low = changed(lent.market, WETH, price=6_000 * DOLLAR)
        loose = liquidate(low, lent.loan, USDC, WETH, ETHER, NOON)
        tight = liquidate(replace(low, rules=AAVE_3_7), lent.loan, USDC, WETH, ETHER, NOON)
        nothing = not tight.loan.supplies
        assert (tight.loan.collaterals == frozenset()) == nothing
        assert (tight.loan.debts == {}) == nothing
        stranded += not loose.loan.supplies and loose.loan.debts != {}
    assert stranded > 0


@pytest.mark.parametrize("version", ALL_RULES)
def test_a_collateral_that_is_all_gone_counts_no_more_and_the_other_one_does(version) -> None:
    made = actions.supply(market(version), LendingAccount(), WETH, 10 * ETHER, NOON)
    made = actions.supply(made.market, made.loan, WSTETH, ETHER, NOON)
    made = actions.borrow(made.market, made.loan, USDC, 20_000 * 10**6, NOON)
    low = changed(made.market, WETH, price=1_000 * DOLLAR)
    taken = liquidate(low, made.loan, WETH, USDC, UINT256_MAX, NOON)
    assert taken.loan.supplies == {WSTETH: ETHER}
    assert taken.loan.collaterals == {WSTETH}
    assert taken.bad_debt == {}
    assert taken.loan.debts


def test_a_category_sets_the_bonus() -> None:
    made, loan = loop(market(AAVE_3_6), 10 * ETHER, ETHER, of=WSTETH, owes=WETH)
    loan = actions.set_emode(made, loan, 1, NOON).loan
    moved = actions.borrow(made, loan, WETH, 9 * ETHER + ETHER // 2, NOON)
    low = changed(changed(moved.market, WSTETH, price=3_250 * DOLLAR), WSTETH, **NO_FEE)
    taken = liquidate(low, moved.loan, WSTETH, WETH, ETHER, NOON)
    assert taken.collateral_seized == (ETHER * 3_000 // 3_250 * 10_100 + 5_000) // 10_000
    assert taken.protocol_fee == 0


@pytest.mark.parametrize("version", ALL_RULES)
def test_only_the_sick_are_liquidated_and_only_for_what_they_have(version) -> None:
    well, loan = crashed(version, 10, 20_000, 2_500)
    refused(Refusal.HealthFactorNotBelowThreshold, well, loan, WETH, USDC, 10**9, NOON)
    sick, loan = crashed(version, 10, 20_000, 2_300)
    refused(Refusal.CollateralCannotBeLiquidated, sick, loan, WSTETH, USDC, 10**9, NOON)
    refused(Refusal.SpecifiedCurrencyNotBorrowedByUser, sick, loan, WETH, WSTETH, ETHER, NOON)
    refused(Refusal.ReservePaused, changed(sick, USDC, paused=True), loan, WETH, USDC, 9, NOON)
    empty = changed(sick, WETH, available=0)
    refused(Refusal.InsufficientLiquidity, empty, loan, WETH, USDC, 10**9, NOON)
    refused(Refusal.InvalidBurnAmount, sick, loan, WETH, USDC, 0, NOON)
    wide = changed(sick, WETH, price=10**30, liquidation_threshold=0)
    if version is AAVE_3_0:
        refused(Refusal.CollateralCannotBeLiquidated, wide, loan, WETH, USDC, 10**9, NOON)


def test_a_cover_too_small_to_take_anything_is_refused() -> None:
    # One micro-dollar buys less than one raw unit of an asset with no decimals to speak of.
    made, loan = loop(market(AAVE_3_0), 20_000 * 10**6, 3 * ETHER, of=USDC, owes=WETH)
    made = changed(made, WETH, price=6_000 * DOLLAR)
    refused(Refusal.InvalidBurnAmount, made, loan, USDC, WETH, 1, NOON)


@pytest.mark.parametrize("version", [AAVE_3_0, AAVE_3_3, AAVE_3_6, AAVE_3_7])
def test_one_asset_may_be_both_collateral_and_debt(version) -> None:
    made = actions.supply(market(version), LendingAccount(), WETH, 10 * ETHER, NOON)
    made = actions.supply(made.market, made.loan, USDC, 5_000 * 10**6, NOON)
    made = actions.borrow(made.market, made.loan, USDC, 20_000 * 10**6, NOON)
    low, at = changed(made.market, WETH, price=1_850 * DOLLAR), NOON + 86_400
    before = low.reserves[USDC]
    taken = liquidate(low, made.loan, USDC, USDC, 2_000 * 10**6, at)
    after = taken.market.reserves[USDC]
    assert after.available - before.available == taken.debt_covered - taken.collateral_seized
    once = accrued(before, version, at)
    share = once.accrued_to_treasury - before.accrued_to_treasury
    twice = version is AAVE_3_6  # it accrues both sides from the same old state
    assert share > 0
    assert after.accrued_to_treasury == once.accrued_to_treasury + share * twice
    debt = debt_total(after, version, at)
    known = after.available - taken.debt_covered * (version is AAVE_3_0)  # paid in last
    assert after.borrow_rate == rates_at(after, version, debt, known).borrow


def test_the_fee_is_capped_at_what_rounding_leaves_of_the_collateral() -> None:
    capped = 0
    for extra in range(60):
        made = market(AAVE_3_0, liquidity_index=RAY * 17 // 10)
        put = actions.supply(made, LendingAccount(), WETH, ETHER + extra, NOON)
        lent = actions.borrow(put.market, put.loan, USDC, 2_000 * 10**6, NOON)
        low = changed(lent.market, WETH, price=1_000 * DOLLAR)
        held = loans.supplied(low, lent.loan, WETH, NOON)
        taken = liquidate(low, lent.loan, WETH, USDC, UINT256_MAX, NOON)
        assert taken.loan.supplies.get(WETH, 0) <= 1
        capped += taken.collateral_seized + taken.protocol_fee != held
    assert capped > 0


@given(rules, st.integers(10**15, 10**22), st.integers(50, 99), seconds, st.integers(1, 100))
def test_a_liquidation_lowers_debt_and_moves_exactly_what_it_says(
    version, amount, share, elapsed, part
) -> None:
    debt = amount * 3_000 * 80 // 10**14
    made, loan = loop(market(version), amount, debt)
    at = NOON + elapsed
    limit = loans.liquidation_price(made, loan, WETH, at)
    assert limit is not None
    low = changed(made, WETH, price=limit * share // 100 or 1)
    before, owed = low.reserves, loans.owed(low, loan, USDC, at)
    cover = owed * part // 100 + 1
    dust = version is not AAVE_3_0 and part < 100
    taken = _liquidated(low, loan, owed + 1 if dust and part % 2 else cover, at)
    if taken is None:
        assert dust
        return
    after = taken.market.reserves
    assert after[USDC].available - before[USDC].available == taken.debt_covered
    assert before[WETH].available - after[WETH].available == taken.collateral_seized
    assert loans.owed(taken.market, taken.loan, USDC, at) < owed
    assert 0 < taken.debt_covered <= owed
    held = loans.supplied(low, loan, WETH, at)
    left = loans.supplied(taken.market, taken.loan, WETH, at)
    assert abs(held - left - taken.collateral_seized - taken.protocol_fee) <= 3
    value = taken.collateral_seized * low.reserves[WETH].price // ETHER
    assert value <= taken.debt_covered * 100 * 105 // 100 + 2 + low.reserves[WETH].price // 10**17


def _liquidated(made, loan, cover, at):
    """Return what covering `cover` USDC leads to, or None where it would leave dust."""
    try:
        return liquidate(made, loan, WETH, USDC, cover, at)
    except ImpossibleError as refusal:
        if refusal.number != Refusal.MustNotLeaveDust.value:
            raise
        return None


@pytest.mark.parametrize("version", ALL_RULES)
def test_a_health_of_exactly_one_is_no_reason_to_liquidate(version) -> None:
    made, loan = loop(market(version), 10 * ETHER, 20_750 * 10**6)
    at_one = changed(made, WETH, price=2_500 * DOLLAR)  # 10 * 2500 * 0.83 is 20750
    assert loans.summarise(at_one, loan, NOON).health == WAD
    refused(Refusal.HealthFactorNotBelowThreshold, at_one, loan, WETH, USDC, 10**9, NOON)
    below = changed(made, WETH, price=2_500 * DOLLAR - 1)
    assert liquidate(below, loan, WETH, USDC, 10**9, NOON).debt_covered == 10**9
