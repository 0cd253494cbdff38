"""What an account has in a lending market, valued as the contract values it.

Source: Aave's GenericLogic.calculateUserAccountData. Values are USD 1e8, parameters basis
points, health wad.
"""

from __future__ import annotations

from dataclasses import dataclass

from leverd.domain.fixed_point import (
    BPS,
    mul_div_down,
    mul_div_up,
    percent_mul,
    wad_div,
)
from leverd.domain.lending import (
    INFINITE_HEALTH,
    EMode,
    EModeRules,
    LendingAccount,
    LendingMarket,
    LendingRules,
    Reserve,
    Rounding,
)
from leverd.domain.money import Asset
from leverd.domain.reserves import normalized_debt, normalized_income, reserve_of
from leverd.domain.scaled import debt_balance, supply_balance


@dataclass(frozen=True, slots=True)
class LoanSummary:
    """An account in one lending market, as getUserAccountData reports it."""

    collateral_value: int  # USD 1e8
    debt_value: int  # USD 1e8
    available_borrows: int  # USD 1e8
    threshold: int  # bps, average weighted by value
    ltv: int  # bps, average weighted by value
    health: int  # wad, INFINITE_HEALTH without debt
    zero_ltv_collateral: bool  # a collateral that may not be borrowed against any more


@dataclass(frozen=True, slots=True)
class Terms:
    """What one asset counts for as this account's collateral; all bps."""

    ltv: int
    threshold: int
    bonus: int


def supplied(market: LendingMarket, loan: LendingAccount, asset: Asset, at: int) -> int:
    """Return how much of `asset` (raw) the account could withdraw at `at`, were it all there."""
    scaled = loan.supplies.get(asset, 0)
    if not scaled:
        return 0
    index = normalized_income(reserve_of(market, asset), at)
    return supply_balance(scaled, index, market.rules.rounding)


def owed(market: LendingMarket, loan: LendingAccount, asset: Asset, at: int) -> int:
    """Return how much of `asset` (raw) the account owes at `at`."""
    scaled = loan.debts.get(asset, 0)
    if not scaled:
        return 0
    index = normalized_debt(reserve_of(market, asset), market.rules, at)
    return debt_balance(scaled, index, market.rules.rounding)


def terms(market: LendingMarket, loan: LendingAccount, asset: Asset) -> Terms:
    """Return what `asset` counts for as collateral, in the account's efficiency mode."""
    return terms_in(reserve_of(market, asset), market.emodes.get(loan.emode), market.rules)


def terms_in(reserve: Reserve, emode: EMode | None, rules: LendingRules) -> Terms:
    """Return what a reserve's asset counts for as collateral inside `emode` (or none)."""
    params = reserve.params
    if emode is None or reserve.asset not in emode.collaterals:
        return Terms(params.ltv, params.liquidation_threshold, params.liquidation_bonus)
    coupled_out = rules.emode is EModeRules.COUPLED and params.ltv == 0
    ltv = 0 if coupled_out else emode.ltv
    return Terms(ltv, emode.liquidation_threshold, emode.liquidation_bonus)


def counts_as_collateral(market: LendingMarket, loan: LendingAccount, asset: Asset) -> bool:
    """Return whether the account's supply of `asset` backs its debts."""
    if asset not in loan.collaterals:
        return False
    coupled = market.rules.emode is EModeRules.COUPLED
    return not coupled or reserve_of(market, asset).params.liquidation_threshold != 0


def value_owned(amount: int, reserve: Reserve) -> int:
    """Return what `amount` raw units are worth as collateral (USD 1e8), rounded down."""
    return mul_div_down(amount, reserve.price, reserve.asset.unit)


def value_owed(amount: int, reserve: Reserve, rules: LendingRules) -> int:
    """Return what `amount` raw units of debt are worth (USD 1e8); up from Aave 3.5, else down."""
    divide = mul_div_up if rules.rounding is Rounding.DIRECTED else mul_div_down
    return divide(amount, reserve.price, reserve.asset.unit)


def summarise(market: LendingMarket, loan: LendingAccount, at: int) -> LoanSummary:
    """Return the account's values, limits and health at chain time `at`, to the wei."""
    collateral = ltv_weighted = threshold_weighted = 0
    zero_ltv = False
    for asset in loan.collaterals:
        if not counts_as_collateral(market, loan, asset):
            continue
        value = value_owned(supplied(market, loan, asset, at), reserve_of(market, asset))
        count = terms(market, loan, asset)
        collateral += value
        ltv_weighted += value * count.ltv
        threshold_weighted += value * count.threshold
        zero_ltv = zero_ltv or count.ltv == 0
    debt = sum(
        value_owed(owed(market, loan, asset, at), reserve_of(market, asset), market.rules)
        for asset in loan.debts
    )
    ltv = ltv_weighted // collateral if collateral else 0
    return LoanSummary(
        collateral_value=collateral,
        debt_value=debt,
        available_borrows=available_borrows(collateral, debt, ltv, market.rules),
        threshold=threshold_weighted // collateral if collateral else 0,
        ltv=ltv,
        health=health_of(collateral, threshold_weighted, debt, market.rules),
        zero_ltv_collateral=zero_ltv,
    )


def available_borrows(collateral: int, debt: int, ltv: int, rules: LendingRules) -> int:
    """Return what may still be borrowed (USD 1e8) at average `ltv` (bps)."""
    if rules.rounding is Rounding.DIRECTED:
        return max(mul_div_down(collateral, ltv, BPS) - debt, 0)
    return max(percent_mul(collateral, ltv) - debt, 0)


def health_of(collateral: int, threshold_weighted: int, debt: int, rules: LendingRules) -> int:
    """Return the health factor (wad) of values (USD 1e8); `threshold_weighted` is x bps.

    Aave up to 3.4 first floors the average threshold to a basis point; from 3.5 it does not.
    """
    if not debt:
        return INFINITE_HEALTH
    if rules.rounding is Rounding.DIRECTED:
        return wad_div(threshold_weighted, debt) // BPS
    average = threshold_weighted // collateral if collateral else 0
    return wad_div(percent_mul(collateral, average), debt)
