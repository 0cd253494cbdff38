"""What others did to a position's balances, in words. Pure."""

from __future__ import annotations

from typing import Final

from leverd.domain.events import ExternalChanged
from leverd.domain.fixed_point import RAY
from leverd.domain.money import Amount, Asset
from leverd.domain.snapshot import Snapshot

_PLACES: Final = 6
_DECIMALS_MAX: Final = 36
"""More than any token has."""


def change_words(event: ExternalChanged) -> tuple[str, ...]:
    """Return a phrase for each leg that changed, as "owed -25,000.000000 USDC".

    In whole tokens at the indexes of then, cut to six places; as the journal counts it where
    the event does not say how many decimals a token has.
    """
    return tuple(_words(leg, change, event.snapshot) for leg, change in event.changes.items())


def _words(leg: str, change: int, snapshot: Snapshot) -> str:
    kind, _, symbol = leg.partition(":")
    decimals = snapshot.decimals.get(symbol, -1)
    if not 0 <= decimals <= _DECIMALS_MAX:
        return f"{leg} {change:+,d}"
    asset = Asset(symbol, decimals)
    raw = abs(change) * _index(kind, symbol, snapshot) // RAY
    return f"{kind} {'+' if change > 0 else '-'}{Amount(asset, raw).cut(_PLACES)}"


def _index(kind: str, symbol: str, snapshot: Snapshot) -> int:
    """Return what turns the journal's count into raw units, ray; idle money is raw already."""
    indexes = {"supplied": snapshot.supply_indexes, "owed": snapshot.borrow_indexes}
    return indexes.get(kind, {}).get(symbol, RAY)
