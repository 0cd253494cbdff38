"""A book kept from changes, which knows when it has missed one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from leverd.interfaces.spot_venue import Depth

Level = tuple[Decimal, Decimal]
"""Price and quantity; a quantity of nothing takes the level away."""


@dataclass(frozen=True, slots=True)
class Change:
    """One numbered change of a book."""

    sequence: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(slots=True)
class Book:
    """Levels by price. It begins with nothing, and wants a snapshot first."""

    market_id: str
    sequence: int | None = None  # None until there is a snapshot, and again after a gap
    _bids: dict[Decimal, Decimal] = field(default_factory=dict)
    _asks: dict[Decimal, Decimal] = field(default_factory=dict)

    def begin(self, snapshot: Change) -> None:
        """Hold exactly what `snapshot` says."""
        self._bids, self._asks = {}, {}
        _set(self._bids, snapshot.bids)
        _set(self._asks, snapshot.asks)
        self.sequence = snapshot.sequence

    def follow(self, change: Change) -> bool:
        """Return whether the book is whole after `change`; one that is known already is skipped.

        Behind a gap nothing is believed until the next snapshot.
        """
        if self.sequence is None:
            return False
        if change.sequence <= self.sequence:
            return True
        if change.sequence != self.sequence + 1:
            self.sequence = None
            return False
        _set(self._bids, change.bids)
        _set(self._asks, change.asks)
        self.sequence = change.sequence
        return True

    def crossed(self) -> bool:
        """Return whether somebody would sell below what somebody would pay: it cannot be."""
        return bool(self._bids and self._asks) and max(self._bids) >= min(self._asks)

    def depth(self) -> Depth:
        """Return both sides, best first."""
        assert self.sequence is not None, "a book without a snapshot has no depth"
        return Depth(
            self.market_id,
            self.sequence,
            tuple(sorted(self._bids.items(), reverse=True)),
            tuple(sorted(self._asks.items())),
        )


def _set(side: dict[Decimal, Decimal], levels: Iterable[Level]) -> None:
    for price, quantity in levels:
        if quantity > 0:
            side[price] = quantity
        else:
            side.pop(price, None)
