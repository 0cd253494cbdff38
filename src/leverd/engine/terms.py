"""The terms a plan is made on: limits, loosened by urgency, as the planner needs them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up

DUST_USD: Final = 10**8
"""Money worth no more, USD 1e8, is left where it is."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan must keep to."""

    slippage: Decimal  # fraction of a swap, quote to worst fill
    impact_max: Decimal  # fraction of a swap, market price to average fill
    health_min: Decimal  # lowest health a risk-raising step may end at
    health_step_min: Decimal  # lowest health a lowering sequence may begin with
    delay_s: int  # chain seconds until inclusion
    deadline_s: int  # chain seconds after which no step may act
    dust_usd: int  # USD 1e8 below which idle money is left alone
    idle_usd_min: int = 0  # USD 1e8 up to which idle money is not worth the gas of its own move
    spares_gas: bool = True  # the signing key holds more than what deleverages may need
    rounds_max: int = 12
    health_step_limit: Decimal = Decimal(1)  # what it stays above once its health allows that


def wad(ratio: Decimal) -> int:
    """Return `ratio` in wad, floored."""
    return int(ratio * WAD)


def bought_at_least(quoted: int, slippage: Decimal) -> int:
    """Return the least we accept for a quote of `quoted`, floored."""
    return mul_div_down(quoted, WAD - wad(slippage), WAD)


def sold_at_most(quoted: int, slippage: Decimal) -> int:
    """Return the most we pay for a quote of `quoted`, ceiled."""
    return mul_div_up(quoted, WAD + wad(slippage), WAD)
