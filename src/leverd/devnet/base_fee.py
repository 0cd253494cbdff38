"""What a block's gas costs: a restless calm, and a spike while prices fall."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Final

from leverd.devnet.path import PricePath

GWEI: Final = 10**9
_BLOCK_S: Final = 12
_HOUR_S: Final = 3600
_CALM: Final = 20 * GWEI
_LEAST: Final = 8 * GWEI
_MOST: Final = 300 * GWEI
_CALM_SPREAD: Final = 0.35
_SPIKE: Final = 50.0  # times calm, for each whole price lost within an hour
_RECORDED_SPIKE: Final = 20.0  # the same, times the mean of a day on record
_RECORDED_MOST: Final = 1_500 * GWEI
_STEP: Final = 8  # a block's base fee moves by at most an eighth (EIP-1559)


def target(seed: int, path: PricePath, at: int, days: Mapping[str, str] | None = None) -> int:
    """Return the base fee that demand for gas leads to at `at`, wei.

    `days` are mean gas prices on record, gwei by ISO day (UTC); they know of no moods.
    """
    fall = path.fall(at, _HOUR_S)
    day = (days or {}).get(datetime.fromtimestamp(at, UTC).date().isoformat())
    if day is not None:
        mean = int(Decimal(day) * GWEI)
        return int(min(_RECORDED_MOST, max(GWEI, mean * (1 + _RECORDED_SPIKE * fall))))
    mood = Random(f"gas:{seed}:{at // _HOUR_S}").gauss(0, _CALM_SPREAD)  # noqa: S311 -- a market
    calm = _CALM * (1 + max(mood, -0.5))
    return int(min(_MOST, max(_LEAST, calm * (1 + _SPIKE * fall))))


def towards(base_fee: int, goal: int, seconds: int) -> int:
    """Return the next block's base fee: nearer to `goal`, no faster than blocks allow."""
    fee = base_fee
    for _ in range(min(100, max(1, seconds // _BLOCK_S))):
        room = fee // _STEP
        fee = min(goal, fee + room) if goal > fee else max(goal, fee - room)
    return max(1, fee)
