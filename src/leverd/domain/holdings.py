"""A position's legs with the prices and indexes of one moment: all that P&L needs.

It is made from a state, or from the snapshot that the journal kept of one, so P&L runs on
over a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Final, assert_never

from leverd.domain import valuation
from leverd.domain.events import Snapshot
from leverd.domain.fixed_point import RAY
from leverd.domain.lending import Rounding
from leverd.domain.money import USD, Asset
from leverd.domain.position import Leg, LegKind
from leverd.domain.reserves import normalized_debt, normalized_income
from leverd.domain.scaled import debt_balance, supply_balance
from leverd.domain.state import State
from leverd.errors import ImpossibleError

UNINDEXED: Final = 32
"""Number of the `ImpossibleError` for a lent asset whose reserve is not known."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What was held at one moment, and what it was worth in `share_class`."""

    share_class: Asset
    legs: tuple[Leg, ...]
    prices: Mapping[Asset, int]  # USD 1e8 per whole token
    supply_indexes: Mapping[tuple[str, Asset], int]  # by venue and asset, ray
    borrow_indexes: Mapping[tuple[str, Asset], int]  # by venue and asset, ray
    roundings: Mapping[str, Rounding]  # by venue

    @property
    def equity(self) -> int:
        """What is owned (down) less what is owed (up), raw units of the share class."""
        values = (self.owned(leg) * self.rate(leg.asset) for leg in self.legs)
        return sum(floor(value) for value in values)

    def owned(self, leg: Leg) -> int:
        """Return the raw units of `leg`, below zero when they are owed."""
        match leg.kind:
            case LegKind.IDLE:
                return leg.held
            case LegKind.SUPPLIED:
                return supply_balance(leg.held, self.index(leg), self.roundings[leg.venue])
            case LegKind.OWED:
                return -debt_balance(leg.held, self.index(leg), self.roundings[leg.venue])
            case _:
                assert_never(leg.kind)

    def index(self, leg: Leg) -> int:
        """Return what turns the scaled units of a leg of this kind into raw ones, ray.

        Raises:
            ImpossibleError: this picture does not show the leg's reserve (32).
        """
        if leg.kind is LegKind.IDLE:
            return RAY
        indexes = self.supply_indexes if leg.kind is LegKind.SUPPLIED else self.borrow_indexes
        index = indexes.get((leg.venue, leg.asset))
        if index is None:
            raise ImpossibleError(f"no index for {leg.asset.symbol}", number=UNINDEXED)
        return index

    def rate(self, asset: Asset) -> Fraction:
        """Return raw units of the share class for one raw unit of `asset`; 0 if unpriced."""
        if asset == self.share_class:
            return Fraction(1)
        if asset not in self.prices:
            return Fraction(0)
        return Fraction(self.prices[asset], asset.unit) / self._share_value

    def of_usd(self, value: Fraction) -> Fraction:
        """Return `value` (USD 1e8) in raw units of the share class."""
        return value / self._share_value

    @property
    def _share_value(self) -> Fraction:
        return Fraction(self.prices[self.share_class], self.share_class.unit)


def holdings_of(state: State) -> Holdings:
    """Return what `state`'s position holds.

    Raises:
        ImpossibleError: no venue prices the share class or something lent or owed (30).
    """
    legs = tuple(state.position.legs())
    assets = {leg.asset for leg in legs} | {state.position.mandate.share_class}
    assets |= {asset for market in state.lending.values() for asset in market.reserves}
    prices = {asset: valuation.price_of(state, asset) for asset in assets}
    known = {asset: price for asset, price in prices.items() if price is not None}
    return _checked(
        Holdings(
            state.position.mandate.share_class,
            legs,
            {USD: USD.unit, **known},
            {
                (venue, asset): normalized_income(reserve, state.at)
                for venue, market in state.lending.items()
                for asset, reserve in market.reserves.items()
            },
            {
                (venue, asset): normalized_debt(reserve, market.rules, state.at)
                for venue, market in state.lending.items()
                for asset, reserve in market.reserves.items()
            },
            {venue: market.rules.rounding for venue, market in state.lending.items()},
        )
    )


def holdings_kept(snapshot: Snapshot, state: State) -> Holdings:
    """Return what `snapshot` says was held, in the mandate's own lending market.

    `state` is any later one of the same position: it tells assets apart by their symbols.

    Raises:
        ImpossibleError: something of value was held that is unknown now, or unpriced (30).
    """
    venue, market = state.position.mandate.lending, state.market
    named = {asset.symbol: asset for asset in (*state.position.idle, *market.reserves, USD)}

    def known(numbers: Mapping[str, int]) -> dict[Asset, int]:
        return {named[name]: number for name, number in numbers.items() if name in named}

    def legs(kind: LegKind, venue: str, numbers: Mapping[str, int]) -> tuple[Leg, ...]:
        worthless = set() if venue else numbers.keys() - snapshot.prices.keys()
        missing = numbers.keys() - named.keys() - worthless
        if missing:
            text = f"the snapshot holds {', '.join(sorted(missing))}, unknown now"
            raise ImpossibleError(text, number=valuation.UNPRICED)
        return tuple(Leg(kind, venue, asset, held) for asset, held in known(numbers).items())

    return _checked(
        Holdings(
            state.position.mandate.share_class,
            (
                *legs(LegKind.IDLE, "", snapshot.idle),
                *legs(LegKind.SUPPLIED, venue, snapshot.supplied),
                *legs(LegKind.OWED, venue, snapshot.owed),
            ),
            {USD: USD.unit, **known(snapshot.prices)},
            {(venue, asset): index for asset, index in known(snapshot.supply_indexes).items()},
            {(venue, asset): index for asset, index in known(snapshot.borrow_indexes).items()},
            {venue: market.rules.rounding},
        )
    )


def _checked(holdings: Holdings) -> Holdings:
    """Return `holdings`, of which only idle money may be without a price."""
    needed = {leg.asset for leg in holdings.legs if leg.kind is not LegKind.IDLE or leg.held < 0}
    unpriced = (needed | {holdings.share_class}) - holdings.prices.keys()
    if unpriced:
        names = ", ".join(sorted(asset.symbol for asset in unpriced))
        raise ImpossibleError(f"no price for {names}", number=valuation.UNPRICED)
    return holdings
