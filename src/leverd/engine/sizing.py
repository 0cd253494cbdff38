"""How much to swap so that a position ends where it should.

Exposure after a swap is monotone in its size, so sizes are found by bracketed search on
integers with the pool's own exact quotes; what a quote cannot fill counts as too much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from leverd.domain import quotes, valuation
from leverd.domain.money import Amount, Asset, value_down
from leverd.domain.pool import Pool, Quote
from leverd.domain.state import State
from leverd.errors import ImpossibleError

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
        return value_down(Amount(self.collateral, raw), self.collateral_price)

    def debt_value(self, raw: int) -> int:
        return value_down(Amount(self.debt, raw), self.debt_price)


def debt_to_sell(state: State, target: Decimal) -> int:
    """Return the debt asset (raw) to borrow and sell so that leverage rises to `target`.

    Zero when it is there already.
    """
    scales, goal = _scales(state), Fraction(target)
    missing = goal * scales.equity - scales.exposure
    if missing <= 0:
        return 0
    asset = state.position.mandate.debt
    guess = int(missing * asset.unit / scales.debt_price)

    def overshoots(raw: int) -> bool:
        quote = _quote(state.pool, asset, raw)
        if quote is None:
            return True
        bought = scales.collateral_value(quote.bought)
        equity = scales.equity + bought - scales.debt_value(raw)
        return scales.exposure + bought > goal * equity

    return largest(lambda raw: not overshoots(raw), 2 * guess + 1, guess=guess)


def collateral_to_sell(state: State, target: Decimal) -> int | None:
    """Return the least collateral (raw) to sell so that leverage falls to `target`.

    None when no sale that the pool can fill, or that leaves equity, gets there.
    """
    scales, goal = _scales(state), Fraction(target)
    surplus = scales.exposure - goal * scales.equity
    if surplus <= 0:
        return 0
    asset = state.position.mandate.collateral
    guess = int(surplus * asset.unit / scales.collateral_price)

    def falls_short(raw: int) -> bool:
        quote = _quote(state.pool, asset, raw)
        if quote is None:
            return False
        sold = scales.collateral_value(raw)
        equity = scales.equity - sold + scales.debt_value(quote.bought)
        return scales.exposure - sold > goal * equity

    limit = state.position.mandate.collateral.unit * scales.exposure // scales.collateral_price
    enough = largest(falls_short, limit, guess=guess) + 1
    quote = _quote(state.pool, asset, enough)
    return None if enough > limit or quote is None else enough


def within_impact(pool: Pool, sell: Asset, raw: int, impact_max: Decimal) -> int:
    """Return `raw`, or the largest part of it whose price impact is at most `impact_max`."""

    def gentle(amount: int) -> bool:
        quote = _quote(pool, sell, amount)
        return quote is not None and quotes.price_impact(pool, quote, sell) <= impact_max

    return raw if gentle(raw) else largest(gentle, raw)


def largest(holds: Callable[[int], bool], limit: int, *, guess: int = 0) -> int:
    """Return the largest n in [0, limit] for which `holds`, given it holds up to there.

    `holds(0)` is taken for granted. The answer is exact up to one part in 2^34.
    """
    if limit <= 0:
        return 0
    low, high = _bracket(holds, limit, guess)
    while high - low > max(1, low >> _PRECISION_BITS):
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def _bracket(holds: Callable[[int], bool], limit: int, guess: int) -> tuple[int, int]:
    """Return a pass and a failure around the answer, close together when `guess` is good."""
    if not 0 < guess < limit:
        return (limit, limit) if holds(limit) else (0, limit)
    low, high, width = 0, limit + 1, max(guess >> 10, 1)
    if holds(guess):
        low = guess
        while low < limit and high > limit:
            probe = min(low + width, limit)
            low, high = (probe, high) if holds(probe) else (low, probe)
            width *= 4
        return (limit, limit) if low == limit else (low, high)
    high = guess
    while low == 0 and high > 1:
        probe = max(high - width, 0)
        if probe == 0 or holds(probe):
            return probe, high
        high, width = probe, width * 4
    return low, high


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


def _quote(pool: Pool, sell: Asset, raw: int) -> Quote | None:
    if raw <= 0:
        return None
    try:
        return quotes.quote_exact_in(pool, sell, raw)
    except ImpossibleError:
        return None
