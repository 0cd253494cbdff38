"""What an account has in a lending market, valued as the contract values it.

Source: Aave's GenericLogic.calculateUserAccountData. Values are USD 1e8, parameters basis
points, health wad.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from leverd.domain.fixed_point import WAD
from leverd.domain.health import available_borrows, health_of, value_owed, value_owned
from leverd.domain.keeping import kept
from leverd.domain.lending import (
    EMode,
    EModeRules,
    LendingAccount,
    LendingMarket,
    LendingRules,
    Reserve,
)
from leverd.domain.money import Asset
from leverd.domain.reserves import normalized_debt, normalized_income, reserve_of
from leverd.domain.scaled import debt_balance, supply_balance
from leverd.domain.stake import Stake, first_bad_price


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


class Terms(NamedTuple):
    """What one asset counts for as this account's collateral; all bps."""

    ltv: int
    threshold: int
    bonus: int


def supplied(market: LendingMarket, loan: LendingAccount, asset: Asset, at: int) -> int:
    """Return how much of `asset` (raw) the account could withdraw at `at`, were it all there."""
    scaled = loan.supplies.get(asset, 0)
    return _supplied(reserve_of(market, asset), market.rules, scaled, at) if scaled else 0


def owed(market: LendingMarket, loan: LendingAccount, asset: Asset, at: int) -> int:
    """Return how much of `asset` (raw) the account owes at `at`."""
    scaled = loan.debts.get(asset, 0)
    return _owed(reserve_of(market, asset), market.rules, scaled, at) if scaled else 0


def terms(market: LendingMarket, loan: LendingAccount, asset: Asset) -> Terms:
    """Return what `asset` counts for as collateral, in the account's efficiency mode."""
    return terms_in(reserve_of(market, asset), market.emodes.get(loan.emode), market.rules)


def terms_in(reserve: Reserve, emode: EMode | None, rules: LendingRules) -> Terms:
    """Return what a reserve's asset counts for as collateral inside `emode` (or none)."""
    params = reserve.params
    if emode is None or reserve.asset not in emode.collaterals:
        return Terms(params.ltv, params.liquidation_threshold, params.liquidation_bonus)
    coupled = rules.emode is EModeRules.COUPLED
    barred = params.ltv == 0 if coupled else reserve.asset in emode.zero_ltv
    return Terms(0 if barred else emode.ltv, emode.liquidation_threshold, emode.liquidation_bonus)


def counts_as_collateral(market: LendingMarket, loan: LendingAccount, asset: Asset) -> bool:
    """Return whether the account's supply of `asset` backs its debts."""
    return asset in loan.collaterals and _counts(reserve_of(market, asset), market.rules)


@kept(64)
def summarise(market: LendingMarket, loan: LendingAccount, at: int) -> LoanSummary:
    """Return the account's values, limits and health at chain time `at`, to the wei."""
    rules, emode = market.rules, market.emodes.get(loan.emode)
    collateral = ltv_weighted = threshold_weighted = debt = 0
    zero_ltv = False
    for asset in loan.collaterals:
        reserve = reserve_of(market, asset)
        if not _counts(reserve, rules):
            continue
        scaled = loan.supplies.get(asset, 0)
        value = value_owned(_supplied(reserve, rules, scaled, at), reserve) if scaled else 0
        count = terms_in(reserve, emode, rules)
        collateral += value
        ltv_weighted += value * count.ltv
        threshold_weighted += value * count.threshold
        zero_ltv = zero_ltv or count.ltv == 0
    for asset, scaled in loan.debts.items():
        if scaled:
            reserve = reserve_of(market, asset)
            debt += value_owed(_owed(reserve, rules, scaled, at), reserve, rules)
    ltv = ltv_weighted // collateral if collateral else 0
    return LoanSummary(
        collateral,
        debt,
        available_borrows(collateral, debt, ltv, rules),
        threshold_weighted // collateral if collateral else 0,
        ltv,
        health_of(collateral, threshold_weighted, debt, rules),
        zero_ltv,
    )


def liquidation_price(
    market: LendingMarket, loan: LendingAccount, asset: Asset, at: int
) -> int | None:
    """Return the first oracle price of `asset` (USD 1e8) on its bad side with health below 1.

    Of a collateral it is the highest such price: from there down the account can be
    liquidated. Of a debt it is the lowest. None when no price of `asset` alone can do it.
    """
    return first_bad_price(_stake_of(market, loan, asset, at))


def distance_to_liquidation(
    market: LendingMarket, loan: LendingAccount, asset: Asset, at: int
) -> Decimal | None:
    """Return by what fraction of itself `asset`'s price may move before health is below 1.

    Zero when it already is; None when no price of `asset` alone can do it.
    """
    limit = liquidation_price(market, loan, asset, at)
    if limit is None:
        return None
    if summarise(market, loan, at).health < WAD:
        return Decimal(0)
    price = reserve_of(market, asset).price
    return abs(Decimal(price - limit)) / Decimal(price)


def _supplied(reserve: Reserve, rules: LendingRules, scaled: int, at: int) -> int:
    return supply_balance(scaled, normalized_income(reserve, at), rules.rounding)


def _owed(reserve: Reserve, rules: LendingRules, scaled: int, at: int) -> int:
    return debt_balance(scaled, normalized_debt(reserve, rules, at), rules.rounding)


def _counts(reserve: Reserve, rules: LendingRules) -> bool:
    """Whether a supply that is switched on as collateral backs debts."""
    return rules.emode is not EModeRules.COUPLED or reserve.params.liquidation_threshold != 0


def _stake_of(market: LendingMarket, loan: LendingAccount, asset: Asset, at: int) -> Stake:
    counts = counts_as_collateral(market, loan, asset)
    grows = supplied(market, loan, asset, at) if counts else 0
    owes = owed(market, loan, asset, at)
    threshold = terms(market, loan, asset).threshold
    collateral = weighted = 0
    for other in loan.collaterals - {asset}:
        if counts_as_collateral(market, loan, other):
            value = value_owned(supplied(market, loan, other, at), reserve_of(market, other))
            collateral += value
            weighted += value * terms(market, loan, other).threshold
    debt = sum(
        value_owed(owed(market, loan, other, at), reserve_of(market, other), market.rules)
        for other in loan.debts
        if other != asset
    )
    return Stake(
        grows=grows,
        owes=owes,
        threshold=threshold,
        unit=asset.unit,
        collateral=collateral,
        weighted=weighted,
        debt=debt,
        rules=market.rules,
    )
