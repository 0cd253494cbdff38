"""Liquidation, by the rules of Aave 3.0, of 3.3 and later, and of 3.7.

Source: Aave's LiquidationLogic. The liquidator takes the underlying, not receipt tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from leverd.domain import lending_checks as checks
from leverd.domain import loans
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import (
    LendingAccount,
    LendingMarket,
    LendingRules,
    LiquidationRules,
    Reserve,
    Rounding,
)
from leverd.domain.lending_errors import Refusal, refuse
from leverd.domain.money import Asset
from leverd.domain.reserves import accrued, reserve_of, with_liquidity, with_reserve
from leverd.domain.scaled import debt_balance, debt_burned, supply_balance, supply_burned
from leverd.domain.seizure import Seizure, check_no_dust, ends, most_covered, seizure_of


@dataclass(frozen=True, slots=True)
class Liquidation:
    """What a liquidation does: the market and account after it, and the amounts (raw)."""

    market: LendingMarket
    loan: LendingAccount
    debt_covered: int  # the liquidator pays this in
    collateral_seized: int  # and takes this out
    protocol_fee: int  # collateral that moves to the treasury, as receipt tokens
    bad_debt: Mapping[Asset, int] = field(default_factory=dict)  # written off, by asset


def liquidate(
    market: LendingMarket,
    loan: LendingAccount,
    collateral: Asset,
    debt: Asset,
    debt_to_cover: int,
    at: int,
) -> Liquidation:
    """Return what repaying up to `debt_to_cover` of `debt` for `collateral` leads to at `at`.

    Raises:
        ImpossibleError: the pool would refuse it; the message starts with its own error.
    """
    rules = market.rules
    now = loans.summarise(market, loan, at)
    _check(market, loan, collateral, debt, now.health)
    owed = loans.owed(market, loan, debt, at)
    balance = loans.supplied(market, loan, collateral, at)
    most = most_covered(market, now, collateral, debt, owed=owed, balance=balance)
    seizure = seizure_of(market, loan, collateral, debt, min(debt_to_cover, most), balance)
    checks.check_liquidity(reserve_of(market, collateral), seizure.seized)
    modern = rules.liquidation is not LiquidationRules.V3_0
    if modern:
        check_no_dust(market, seizure, collateral, debt, owed=owed, balance=balance)
    if collateral == debt and _reads_before_accruing(rules):
        market = _accrued_once_more(market, debt, at)
    emptied, ruined = ends(market, loan, now, collateral, seizure, at)
    after = loan
    if emptied:
        after = replace(after, collaterals=after.collaterals - {collateral})
    written_off: dict[Asset, int] = {}
    market, after, lost = _burn_debt(market, after, debt, seizure.debt_covered, at, ruined=ruined)
    if lost:
        written_off[debt] = lost
    market, after, fee = _take(market, after, collateral, debt, seizure, at)
    if ruined:
        for other in tuple(after.debts):
            if not reserve_of(market, other).params.active:
                continue
            market, after, lost = _burn_debt(market, after, other, 0, at, ruined=True)
            written_off[other] = lost
    return Liquidation(market, after, seizure.debt_covered, seizure.seized, fee, written_off)


def _check(
    market: LendingMarket, loan: LendingAccount, collateral: Asset, debt: Asset, health: int
) -> None:
    for asset in (collateral, debt):
        checks.check_open(reserve_of(market, asset), growing=False)
    if health >= WAD:
        refuse(Refusal.HealthFactorNotBelowThreshold, f"health is {health}")
    if not loans.counts_as_collateral(market, loan, collateral):
        refuse(Refusal.CollateralCannotBeLiquidated, collateral.symbol)
    if not loan.debts.get(debt, 0):
        refuse(Refusal.SpecifiedCurrencyNotBorrowedByUser, debt.symbol)


def _reads_before_accruing(rules: LendingRules) -> bool:
    directed = rules.rounding is Rounding.DIRECTED
    return directed and rules.liquidation is LiquidationRules.V3_3


def _accrued_once_more(market: LendingMarket, asset: Asset, at: int) -> LendingMarket:
    """Return the market with the treasury's share of `asset` taken twice.

    In 3.5 and 3.6 the pool reads both sides of a liquidation before it accrues either; where
    they are one reserve, the second accrual starts from the same old state as the first.
    """
    before = reserve_of(market, asset)
    once = accrued(before, market.rules, at)
    share = once.accrued_to_treasury - before.accrued_to_treasury
    return with_reserve(market, replace(once, accrued_to_treasury=once.accrued_to_treasury + share))


def _burn_debt(
    market: LendingMarket,
    loan: LendingAccount,
    asset: Asset,
    covered: int,
    at: int,
    *,
    ruined: bool,
) -> tuple[LendingMarket, LendingAccount, int]:
    """Return both after `covered` is repaid and, if `ruined`, the rest written off."""
    rules = market.rules
    reserve = accrued(reserve_of(market, asset), rules, at)
    held = loan.debts[asset]
    owed = debt_balance(held, reserve.borrow_index, rules.rounding)
    burned = debt_burned(owed if ruined else covered, reserve.borrow_index, rules.rounding)
    if not burned:
        refuse(Refusal.InvalidBurnAmount, f"{covered} {asset.symbol} is less than a scaled unit")
    lost = owed - covered if ruined else 0
    reserve = replace(
        reserve, scaled_debt=reserve.scaled_debt - burned, deficit=reserve.deficit + lost
    )
    debts = {**loan.debts, asset: held - burned}
    if not debts[asset]:
        del debts[asset]
    market = with_reserve(market, with_liquidity(reserve, rules, added=covered))
    return market, replace(loan, debts=debts), lost


def _take(
    market: LendingMarket,
    loan: LendingAccount,
    collateral: Asset,
    debt: Asset,
    seizure: Seizure,
    at: int,
) -> tuple[LendingMarket, LendingAccount, int]:
    """Return both after the collateral left, and the fee (raw) that the treasury really got."""
    rules = market.rules
    reserve = accrued(reserve_of(market, collateral), rules, at)
    index = reserve.liquidity_index
    burned = supply_burned(seizure.seized, index, rules.rounding)
    if not burned:
        refuse(Refusal.InvalidBurnAmount, f"{seizure.seized} {collateral.symbol} is too little")
    held = loan.supplies[collateral] - burned
    fee_scaled = supply_burned(seizure.fee, index, rules.rounding)
    fee = seizure.fee
    if fee_scaled > held:
        fee_scaled, fee = held, supply_balance(held, index, rules.rounding)
    supplies = {**loan.supplies, collateral: held - fee_scaled}
    if not supplies[collateral]:
        del supplies[collateral]
    reserve = replace(reserve, scaled_supply=reserve.scaled_supply - burned)
    reserve = _taken(reserve, rules, seizure, same=collateral == debt)
    return with_reserve(market, reserve), replace(loan, supplies=supplies), fee


def _taken(reserve: Reserve, rules: LendingRules, seizure: Seizure, *, same: bool) -> Reserve:
    """Return the reserve after the underlying left, its rates as the contract sets them."""
    if not same or rules.liquidation is not LiquidationRules.V3_0:
        return with_liquidity(reserve, rules, taken=seizure.seized)
    # Aave 3.0 pulls the repayment in last, so these rates do not know of it yet.
    paid_in = seizure.debt_covered
    before = replace(reserve, available=reserve.available - paid_in)
    after = with_liquidity(before, rules, taken=seizure.seized)
    return replace(after, available=after.available + paid_in)
