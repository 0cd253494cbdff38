"""The worst moves on record, for gaps that the owner does not set.

Source: ETH/USDT on Binance, 5-minute bars 2020-02 to 2025-06 round the crashes and hourly
bars 2018-01 to 2025-06: the lowest low within a window against the price it opened at. The
falls up to an hour are of 2020-03-12 and 2025-02-03, the longer ones of 2020-03-12. Rises
are the highest high against the opening, all of the rebound of 2020-03-13 but the day's, of
2021-01-03.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from leverd.domain.side import Side

WORST_FALLS: Final = (
    (300, Decimal("0.1425")),
    (600, Decimal("0.1861")),
    (900, Decimal("0.2294")),
    (1_800, Decimal("0.2417")),
    (3_600, Decimal("0.2678")),
    (7_200, Decimal("0.2678")),
    (21_600, Decimal("0.3435")),
    (43_200, Decimal("0.3944")),
    (86_400, Decimal("0.5329")),
)
"""(seconds, fraction of the price), ascending."""

WORST_RISES: Final = (
    (300, Decimal("0.1581")),
    (600, Decimal("0.2463")),
    (900, Decimal("0.3132")),
    (1_800, Decimal("0.3524")),
    (3_600, Decimal("0.4123")),
    (7_200, Decimal("0.4299")),
    (21_600, Decimal("0.4299")),
    (43_200, Decimal("0.4473")),
    (86_400, Decimal("0.4542")),
)
"""The same for rises, which hurt a short."""

VOLATILITY: Final = Decimal("0.85")
"""A year, the same ETH bars: 0.46 in the calmest year (2023), 1.23 in the wildest (2018)."""


def worst_fall(seconds: int) -> Decimal:
    """Return the worst fall on record within `seconds`, as a fraction of the price.

    Between figures the next longer one counts; beyond the last, the last. Below five
    minutes, where the record is coarse, the first is scaled by the square root of time.
    """
    return _worst(WORST_FALLS, seconds)


def worst_rise(seconds: int) -> Decimal:
    """Return the worst rise on record within `seconds`; between figures as `worst_fall`."""
    return _worst(WORST_RISES, seconds)


def worst_move(of: Side, seconds: int) -> Decimal:
    """Return the worst move on record against a position of this side."""
    return worst_rise(seconds) if of is Side.SHORT else worst_fall(seconds)


def _worst(record: tuple[tuple[int, Decimal], ...], seconds: int) -> Decimal:
    shortest, found = record[0]
    if seconds < shortest:
        return found * (Decimal(max(seconds, 0)) / shortest).sqrt()
    for horizon, worst in record:
        found = worst
        if seconds <= horizon:
            break
    return found
