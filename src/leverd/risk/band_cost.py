"""What keeping a leverage inside a band is expected to cost a year.

With yearly volatility s, leverage at L moves by s L (L - 1) a root-year. A driftless walk
from the target T leaves a band (l, h) after (h - T)(T - l) / (s T (T - 1))^2 years on
average, and then 2 (h - T)(T - l) / (h - l) of leverage is traded back. Each such move
costs the swap fee and the price impact of what it moves, and gas.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leverd.risk.market_facts import MarketFacts

YEAR_S: Final = 31_536_000


@dataclass(frozen=True, slots=True)
class Band:
    """A target leverage between its bounds."""

    low: Decimal
    target: Decimal
    high: Decimal

    def wider(self, times: Decimal) -> Band:
        """Return the band with both sides `times` as far from the target, never below 1."""
        low = max(self.target - times * (self.target - self.low), Decimal(1))
        return Band(low, self.target, self.target + times * (self.high - self.target))


@dataclass(frozen=True, slots=True)
class Drag:
    """Expected costs a year, as fractions of equity."""

    rebalances: Decimal  # a year
    moved: Decimal  # leverage traded each time: fraction of equity
    swaps: Decimal
    gas: Decimal

    @property
    def total(self) -> Decimal:
        """Both together."""
        return self.swaps + self.gas


def drag(band: Band, facts: MarketFacts, *, wait_s: int, equity_usd: Decimal) -> Drag:
    """Return what `band` costs; without an equity to judge by, gas counts as nothing."""
    down, up = band.target - band.low, band.high - band.target
    speed = (facts.volatility * band.target * (band.target - 1)) ** 2
    years = max(down * up / speed if speed else Decimal(YEAR_S), Decimal(max(wait_s, 1)) / YEAR_S)
    rebalances = 1 / years
    moved = 2 * down * up / (down + up) if down + up else Decimal(0)
    impact = moved * equity_usd / facts.depth_usd if facts.depth_usd else Decimal(0)
    swaps = rebalances * moved * (facts.swap_fee + impact)
    gas = rebalances * facts.gas_usd / equity_usd if equity_usd else Decimal(0)
    return Drag(rebalances, moved, swaps, gas)


def widened(
    band: Band, facts: MarketFacts, most: Decimal, *, wait_s: int, equity_usd: Decimal
) -> Band | None:
    """Return the narrowest wider band whose drag is at most `most`, None up to 16 times."""
    times = Decimal(1)
    while times <= 16:  # noqa: PLR2004  # beyond, the band is no band any more
        wider = band.wider(times)
        if drag(wider, facts, wait_s=wait_s, equity_usd=equity_usd).total <= most:
            return wider
        times *= Decimal("1.05")
    return None
