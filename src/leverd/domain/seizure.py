"""How much one liquidation may take: close factor, bonus, fee, and what must not be left.

Source: Aave's LiquidationLogic 3.0 and 3.6; docs/3.7/liquidation-rounding.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
from leverd.domain.lending import LendingAccount, LendingMarket, LiquidationRules, Rounding
from leverd.domain.lending_errors import Refusal, refuse
from leverd.domain.money import Asset
from leverd.domain.reserves import accrued, reserve_of
from leverd.domain.scaled import supply_balance, supply_burned

CLOSE_FACTOR: Final = 5_000  # bps of the debt, while health is above the next line
CLOSE_FACTOR_HEALTH: Final = 95 * WAD // 100
LARGE_VALUE: Final = 2_000 * 10**8  # USD 1e8; smaller positions may be closed whole
LEFTOVER_MIN: Final = LARGE_VALUE // 2  # USD 1e8; nothing smaller is left behind


@dataclass(frozen=True, slots=True)
class Seizure:
    """What one call covers and takes; raw amounts."""

    debt_covered: int
    seized: int
    fee: int
    value: int  # of seized and fee together, USD 1e8


def most_covered(
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


def seizure_of(
    market: LendingMarket,
    loan: LendingAccount,
    collateral: Asset,
    debt: Asset,
    to_cover: int,
    balance: int,
) -> Seizure:
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
    return Seizure(debt_covered=to_cover, seized=amount - fee, fee=fee, value=value)


def check_no_dust(
    market: LendingMarket,
    seizure: Seizure,
    collateral: Asset,
    debt: Asset,
    *,
    owed: int,
    balance: int,
) -> None:
    """Check that a partial liquidation leaves enough of both sides to be worth another.

    Raises:
        ImpossibleError: it would leave dust.
    """
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


def ends(
    market: LendingMarket,
    loan: LendingAccount,
    now: loans.LoanSummary,
    collateral: Asset,
    seizure: Seizure,
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
