"""How far liquidation is away, in price and in time. An estimate for people; it decides nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

from leverd.api.models.amounts import written
from leverd.api.models.position import Outlook
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.snapshot import Snapshot

_LOOKS_MIN: Final = 8
_SPAN_MIN_S: Final = 600
_PLACES: Final = Decimal("1e-6")


def distance(price: Decimal | None, liquidation: Decimal | None) -> Decimal | None:
    """Return the fraction by which `price` may move before it is at `liquidation`."""
    if not price or liquidation is None:
        return None
    return (abs(price - liquidation) / price).quantize(_PLACES)


def outlook(
    looks: Sequence[Snapshot], volatile: str, price: Decimal | None, liquidation: Decimal | None
) -> Outlook:
    """Return how far the liquidation is, and how long that lasts.

    By interest alone, and by what the price did lately.
    """
    away = distance(price, liquidation)
    if away is None or not looks or not price or not liquidation:
        return Outlook(distance=None if away is None else written(away))
    return Outlook(
        distance=written(away),
        drift_s=_drift_s(looks),
        sigma_s=_sigma_s(looks, volatile, math.log(liquidation / price)),
    )


def _drift_s(looks: Sequence[Snapshot]) -> float | None:
    """Return seconds until interest alone brings health to 1; None where it does not.

    Health falls as the debt's index outgrows the collateral's; prices are held still.
    """
    first, last = looks[0], looks[-1]
    seconds = last.at - first.at
    if seconds < _SPAN_MIN_S or last.health >= INFINITE_HEALTH or last.health <= WAD:
        return None
    owed, held = next(iter(last.owed), ""), next(iter(last.supplied), "")
    if owed not in first.borrow_indexes or held not in first.supply_indexes:
        return None
    grown = math.log(last.borrow_indexes[owed] / first.borrow_indexes[owed])
    grown -= math.log(last.supply_indexes[held] / first.supply_indexes[held])
    return math.log(last.health / WAD) / (grown / seconds) if grown > 0 else None


def _sigma_s(looks: Sequence[Snapshot], volatile: str, away: float) -> float | None:
    """Return seconds in which one standard deviation of recent moves covers `away`, a log."""
    seen = [(look.at, look.prices[volatile]) for look in looks if look.prices.get(volatile)]
    seconds = seen[-1][0] - seen[0][0] if seen else 0
    if len(seen) < _LOOKS_MIN or seconds < _SPAN_MIN_S or not away:
        return None
    squares = sum(math.log(later[1] / earlier[1]) ** 2 for earlier, later in pairwise(seen))
    return away**2 / (squares / seconds) if squares > 0 else None
