"""What a position earns or costs a year by being held: interest and staking, not price.

Rates are those of the reserves' own curves once the position stands at the leverage asked
about, so that what a change of ours does to them is known before it is made.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Final

from leverd.domain import headroom, loans, reserves, valuation
from leverd.domain.fixed_point import RAY
from leverd.domain.state import State

_STEPS: Final = 30
"""Halvings of a search for a leverage: one part in a billion of the range."""


def carry_now(state: State, staking: Fraction) -> Fraction | None:
    """Return what is earned less what is paid a year, as a fraction of equity; None without.

    `staking` is what a unit of the collateral grows by itself a year.
    """
    leverage, equity = headroom.leverage(state), valuation.equity(state)
    if leverage is None:
        return None
    summary = loans.summarise(state.market, state.position.loan, state.at)
    earned, paid = _rates(state, 0, 0)
    gained = Fraction(summary.collateral_value) * earned - summary.debt_value * paid
    return gained / equity + leverage * staking


def carry_at(state: State, leverage: Fraction, staking: Fraction) -> Fraction | None:
    """Return the carry were the position all posted at `leverage`, its own impact counted.

    As `carry_now`; what moving there costs is not counted.
    """
    equity, mandate = valuation.equity(state), state.position.mandate
    if equity <= 0:
        return None
    loan, market = state.position.loan, state.market
    posted = leverage * equity / valuation.rate(state, mandate.collateral)
    owed = (leverage - 1) * equity / valuation.rate(state, mandate.debt)
    supplied = floor(posted) - loans.supplied(market, loan, mandate.collateral, state.at)
    borrowed = floor(owed) - loans.owed(market, loan, mandate.debt, state.at)
    earned, paid = _rates(state, supplied, borrowed)
    return leverage * (earned + staking) - (leverage - 1) * paid


def bearable(state: State, least: Fraction, staking: Fraction, most: Fraction) -> Fraction | None:
    """Return the highest leverage up to `most` whose carry is at least `least`, None if no such.

    Carry falls as leverage rises wherever borrowing costs more than the collateral earns;
    where it does not, `most` itself is bearable.
    """

    def bears(leverage: Fraction) -> bool:
        found = carry_at(state, leverage, staking)
        return found is not None and found >= least

    low, high = Fraction(1), max(most, Fraction(1))
    if bears(high):
        return high
    if not bears(low):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if bears(middle) else (low, middle)
    return low


def _rates(state: State, supplied: int, borrowed: int) -> tuple[Fraction, Fraction]:
    """Return what the collateral earns and the debt costs a year after that much more of both."""
    market, mandate = state.market, state.position.mandate
    posted = reserves.reserve_of(market, mandate.collateral)
    owed = reserves.reserve_of(market, mandate.debt)
    earned = reserves.rates_after(posted, market.rules, state.at, supplied=supplied).liquidity
    paid = reserves.rates_after(owed, market.rules, state.at, borrowed=borrowed).borrow
    return Fraction(earned, RAY), Fraction(paid, RAY)
