"""What a lending pool checks before, and after, it lets an account act.

Source: Aave's ValidationLogic, 3.0 and 3.6. Isolation mode, siloed borrowing and category
price sources are not modelled: where a market uses the first two for our assets, that is
said before anything is signed, and a rehearsal refuses what the pool would.
"""

from __future__ import annotations

from leverd.domain import loans
from leverd.domain.fixed_point import BPS, WAD, mul_div_up, percent_div, ray_mul
from leverd.domain.lending import (
    EMode,
    EModeRules,
    LendingAccount,
    LendingMarket,
    LendingRules,
    RateStrategy,
    Reserve,
    Rounding,
)
from leverd.domain.lending_errors import Refusal, refuse
from leverd.domain.money import Asset
from leverd.domain.reserves import reserve_of, supplied_total
from leverd.domain.scaled import debt_balance, supply_balance


def check_open(reserve: Reserve, *, growing: bool) -> None:
    """Check that the reserve is active and not paused and, if `growing`, not frozen.

    Raises:
        ImpossibleError: it is not.
    """
    symbol = reserve.asset.symbol
    if not reserve.params.active:
        refuse(Refusal.ReserveInactive, symbol)
    if reserve.params.paused:
        refuse(Refusal.ReservePaused, symbol)
    if growing and reserve.params.frozen:
        refuse(Refusal.ReserveFrozen, symbol)


def check_supply_cap(reserve: Reserve, rules: LendingRules, amount: int, minted: int) -> None:
    """Check that `amount` more (its scaled units `minted`) fits under the supply cap.

    Raises:
        ImpossibleError: it does not.
    """
    cap = reserve.params.supply_cap * reserve.asset.unit
    if not cap:
        return
    scaled = reserve.scaled_supply + reserve.accrued_to_treasury
    if rules.rounding is Rounding.DIRECTED:
        after = supply_balance(scaled + minted, reserve.liquidity_index, rules.rounding)
    else:
        after = ray_mul(scaled, reserve.liquidity_index) + amount
    if after > cap:
        refuse(Refusal.SupplyCapExceeded, f"{after} of {cap} {reserve.asset.symbol}")


def check_borrowable(
    market: LendingMarket, loan: LendingAccount, reserve: Reserve, amount: int, minted: int
) -> None:
    """Check everything about a new debt of `amount` but the account's own solvency.

    Raises:
        ImpossibleError: the pool would refuse it.
    """
    asset, rules = reserve.asset, market.rules
    check_open(reserve, growing=True)
    _check_category(market, loan, reserve)
    if rules.strategy is RateStrategy.V2 and amount > supplied_total(
        reserve, rules, reserve.updated_at
    ):
        refuse(Refusal.InvalidAmount, f"{amount} {asset.symbol} is more than all supplies")
    cap = reserve.params.borrow_cap * asset.unit
    if not cap:
        return
    if rules.rounding is Rounding.DIRECTED:
        scaled = reserve.scaled_debt + minted
        after = debt_balance(scaled, reserve.borrow_index, rules.rounding)
    else:
        after = ray_mul(reserve.scaled_debt, reserve.borrow_index) + amount
    if after > cap:
        refuse(Refusal.BorrowCapExceeded, f"{after} of {cap} {asset.symbol}")


def check_liquidity(reserve: Reserve, amount: int) -> None:
    """Check that `amount` raw units can leave the pool.

    Raises:
        ImpossibleError: they are lent out; the contract reverts with an arithmetic panic.
    """
    if amount > reserve.available:
        refuse(
            Refusal.InsufficientLiquidity,
            f"{amount} of {reserve.available} {reserve.asset.symbol}",
        )


def check_may_borrow(
    market: LendingMarket, loan: LendingAccount, asset: Asset, amount: int, at: int
) -> None:
    """Check, as Aave up to 3.4 does before minting the debt, that it is covered.

    Raises:
        ImpossibleError: it is not.
    """
    now = loans.summarise(market, loan, at)
    if now.collateral_value == 0:
        refuse(Refusal.CollateralBalanceIsZero, "nothing supplied counts as collateral")
    if now.ltv == 0:
        refuse(Refusal.LtvValidationFailed, "the collateral's loan-to-value is zero")
    if now.health <= WAD:
        refuse(Refusal.HealthFactorLowerThanLiquidationThreshold, f"health is {now.health}")
    reserve = reserve_of(market, asset)
    value = reserve.price * amount // asset.unit
    needed = percent_div(now.debt_value + value, now.ltv)
    if needed > now.collateral_value:
        refuse(Refusal.CollateralCannotCoverNewBorrow, f"{now.collateral_value} of {needed}")


