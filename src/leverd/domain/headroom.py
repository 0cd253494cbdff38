"""How leverage and health answer each other for a position as it stands, exactly."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from leverd.domain import loans, valuation
from leverd.domain.fixed_point import BPS, WAD
from leverd.domain.keeping import kept
from leverd.domain.reserves import reserve_of
from leverd.domain.state import State


@kept(64)
def threshold_of(state: State) -> Fraction:
    """Return the liquidation threshold of the mandate's collateral, as a fraction.

    In the efficiency mode the account is in, or, while it owes nothing, the mandate's own.
    """
    market, mandate, loan = state.market, state.position.mandate, state.position.loan
    category = loan.emode if any(loan.debts.values()) else mandate.emode
    reserve = reserve_of(market, mandate.collateral)
    terms = loans.terms_in(reserve, market.emodes.get(category), market.rules)
    return _share(terms.threshold)


def leverage_at(health: Fraction, threshold: Fraction) -> Fraction | None:
    """Return the leverage at which health is `health`: h / (h - threshold), None if at any.

    For one collateral and one debt: health is threshold * L / (L - 1).
    """
    return None if health <= threshold else health / (health - threshold)


def health_at(leverage: Fraction, threshold: Fraction) -> Fraction | None:
    """Return the health at `leverage`: threshold * L / (L - 1), None without debt."""
    return None if leverage <= 1 else threshold * leverage / (leverage - 1)


def leverage_for_health(state: State, health: Fraction) -> Fraction | None:
    """Return the leverage at which this position's health is `health` (> its threshold).

    Selling x of collateral to repay debt turns weighted collateral W and debt D into health
    (W - t x) / (D - x), so x = (h D - W) / (h - t), and leverage is (exposure - x) / equity.
    Exact also beside idle money and other collateral; fees and impact are the planner's.
    None without equity, or when `health` is not above the threshold.
    """
    threshold = threshold_of(state)
    equity = valuation.equity(state)
    if equity <= 0 or health <= threshold:
        return None
    summary = loans.summarise(state.market, state.position.loan, state.at)
    if summary.debt_value:  # its health says what the collateral counts for, as the pool rounds
        weighted = Fraction(summary.health * summary.debt_value, WAD)
    else:
        weighted = Fraction(summary.collateral_value * summary.threshold, BPS)
    sold = (health * summary.debt_value - weighted) / (health - threshold)
    return (valuation.exposure(state) - sold) / equity


@kept(64)
def leverage(state: State) -> Fraction | None:
    """Return exposure / equity exactly, None when nothing is left of equity."""
    equity = valuation.equity(state)
    return Fraction(valuation.exposure(state), equity) if equity > 0 else None


@lru_cache(maxsize=64)
def _share(bps: int) -> Fraction:
    """Return basis points as a fraction; the same object for the same number."""
    return Fraction(bps, BPS)
