"""Hard bounds on trading spot: the agent asks inside them, the gate holds every order to them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leverd.domain.fair_value import FairTerms

_HOUR_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class SpotLimits:
    """One market's limits. Ratios are plain fractions, money is whole quote."""

    market_id: str
    trade_min: Decimal  # quote, least of one purchase
    trade_max: Decimal  # quote, most of one purchase, fees apart
    position_max: Decimal  # quote, of all that is held
    slippage_max: Decimal  # best price to worst fill, either way
    stop_loss: Decimal  # below what it cost on average
    confidence_min: Decimal  # of a prediction, share of outcomes inside its interval
    horizon_h: int  # of a prediction, and how long what it bought is kept at most
    update_interval_s: int  # chain seconds between two looks for a purchase
    profit_min: Decimal  # fraction of the traded value, after every cost
    active_positions_max: int  # purchases that stand at once
    portfolio_stop: Decimal  # drop from the highest profit, as a share of position_max
    trades_day_max: int  # orders of a UTC day of chain time
    cooldown_s: int  # chain seconds after a trade without a purchase
    fair: FairTerms | None = None  # set: a fair value is what buys, and no prediction does

    @property
    def horizon_s(self) -> int:
        """The horizon in chain seconds."""
        return self.horizon_h * _HOUR_S
