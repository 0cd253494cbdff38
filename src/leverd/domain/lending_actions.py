"""What an account does in a lending market: pure functions from records to records.

Each accrues the reserve to `at` (or takes the indexes a receipt tells), checks what the
pool checks, and returns the market and the account as the contract leaves them, to the wei.
`unchecked` skips those checks: the chain has already accepted the action, maybe at prices
and caps we have not read. Source: Aave's SupplyLogic, BorrowLogic and EModeLogic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leverd.domain import lending_checks as checks
from leverd.domain import loans
from leverd.domain.changed import changed
from leverd.domain.lending import (
    EModeRules,
    LendingAccount,
    LendingMarket,
    Rounding,
)
from leverd.domain.lending_errors import Refusal, refuse
from leverd.domain.money import Asset
from leverd.domain.reserves import accrued, reserve_of, with_liquidity, with_reserve
from leverd.domain.scaled import (
    debt_balance,
    debt_burned,
    debt_minted,
    supply_balance,
    supply_burned,
    supply_minted,
)


@dataclass(frozen=True, slots=True)
class Moved:
    """The market and the account after an action, and the raw amount that really moved."""

    market: LendingMarket
    loan: LendingAccount
    amount: int


def supply(
    market: LendingMarket,
    loan: LendingAccount,
    asset: Asset,
    amount: int,
    at: int,
    *,
    indexes: tuple[int, int] | None = None,
    unchecked: bool = False,
) -> Moved:
    """Return what supplying `amount` raw units leads to; a first supply becomes collateral.

    Raises:
        ImpossibleError: the pool would refuse it; the message starts with its own error.
    """
    rules = market.rules
    reserve = accrued(reserve_of(market, asset), rules, at, indexes=indexes)
    minted = supply_minted(amount, reserve.liquidity_index, rules.rounding)
    if not unchecked:
        _check_amount(amount, minted, rules.rounding)
        checks.check_open(reserve, growing=True)
        checks.check_supply_cap(reserve, rules, amount, minted)
    if not minted:
        refuse(Refusal.InvalidMintAmount, f"{amount} {asset.symbol} is less than a scaled unit")
    held = loan.supplies.get(asset, 0)
    after = changed(loan, supplies=_with(loan.supplies, asset, held + minted))
    if not held and loans.terms(market, loan, asset).ltv:
        after = changed(after, collaterals=after.collaterals | {asset})
    settled = with_liquidity(reserve, rules, added=amount, supplied=minted)
    return Moved(with_reserve(market, settled), after, amount)


def withdraw(
    market: LendingMarket,
    loan: LendingAccount,
    asset: Asset,
    amount: int | None,
    at: int,
    *,
    indexes: tuple[int, int] | None = None,
    unchecked: bool = False,
) -> Moved:
    """Return what withdrawing `amount` raw units (None: all) leads to.

    Raises:
        ImpossibleError: the pool would refuse it; the message starts with its own error.
    """
    rules = market.rules
    reserve = accrued(reserve_of(market, asset), rules, at, indexes=indexes)
    held = loan.supplies.get(asset, 0)
    balance = supply_balance(held, reserve.liquidity_index, rules.rounding)
    raw = balance if amount is None else amount
    burned = supply_burned(raw, reserve.liquidity_index, rules.rounding)
    if amount is None and rules.rounding is Rounding.DIRECTED:
        burned = held
    if raw > balance or burned > held:
        refuse(Refusal.NotEnoughAvailableUserBalance, f"{raw} of {balance} {asset.symbol}")
    _check_amount(raw, burned, rules.rounding)
    if not unchecked:
        checks.check_open(reserve, growing=False)
        checks.check_liquidity(reserve, raw)
    if not burned:
        refuse(Refusal.InvalidBurnAmount, f"{raw} {asset.symbol} is less than a scaled unit")
    gone = burned == held if rules.rounding is Rounding.DIRECTED else raw == balance
    after = changed(loan, supplies=_with(loan.supplies, asset, held - burned))
    if gone:
        after = changed(after, collaterals=after.collaterals - {asset})
    settled = with_reserve(market, with_liquidity(reserve, rules, taken=raw, supplied=-burned))
    if not unchecked and asset in loan.collaterals and after.debts:
        checks.check_release(settled, after, asset, at)
    return Moved(settled, after, raw)


def borrow(
    market: LendingMarket,
    loan: LendingAccount,
    asset: Asset,
    amount: int,
    at: int,
    *,
    indexes: tuple[int, int] | None = None,
    unchecked: bool = False,
) -> Moved:
    """Return what borrowing `amount` raw units leads to.

    Raises:
        ImpossibleError: the pool would refuse it; the message starts with its own error.
    """
    rules = market.rules
    reserve = accrued(reserve_of(market, asset), rules, at, indexes=indexes)
    minted = debt_minted(amount, reserve.borrow_index, rules.rounding)
    before_minting = rules.rounding is Rounding.HALF_UP
    if not unchecked:
        _check_amount(amount, minted, rules.rounding)
        checks.check_borrowable(market, loan, reserve, amount, minted)
        if before_minting:
            checks.check_may_borrow(with_reserve(market, reserve), loan, asset, amount, at)
        checks.check_liquidity(reserve, amount)
    if not minted:
        refuse(Refusal.InvalidMintAmount, f"{amount} {asset.symbol} is less than a scaled unit")
    after = changed(loan, debts=_with(loan.debts, asset, loan.debts.get(asset, 0) + minted))
    settled = with_reserve(market, with_liquidity(reserve, rules, taken=amount, owed=minted))
    if not unchecked and not before_minting:
        checks.check_covered(settled, after, at)
    return Moved(settled, after, amount)


def repay(
    market: LendingMarket,
    loan: LendingAccount,
    asset: Asset,
    amount: int | None,
    at: int,
    *,
    indexes: tuple[int, int] | None = None,
    unchecked: bool = False,
) -> Moved:
    """Return what repaying `amount` raw units (None: all), at most the debt, leads to.

    Raises:
        ImpossibleError: the pool would refuse it; the message starts with its own error.
    """
    rules = market.rules
    reserve = accrued(reserve_of(market, asset), rules, at, indexes=indexes)
    held = loan.debts.get(asset, 0)
    debt = debt_balance(held, reserve.borrow_index, rules.rounding)
    if amount == 0:
        refuse(Refusal.InvalidAmount, "nothing to repay with")
    if not debt:
        refuse(Refusal.NoDebtOfSelectedType, f"no {asset.symbol} is owed")
    raw = debt if amount is None else min(amount, debt)
    burned = debt_burned(raw, reserve.borrow_index, rules.rounding)
    if not unchecked:
        checks.check_open(reserve, growing=False)
    if not burned:
        refuse(Refusal.InvalidBurnAmount, f"{raw} {asset.symbol} is less than a scaled unit")
    after = changed(loan, debts=_with(loan.debts, asset, held - burned))
    settled = with_liquidity(reserve, rules, added=raw, owed=-burned)
    return Moved(with_reserve(market, settled), after, raw)


def set_emode(
    market: LendingMarket,
    loan: LendingAccount,
    category: int,
    at: int,
    *,
    unchecked: bool = False,
) -> Moved:
    """Return what entering efficiency mode `category` (0 leaves) leads to; nothing moves.

    Raises:
        ImpossibleError: the pool would refuse it; the message starts with its own error.
    """
    decoupled = market.rules.emode is EModeRules.DECOUPLED
    if decoupled and category == loan.emode:
        return Moved(market, loan, 0)
    after = changed(loan, emode=category)
    if unchecked:
        return Moved(market, after, 0)
    checks.check_emode(market, loan, category)
    if loan.emode or decoupled:
        checks.check_health(market, after, at)
    return Moved(market, after, 0)


def set_collateral(
    market: LendingMarket, loan: LendingAccount, asset: Asset, at: int, *, counts: bool
) -> Moved:
    """Return what letting the supply of `asset` back debts (or not) leads to; nothing moves.

    Raises:
        ImpossibleError: the pool would refuse it; the message starts with its own error.
    """
    reserve = reserve_of(market, asset)
    checks.check_open(reserve, growing=False)
    decoupled = market.rules.emode is EModeRules.DECOUPLED
    if not loan.supplies.get(asset, 0) and (counts or not decoupled):
        refuse(Refusal.UnderlyingBalanceZero, f"no {asset.symbol} is supplied")
    if counts == (asset in loan.collaterals):
        return Moved(market, loan, 0)
    if not counts:
        after = changed(loan, collaterals=loan.collaterals - {asset})
        checks.check_release(market, after, asset, at)
        return Moved(market, after, 0)
    ltv = loans.terms(market, loan, asset).ltv if decoupled else reserve.params.ltv
    if not ltv:
        refuse(Refusal.UserInIsolationModeOrLtvZero, f"{asset.symbol} counts for nothing")
    return Moved(market, changed(loan, collaterals=loan.collaterals | {asset}), 0)


def _with(balances: Mapping[Asset, int], asset: Asset, scaled: int) -> dict[Asset, int]:
    """Return the balances with `asset` at `scaled`; what is zero is left out."""
    changed = {**balances, asset: scaled}
    if not scaled:
        del changed[asset]
    return changed


def _check_amount(amount: int, scaled: int, rounding: Rounding) -> None:
    checked = scaled if rounding is Rounding.DIRECTED else amount
    if amount <= 0 or not checked:
        refuse(Refusal.InvalidAmount, "the amount must be greater than zero")