def check_covered(market: LendingMarket, loan: LendingAccount, at: int) -> None:
    """Check, as Aave from 3.5 does after minting the debt, that debts are covered.

    Raises:
        ImpossibleError: they are not.
    """
    now = loans.summarise(market, loan, at)
    if now.ltv == 0:
        refuse(Refusal.LtvValidationFailed, "the collateral's loan-to-value is zero")
    if now.health < WAD:
        refuse(Refusal.HealthFactorLowerThanLiquidationThreshold, f"health is {now.health}")
    needed = mul_div_up(now.debt_value, BPS, now.ltv)
    if needed > now.collateral_value:
        refuse(Refusal.CollateralCannotCoverNewBorrow, f"{now.collateral_value} of {needed}")


def check_health(market: LendingMarket, loan: LendingAccount, at: int) -> None:
    """Check that the account cannot be liquidated.

    Raises:
        ImpossibleError: it can.
    """
    health = loans.summarise(market, loan, at).health
    if health < WAD:
        refuse(Refusal.HealthFactorLowerThanLiquidationThreshold, f"health would be {health}")


def check_release(market: LendingMarket, loan: LendingAccount, asset: Asset, at: int) -> None:
    """Check an account that let go of collateral `asset`: healthy, and zero-LTV assets first.

    Raises:
        ImpossibleError: the pool would refuse it.
    """
    check_health(market, loan, at)
    if is_barred(market, loan, asset, at):
        refuse(Refusal.LtvValidationFailed, "a collateral with zero loan-to-value must go first")


def is_barred(market: LendingMarket, loan: LendingAccount, asset: Asset, at: int) -> bool:
    """Return whether collateral `asset` stays while there is debt: a zero-LTV one goes first."""
    if not loans.summarise(market, loan, at).zero_ltv_collateral:
        return False
    coupled = market.rules.emode is EModeRules.COUPLED
    own = reserve_of(market, asset).params.ltv
    return (own if coupled else loans.terms(market, loan, asset).ltv) != 0


def check_emode(market: LendingMarket, loan: LendingAccount, category: int) -> None:
    """Check that the account may enter `category` (0 leaves), its health aside.

    Raises:
        ImpossibleError: the pool would refuse it.
    """
    emode = market.emodes.get(category)
    if category and (emode is None or not emode.liquidation_threshold):
        refuse(Refusal.InconsistentEModeCategory, f"there is no category {category}")
    decoupled = market.rules.emode is EModeRules.DECOUPLED
    for reserve in sorted(market.reserves.values(), key=lambda each: each.reserve_id):
        asset = reserve.asset
        if asset in loan.debts and not _may_be_owed(reserve, emode, decoupled=decoupled):
            refuse(
                Refusal.InvalidDebtInEmode if decoupled else Refusal.InconsistentEModeCategory,
                f"{asset.symbol} is owed",
            )
        barred = decoupled and loans.terms_in(reserve, emode, market.rules).ltv == 0
        if asset in loan.collaterals and barred:
            refuse(Refusal.InvalidCollateralInEmode, f"{asset.symbol} would count for nothing")


def _may_be_owed(reserve: Reserve, emode: EMode | None, *, decoupled: bool) -> bool:
    if emode is None:
        return reserve.params.borrowing_enabled or not decoupled
    return reserve.asset in emode.borrowables


def _check_category(market: LendingMarket, loan: LendingAccount, reserve: Reserve) -> None:
    emode = market.emodes.get(loan.emode) if loan.emode else None
    decoupled = market.rules.emode is EModeRules.DECOUPLED
    if not reserve.params.borrowing_enabled and not (decoupled and emode):
        refuse(Refusal.BorrowingNotEnabled, reserve.asset.symbol)
    if emode is not None and reserve.asset not in emode.borrowables:
        refuse(
            Refusal.NotBorrowableInEMode if decoupled else Refusal.InconsistentEModeCategory,
            f"{reserve.asset.symbol} in category {loan.emode}",
        )
