"""Liquidation, by the rules of Aave 3.0, of 3.3 and later, and of 3.7.

Source: Aave's LiquidationLogic. The liquidator takes the underlying, not receipt tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from leverd.domain import lending_checks as checks
from leverd.domain import loans
from leverd.domain.fixed_point import (
    BPS,
    WAD,
    mul_div_down,
    mul_div_up,
    percent_div,
    percent_mul,
)
from leverd.domain.health import value_owed, value_owned
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

CLOSE_FACTOR: Final = 5_000  # bps of the debt, while health is above the next line
CLOSE_FACTOR_HEALTH: Final = 95 * WAD // 100
LARGE_VALUE: Final = 2_000 * 10**8  # USD 1e8; smaller positions may be closed whole
LEFTOVER_MIN: Final = LARGE_VALUE // 2  # USD 1e8; nothing smaller is left behind


@dataclass(frozen=True, slots=True)
class Liquidation:
    """What a liquidation does: the market and account after it, and the amounts (raw)."""

    market: LendingMarket
    loan: LendingAccount
    debt_covered: int  # the liquidator pays this in
    collateral_seized: int  # and takes this out
    protocol_fee: int  # collateral that moves to the treasury, as receipt tokens
    bad_debt: Mapping[Asset, int] = field(default_factory=dict)  # written off, by asset


@dataclass(frozen=True, slots=True)
class _Seizure:
    debt_covered: int
    seized: int
    fee: int
    value: int  # of seized and fee together, USD 1e8


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
    most = _most_covered(market, now, collateral, debt, owed=owed, balance=balance)
    seizure = _seizure(market, loan, collateral, debt, min(debt_to_cover, most), balance)
    checks.check_liquidity(reserve_of(market, collateral), seizure.seized)
    modern = rules.liquidation is not LiquidationRules.V3_0
    if modern:
        _check_no_dust(market, seizure, collateral, debt, owed=owed, balance=balance)
    if collateral == debt and _reads_before_accruing(rules):
        market = _accrued_once_more(market, debt, at)
    emptied, ruined = _ends(market, loan, now, collateral, seizure, at)
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


def _most_covered(
    market: LendingMarket,
    now: loans.LoanSummary,
    collateral: Asset,
    debt: Asset,
    *,
    owed: int,
    balance: int,
) -> int:
    """Return how much debt (raw) the close factor lets one call cover."""
    rules = market.rules
    mild = now.health > CLOSE_FACTOR_HEALTH
    if rules.liquidation is LiquidationRules.V3_0:
        return percent_mul(owed, CLOSE_FACTOR if mild else BPS)
    reserve = reserve_of(market, debt)
    debt_value = value_owed(owed, reserve, rules)
    collateral_value = value_owned(balance, reserve_of(market, collateral))
    if min(debt_value, collateral_value) < LARGE_VALUE or not mild:
        return owed
    half = percent_mul(now.debt_value, CLOSE_FACTOR)
    return half * debt.unit // reserve.price if debt_value > half else owed


def _seizure(
    market: LendingMarket,
    loan: LendingAccount,
    collateral: Asset,
    debt: Asset,
    to_cover: int,
    balance: int,
) -> _Seizure:
    """Return what `to_cover` raw units of debt take, and what of it the protocol keeps."""
    paid, taken = reserve_of(market, debt), reserve_of(market, collateral)
    bonus = loans.terms(market, loan, collateral).bonus
    strict = market.rules.liquidation is LiquidationRules.V3_7
    base = paid.price * to_cover * collateral.unit // (taken.price * debt.unit)
    amount = mul_div_down(base, bonus, BPS) if strict else percent_mul(base, bonus)
    if amount > balance:
        amount = balance
        worth = taken.price * balance * debt.unit // (paid.price * collateral.unit)
        up = market.rules.rounding is Rounding.DIRECTED
        to_cover = mul_div_up(worth, BPS, bonus) if up else percent_div(worth, bonus)
    value = value_owned(amount, taken)
    fee_bps = taken.params.liquidation_protocol_fee
    if strict:
        extra = amount - mul_div_down(amount, BPS, bonus)
        fee = mul_div_up(extra, fee_bps, BPS)
    else:
        fee = percent_mul(amount - percent_div(amount, bonus), fee_bps)
    return _Seizure(debt_covered=to_cover, seized=amount - fee, fee=fee, value=value)


def _check_no_dust(
    market: LendingMarket,
    seizure: _Seizure,
    collateral: Asset,
    debt: Asset,
    *,
    owed: int,
    balance: int,
) -> None:
    left = balance - seizure.seized - seizure.fee
    unpaid = owed - seizure.debt_covered
    if left <= 0 or unpaid <= 0:
        return
    if market.rules.rounding is Rounding.HALF_UP:
        left += seizure.fee  # up to 3.4 the fee was still counted as the account's
    left_value = value_owned(left, reserve_of(market, collateral))
    unpaid_value = value_owed(unpaid, reserve_of(market, debt), market.rules)
    if min(left_value, unpaid_value) < LEFTOVER_MIN:
        refuse(
            Refusal.MustNotLeaveDust,
            f"{left_value} of collateral and {unpaid_value} of debt would be left (USD 1e8)",
        )


def _ends(
    market: LendingMarket,
    loan: LendingAccount,
    now: loans.LoanSummary,
    collateral: Asset,
    seizure: _Seizure,
    at: int,
) -> tuple[bool, bool]:
    """Return whether this collateral stops counting, and whether none at all is left."""
    rules = market.rules
    if rules.liquidation is not LiquidationRules.V3_7:
        balance = loans.supplied(market, loan, collateral, at)
        modern = rules.liquidation is not LiquidationRules.V3_0
        ruined = modern and now.collateral_value == seizure.value
        return seizure.seized + seizure.fee == balance, ruined
    reserve, held = accrued(reserve_of(market, collateral), rules, at), loan.supplies[collateral]
    index = reserve.liquidity_index
    gone = min(
        supply_burned(seizure.seized, index, rules.rounding)
        + supply_burned(seizure.fee, index, rules.rounding),
        held,
    )
    lost = value_owned(supply_balance(gone, index, rules.rounding), reserve)
    ruined = lost == now.collateral_value
    return gone == held or ruined, ruined


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
    seizure: _Seizure,
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


def _taken(reserve: Reserve, rules: LendingRules, seizure: _Seizure, *, same: bool) -> Reserve:
    """Return the reserve after the underlying left, its rates as the contract sets them."""
    if not same or rules.liquidation is not LiquidationRules.V3_0:
        return with_liquidity(reserve, rules, taken=seizure.seized)
    # Aave 3.0 pulls the repayment in last, so these rates do not know of it yet.
    paid_in = seizure.debt_covered
    before = replace(reserve, available=reserve.available - paid_in)
    after = with_liquidity(before, rules, taken=seizure.seized)
    return replace(after, available=after.available + paid_in)
