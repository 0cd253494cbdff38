"""What a position is worth, at the oracle prices of its lending market.

What we own is rounded down and what we owe up, leg by leg. One state has one price for an
asset, whichever leg it is in: that of the mandate's own lending market, else of another
venue that lists it. An idle token that no venue prices counts as nothing.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final, assert_never

from leverd.domain import loans
from leverd.domain.keeping import kept
from leverd.domain.money import USD, Asset
from leverd.domain.position import Leg, LegKind
from leverd.domain.state import State
from leverd.errors import ImpossibleError

UNPRICED: Final = 30
"""Number of the `ImpossibleError` for an asset that must have a price and has none."""


@kept(64)
def exposure(state: State) -> int:
    """Return the value of all the mandate's collateral asset, posted or idle; USD 1e8, down."""
    asset = state.position.mandate.collateral
    held = sum(
        leg_amount(state, leg)
        for leg in state.position.legs()
        if leg.asset == asset and leg.kind is not LegKind.OWED
    )
    value, of = terms(state, asset, USD)
    return held * value // of


def equity(state: State) -> int:
    """Return what is owned less what is owed, USD 1e8; negative is bad debt."""
    return _equity_in(state, USD)


def leverage(state: State) -> Decimal:
    """Return exposure over equity: 1 is no debt, 0 nothing at all, infinite no equity."""
    exposed, left = exposure(state), equity(state)
    if left > 0:
        return Decimal(exposed) / left
    return Decimal(0) if exposed == left == 0 else Decimal("Infinity")


def in_share_class(state: State, usd: int) -> int:
    """Return `usd` (USD 1e8) in raw units of the mandate's share class, rounded down.

    Raises:
        ImpossibleError: no venue prices the share class (30).
    """
    value, of = terms(state, state.position.mandate.share_class, USD)
    return usd * of // value


def equity_in_share_class(state: State) -> int:
    """Return the equity in raw units of the mandate's share class.

    Each leg is converted and rounded by itself, so a leg in the share class is exact.

    Raises:
        ImpossibleError: no venue prices the share class (30).
    """
    return _equity_in(state, state.position.mandate.share_class)


def unpriced(state: State) -> Asset | None:
    """Return an asset of the position that no oracle prices, None if all are priced.

    Nothing about such a position can be valued: it is waited for, and others go on. What else the
    account has as collateral or owes counts too, for the venue values it by that as well.
    """
    mandate, market, loan = state.position.mandate, state.market, state.position.loan
    own = (mandate.collateral, mandate.debt, mandate.share_class)
    for asset in (*own, *sorted(loan.collaterals | loan.debts.keys())):
        reserve = market.reserves.get(asset)
        if reserve is not None and reserve.price <= 0:
            return asset
    return None


def leg_amount(state: State, leg: Leg) -> int:
    """Return how many raw units `leg` stands for now, always counted up from zero."""
    match leg.kind:
        case LegKind.IDLE:
            return leg.held
        case LegKind.SUPPLIED:
            loan = state.position.loans[leg.venue]
            return loans.supplied(state.lending[leg.venue], loan, leg.asset, state.at)
        case LegKind.OWED:
            loan = state.position.loans[leg.venue]
            return loans.owed(state.lending[leg.venue], loan, leg.asset, state.at)
        case _:
            assert_never(leg.kind)


def price_of(state: State, asset: Asset) -> int | None:
    """Return the oracle price (USD 1e8 per whole token), None if no venue has one."""
    if asset == USD:
        return USD.unit
    own = state.position.mandate.lending
    reserve = state.lending[own].reserves.get(asset)
    if reserve is not None and reserve.price > 0:
        return reserve.price
    for venue in sorted(state.lending.keys() - {own}):
        reserve = state.lending[venue].reserves.get(asset)
        if reserve is not None and reserve.price > 0:
            return reserve.price
    return None


def rate(state: State, asset: Asset, currency: Asset = USD) -> Fraction:
    """Return what one raw unit of `asset` is worth in raw units of `currency`, exactly.

    Raises:
        ImpossibleError: no venue prices one of them (30).
    """
    return Fraction(*terms(state, asset, currency))


def terms(state: State, asset: Asset, currency: Asset) -> tuple[int, int]:
    """Return the rate of `asset` in `currency` as numerator and denominator, not reduced.

    Raises:
        ImpossibleError: no venue prices one of them (30).
    """
    if asset == currency:
        return 1, 1
    value, of = _priced(state, asset) * currency.unit, asset.unit
    return value, of * _priced(state, currency)


def _priced(state: State, asset: Asset) -> int:
    price = price_of(state, asset)
    if price is None:
        raise ImpossibleError(f"{asset.symbol} has no price", number=UNPRICED)
    return price


@kept(64)
def _equity_in(state: State, currency: Asset) -> int:
    total = 0
    for leg in state.position.legs():
        amount = leg_amount(state, leg)
        if leg.kind is LegKind.OWED:
            value, of = terms(state, leg.asset, currency)
            total -= -(-amount * value // of)
        elif amount < 0 or price_of(state, leg.asset) is not None:
            value, of = terms(state, leg.asset, currency)
            total += amount * value // of
    return total
