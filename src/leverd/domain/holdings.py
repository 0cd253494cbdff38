"""A position's legs with the prices and indexes of one moment: all that P&L needs.

It is made from a state, or from the snapshot that the journal kept of one, so P&L runs on
over a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leverd.domain import valuation
from leverd.domain.fixed_point import RAY
from leverd.domain.lending import Rounding
from leverd.domain.money import USD, Asset
from leverd.domain.position import Leg, LegKind
from leverd.domain.reserves import normalized_debt, normalized_income
from leverd.domain.scaled import debt_balance, supply_balance
from leverd.domain.snapshot import Snapshot
from leverd.domain.state import State
from leverd.errors import ImpossibleError

UNINDEXED: Final = 32
"""Number of the `ImpossibleError` for a lent asset whose reserve is not known."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What was held at one moment, and what it was worth in `share_class`.

    Worths are whole numbers of one scale, so that sums of them are exact without fractions.
    """

    share_class: Asset
    legs: tuple[Leg, ...]
    amounts: tuple[int, ...]  # raw units of each leg, below zero when they are owed
    equity: int  # what is owned (down) less what is owed (up), raw units of the share class
    prices: Mapping[Asset, int]  # USD 1e8 per whole token
    supply_indexes: Mapping[tuple[str, Asset], int]  # by venue and asset, ray
    borrow_indexes: Mapping[tuple[str, Asset], int]  # by venue and asset, ray
    worths: Mapping[Asset, int]  # of one raw unit of a priced asset
    scale: int  # a worth of this much is one raw unit of the share class

    def index(self, leg: Leg) -> int:
        """Return what turns the scaled units of a leg of this kind into raw ones, ray.

        Raises:
            ImpossibleError: this picture does not show the leg's reserve (32).
        """
        if leg.kind is LegKind.IDLE:
            return RAY
        indexes = self.supply_indexes if leg.kind is LegKind.SUPPLIED else self.borrow_indexes
        return _index(indexes, leg)

    def worth(self, asset: Asset) -> int:
        """Return what one raw unit of `asset` is worth, in `scale`; 0 if unpriced."""
        return self.worths.get(asset, 0)


def holdings_of(state: State) -> Holdings:
    """Return what `state`'s position holds.

    Raises:
        ImpossibleError: no venue prices the share class or something lent or owed (30).
    """
    share_class, legs = state.position.mandate.share_class, tuple(state.position.legs())
    prices, supply_indexes, borrow_indexes = {}, {}, {}
    for venue, market in state.lending.items():
        for asset, reserve in market.reserves.items():
            prices[asset] = valuation.price_of(state, asset)
            supply_indexes[venue, asset] = normalized_income(reserve, state.at)
            borrow_indexes[venue, asset] = normalized_debt(reserve, market.rules, state.at)
    for asset in (share_class, *[leg.asset for leg in legs]):
        if asset not in prices:
            prices[asset] = valuation.price_of(state, asset)
    known = {asset: price for asset, price in prices.items() if price is not None}
    return _held(
        share_class,
        legs,
        {USD: USD.unit, **known},
        supply_indexes,
        borrow_indexes,
        {venue: market.rules.rounding for venue, market in state.lending.items()},
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

    return _held(
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


def _held(
    share_class: Asset,
    legs: tuple[Leg, ...],
    prices: Mapping[Asset, int],
    supply_indexes: Mapping[tuple[str, Asset], int],
    borrow_indexes: Mapping[tuple[str, Asset], int],
    roundings: Mapping[str, Rounding],
) -> Holdings:
    """Return the picture with amounts and worths in it; only idle money may be without a price."""
    needed = [leg.asset for leg in legs if leg.kind is not LegKind.IDLE or leg.held < 0]
    unpriced = {asset for asset in (share_class, *needed) if asset not in prices}
    if unpriced:
        names = ", ".join(sorted(asset.symbol for asset in unpriced))
        raise ImpossibleError(f"no price for {names}", number=valuation.UNPRICED)
    worths, scale = _worths(share_class, prices)
    amounts = []
    for leg in legs:
        if leg.kind is LegKind.IDLE:
            amounts.append(leg.held)
        elif leg.kind is LegKind.SUPPLIED:
            index = _index(supply_indexes, leg)
            amounts.append(supply_balance(leg.held, index, roundings[leg.venue]))
        else:
            index = _index(borrow_indexes, leg)
            amounts.append(-debt_balance(leg.held, index, roundings[leg.venue]))
    equity = 0
    for leg, raw in zip(legs, amounts, strict=True):
        equity += raw * worths.get(leg.asset, 0) // scale
    return Holdings(
        share_class,
        legs,
        tuple(amounts),
        equity,
        prices,
        supply_indexes,
        borrow_indexes,
        worths,
        scale,
    )


def _worths(share_class: Asset, prices: Mapping[Asset, int]) -> tuple[dict[Asset, int], int]:
    """Return the worth of a raw unit of each priced asset, and the share class's own."""
    finest = max(asset.decimals for asset in prices)
    whole, unit = 10**finest, share_class.unit
    worths = {asset: price * unit * (whole // asset.unit) for asset, price in prices.items()}
    return worths, prices[share_class] * whole


def _index(indexes: Mapping[tuple[str, Asset], int], leg: Leg) -> int:
    index = indexes.get((leg.venue, leg.asset))
    if index is None:
        raise ImpossibleError(f"no index for {leg.asset.symbol}", number=UNINDEXED)
    return index
