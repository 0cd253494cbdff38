"""How much to swap so that a position ends where it should.

Exposure after a swap is monotone in its size, so sizes are found by bracketed search on
integers with the pool's own exact quotes; what a quote cannot fill counts as too much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from leverd.domain import quotes, valuation
from leverd.domain.fixed_point import mul_div_down
from leverd.domain.money import Asset
from leverd.domain.pool import Pool, Quote
from leverd.domain.state import State
from leverd.errors import ImpossibleError

_PATIENCE = 40
"""Tries after which a bracket is halved."""

_PRECISION_BITS = 34
"""A size is found to one part in 2^34 or to the last unit, whichever is coarser."""


@dataclass(frozen=True, slots=True)
class _Scales:
    """Values at oracle prices, USD 1e8, and what turns swap amounts into them."""

    exposure: int
    equity: int
    collateral: Asset
    debt: Asset
    collateral_price: int
    debt_price: int

    def collateral_value(self, raw: int) -> int:
        return mul_div_down(raw, self.collateral_price, self.collateral.unit)

    def debt_value(self, raw: int) -> int:
        return mul_div_down(raw, self.debt_price, self.debt.unit)


def debt_to_sell(state: State, target: Decimal) -> int:
    """Return the debt asset (raw) to borrow and sell so that leverage rises to `target`.

    Zero when it is there already.
    """
    scales, (goal, one), pool = _scales(state), target.as_integer_ratio(), state.pool
    missing = goal * scales.equity - scales.exposure * one
    if missing <= 0:
        return 0
    asset = state.position.mandate.debt
    guess = missing * asset.unit // (scales.debt_price * one)

    def excess(raw: int) -> int | None:
        filled = _bought(pool, asset, raw)
        if filled is None:
            return None
        bought = scales.collateral_value(filled)
        equity = scales.equity + bought - scales.debt_value(raw)
        return (scales.exposure + bought) * one - goal * equity

    return crossing(excess, -missing, 2 * guess + 1, guess)


def collateral_to_sell(state: State, target: Decimal) -> int | None:
    """Return the least collateral (raw) to sell so that leverage falls to `target`.

    None when no sale that the pool can fill, or that leaves equity, gets there.
    """
    scales, (goal, one), pool = _scales(state), target.as_integer_ratio(), state.pool
    surplus = scales.exposure * one - goal * scales.equity
    if surplus <= 0:
        return 0
    asset = state.position.mandate.collateral
    guess = surplus * asset.unit // (scales.collateral_price * one)

    def excess(raw: int) -> int | None:
        filled = _bought(pool, asset, raw)
        if filled is None:
            return None
        sold = scales.collateral_value(raw)
        equity = scales.equity - sold + scales.debt_value(filled)
        return goal * equity - (scales.exposure - sold) * one + 1  # 0 still falls short

    limit = state.position.mandate.collateral.unit * scales.exposure // scales.collateral_price
    enough = crossing(excess, 1 - surplus, limit, guess) + 1
    return None if enough > limit or _bought(pool, asset, enough) is None else enough


def within_impact(pool: Pool, sell: Asset, raw: int, impact_max: Decimal) -> int:
    """Return `raw`, or the largest part of it whose price impact is at most `impact_max`."""

    def gentle(amount: int) -> bool:
        quote = _quote(pool, sell, amount)
        return quote is not None and quotes.price_impact(pool, quote, sell) <= impact_max

    return raw if gentle(raw) else largest(gentle, raw)


def crossing(excess: Callable[[int], int | None], at_zero: int, limit: int, guess: int) -> int:
    """Return the largest n in [0, limit] whose `excess` is not above 0, given that it rises.

    `at_zero`, the excess of 0, is not above 0; None is too much. The answer is exact up to one
    part in 2^34. From `guess` outwards until something is too much, then where a straight line
    between the two ends crosses (the Illinois rule: an end that stays put counts half): a
    nearly straight excess needs some seven tries.
    """
    low, under = 0, at_zero
    high, over = limit + 1, 0  # 0: how much too much is not known
    at, reach, tries = min(max(guess, 1), limit), max(guess >> 10, 1), 0
    passed: bool | None = None
    while high - low > _tolerance(low):
        found, before = excess(at), passed
        if found is not None and found <= 0:
            passed, low, under = True, at, found
            over //= 2 if before else 1
        else:
            passed, high, over = False, at, found or 0
            under //= 2 if before is False else 1
        tries += 1
        if high > limit:
            at, reach = min(low + reach, limit), reach * 4
        elif not over or tries > _PATIENCE:
            at = (low + high) // 2
        else:
            near = min(_tolerance(low), (high - low) // 2)
            across = (high - low) * -under // (over - under)
            at = low + min(max(across, near), high - low - near)
    return low


def largest(holds: Callable[[int], bool], limit: int) -> int:
    """Return the largest n in [0, limit] for which `holds`, given it holds up to there.

    `holds(0)` is taken for granted. The answer is exact up to one part in 2^34.
    """
    if limit <= 0 or holds(limit):
        return max(limit, 0)
    low, high = 0, limit
    while high - low > _tolerance(low):
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def _tolerance(low: int) -> int:
    return max(1, low >> _PRECISION_BITS)


def _scales(state: State) -> _Scales:
    mandate, reserves = state.position.mandate, state.market.reserves
    return _Scales(
        valuation.exposure(state),
        valuation.equity(state),
        mandate.collateral,
        mandate.debt,
        reserves[mandate.collateral].price,
        reserves[mandate.debt].price,
    )


def _bought(pool: Pool, sell: Asset, raw: int) -> int | None:
    if raw <= 0:
        return None
    try:
        return quotes.bought_for(pool, sell, raw)
    except ImpossibleError:
        return None


def _quote(pool: Pool, sell: Asset, raw: int) -> Quote | None:
    if raw <= 0:
        return None
    try:
        return quotes.quote_exact_in(pool, sell, raw)
    except ImpossibleError:
        return None
