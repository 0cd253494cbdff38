"""How a position stood when the journal looked: leverage, health, price, from one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from leverd.domain import side
from leverd.domain.fixed_point import RAY, WAD
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.money import USD, Asset
from leverd.domain.position import Mandate
from leverd.domain.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Standing:
    """A position at one block, for people."""

    block: int
    at: int  # chain time, unix seconds
    leverage: Fraction | None  # exposure / equity, 1 without debt; None without equity
    health: Decimal | None  # None where nothing is owed
    price: Fraction | None  # see domain.side.price; None where one is not known
    equity: int  # share class raw units


def standing_of(snapshot: Snapshot, mandate: Mandate) -> Standing:
    """Return how `snapshot` shows the position of `mandate`."""
    bare = snapshot.health >= INFINITE_HEALTH
    return Standing(
        snapshot.block,
        snapshot.at,
        _leverage(snapshot, mandate),
        None if bare else Decimal(snapshot.health) / WAD,
        side.price_in(mandate, snapshot.prices),
        snapshot.equity,
    )


def worth(snapshot: Snapshot, asset: Asset, raw: int, share_class: Asset) -> Fraction | None:
    """Return what `raw` units of `asset` were worth, raw units of the share class.

    None where the snapshot has no price for one of them.
    """
    if asset == share_class:
        return Fraction(raw)
    price, per = _usd(snapshot, asset), _usd(snapshot, share_class)
    if price is None or not per:
        return None
    return Fraction(raw * price * share_class.unit, asset.unit * per)


def _leverage(snapshot: Snapshot, mandate: Mandate) -> Fraction | None:
    """Return exposure over equity, both in USD at the snapshot's prices."""
    if not any(snapshot.owed.values()):
        return Fraction(1)
    known = {asset.symbol: asset for asset in (mandate.collateral, mandate.debt)}
    exposure, equity = Fraction(0), Fraction(0)
    for symbol, raw in _legs(snapshot):
        decimals = snapshot.decimals.get(symbol)
        asset = known.get(symbol, Asset(symbol, decimals or 0))
        value = worth(snapshot, asset, raw, USD) or Fraction(0)
        equity += value
        exposure += value if asset == mandate.collateral and raw > 0 else 0
    return exposure / equity if equity > 0 else None


def _legs(snapshot: Snapshot) -> list[tuple[str, int]]:
    """Return symbol and raw units of every leg, below zero where it is owed."""
    idle = list(snapshot.idle.items())
    supplied = [
        (symbol, scaled * snapshot.supply_indexes.get(symbol, RAY) // RAY)
        for symbol, scaled in snapshot.supplied.items()
    ]
    owed = [
        (symbol, -scaled * snapshot.borrow_indexes.get(symbol, RAY) // RAY)
        for symbol, scaled in snapshot.owed.items()
    ]
    return [*idle, *supplied, *owed]


def _usd(snapshot: Snapshot, asset: Asset) -> int | None:
    return USD.unit if asset == USD else snapshot.prices.get(asset.symbol)
