"""The worst falls on record, for gaps that the owner does not set.

Source: ETH/USDT on Binance, 5-minute bars 2020-02 to 2025-06 round the crashes and hourly
bars 2018-01 to 2025-06: the lowest low within a window against the price it opened at. The
falls up to an hour are of 2020-03-12 and 2025-02-03, the longer ones of 2020-03-12.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

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

VOLATILITY: Final = Decimal("0.85")
"""A year, the same ETH bars: 0.46 in the calmest year (2023), 1.23 in the wildest (2018)."""


def worst_fall(seconds: int) -> Decimal:
    """Return the worst fall on record within `seconds`, as a fraction of the price.

    Between figures the next longer one counts; beyond the last, the last. Below five
    minutes, where the record is coarse, the first is scaled by the square root of time.
    """
    shortest, fall = WORST_FALLS[0]
    if seconds < shortest:
        return fall * (Decimal(max(seconds, 0)) / shortest).sqrt()
    for horizon, worst in WORST_FALLS:
        fall = worst
        if seconds <= horizon:
            break
    return fall
