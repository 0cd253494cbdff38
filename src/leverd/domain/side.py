"""Which way a position bets: on its collateral rising, or on its debt falling.

A long posts what it bets on and owes dollars; a short posts dollars and owes what it bets
against. What moves is the *volatile* asset: the collateral of a long, the debt of a short. A
pair of two volatile assets (staked ether against ether) counts as a long of its collateral.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Final

from leverd.domain import valuation
from leverd.domain.money import USD, Asset
from leverd.domain.position import LegKind, Mandate
from leverd.domain.state import State

_DOLLARS: Final = frozenset({"DAI", "XDAI", "SDAI", "FRAX", "GHO", "MIM", "DOLA"})
"""Dollar tokens whose symbol does not say so."""


class Side(StrEnum):
    """The direction that makes money."""

    LONG = "long"
    SHORT = "short"


def is_dollar(asset: Asset) -> bool:
    """Whether `asset` is meant to be worth a dollar, by its symbol."""
    symbol = asset.symbol.upper()
    return "USD" in symbol or symbol in _DOLLARS


def side_of(mandate: Mandate) -> Side:
    """Return SHORT where dollars are posted and something else is owed, else LONG."""
    return side_of_pair(mandate.collateral, mandate.debt)


def side_of_pair(collateral: Asset, debt: Asset) -> Side:
    """Return the side of a position that posts `collateral` and owes `debt`."""
    return Side.SHORT if is_dollar(collateral) and not is_dollar(debt) else Side.LONG


def volatile(mandate: Mandate) -> Asset:
    """Return the asset whose price the position bets on."""
    return mandate.debt if side_of(mandate) is Side.SHORT else mandate.collateral


def counted_in(mandate: Mandate) -> Asset:
    """Return the currency of the position's price: its share class, USD where that is volatile."""
    share_class = mandate.share_class
    return USD if share_class == volatile(mandate) else share_class


def price(state: State) -> Fraction:
    """Return the oracle price of the volatile asset: whole `counted_in` for one whole token.

    Raises:
        ImpossibleError: no venue prices one of them (30).
    """
    mandate = state.position.mandate
    asset, currency = volatile(mandate), counted_in(mandate)
    return valuation.rate(state, asset, currency) * asset.unit / currency.unit


def price_floored(state: State, unit: int) -> int:
    """Return `price` in whole `unit`-ths, rounded down.

    Raises:
        ImpossibleError: no venue prices one of them (30).
    """
    mandate = state.position.mandate
    asset, currency = volatile(mandate), counted_in(mandate)
    value, of = valuation.terms(state, asset, currency)
    return value * asset.unit * unit // (of * currency.unit)


def price_in(mandate: Mandate, prices: Mapping[str, int]) -> Fraction | None:
    """Return `price` by what a journal keeps (symbol -> USD 1e8), None if one is missing."""
    currency = counted_in(mandate)
    of, per = prices.get(volatile(mandate).symbol), prices.get(currency.symbol, 0)
    per = USD.unit if currency == USD else per
    return Fraction(of, per) if of and per else None


def size(state: State) -> int:
    """Return how much of the volatile asset the position turns on, raw: held, or owed by a short.

    What a short holds idle of it counts against what it owes.
    """
    mandate = state.position.mandate
    asset = volatile(mandate)
    legs = [leg for leg in state.position.legs() if leg.asset == asset]
    owed = sum(valuation.leg_amount(state, leg) for leg in legs if leg.kind is LegKind.OWED)
    held = sum(valuation.leg_amount(state, leg) for leg in legs if leg.kind is not LegKind.OWED)
    return max(owed - held, 0) if side_of(mandate) is Side.SHORT else held


def leverage_of_size(state: State, raw: int) -> Fraction | None:
    """Return the leverage at which `size` is `raw`, prices as they are; None without equity."""
    equity = valuation.equity(state)
    if equity <= 0:
        return None
    mandate = state.position.mandate
    share = raw * valuation.rate(state, volatile(mandate)) / equity
    return 1 + share if side_of(mandate) is Side.SHORT else share


def bet(leverage: Fraction, of: Side) -> Fraction:
    """Return how many times its equity a position of this leverage bets on the price.

    A long holds `leverage` times its equity of the volatile asset, a short owes one less.
    """
    return leverage - 1 if of is Side.SHORT else leverage


def health_left(of: Side, move: Fraction) -> Fraction:
    """Return what share of health a price move against the position of `move` (0.1) leaves.

    A long's collateral falls by it, a short's debt rises by it.
    """
    return 1 / (1 + move) if of is Side.SHORT else 1 - move
