"""The limits section: no field has a default, in any mode."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from leverd.interfaces.safer import HIGHER, LOWER, NEITHER
from leverd.risk.limits import Limits
from leverd.settings.types import Fraction, Model, Number, Positive, Text, Whole

_GWEI = 10**9
_ETHER = 10**18


class LimitsSection(Model):
    """Hard bounds on every plan. Ratios are plain fractions: 0.01 is 1 %.

    Each says which way it is safer: a changed file may by itself move it that way only. Of
    `health_step_min` neither is: higher holds deleverages back, lower lets them pass nearer 1.
    """

    leverage_max: Annotated[
        Number, Field(json_schema_extra=LOWER, ge=1, description="exposure / equity")
    ]
    position_usd_max: Annotated[
        Positive, Field(json_schema_extra=LOWER, description="exposure of one position, USD")
    ]
    active_positions_max: Annotated[Whole, Field(json_schema_extra=LOWER, ge=1)]
    health_min: Annotated[
        Number,
        Field(
            json_schema_extra=HIGHER,
            gt=1,
            description="lowest health a plan that raises risk may end at",
        ),
    ]
    health_step_min: Annotated[
        Number,
        Field(
            json_schema_extra=NEITHER,
            gt=1,
            description="lowest health a plan that lowers risk may pass through",
        ),
    ]
    shock: Annotated[
        Number,
        Field(
            json_schema_extra=LOWER, gt=-1, le=0, description="price move to survive, -0.1 is -10 %"
        ),
    ]
    slippage_max: Annotated[
        Fraction, Field(json_schema_extra=LOWER, description="quote to worst fill")
    ]
    price_impact_max: Annotated[
        Fraction, Field(json_schema_extra=LOWER, description="market price to average fill")
    ]
    oracle_gap_max: Annotated[
        Fraction, Field(json_schema_extra=LOWER, description="oracle price to market price")
    ]
    gas_price_gwei_max: Annotated[
        Positive, Field(json_schema_extra=LOWER, description="unhurried plans, gwei per gas")
    ]
    gas_price_gwei_worst: Annotated[
        Positive,
        Field(
            json_schema_extra=HIGHER,
            description="the year's highest base fee, gwei; prices the reserve",
        ),
    ]
    gas_day_eth_max: Annotated[
        Positive, Field(json_schema_extra=LOWER, description="a UTC day, all positions, ETH")
    ]
    guardian_gas_share: Annotated[
        Fraction, Field(json_schema_extra=HIGHER, description="part only the guardian may spend")
    ]
    gas_reserve_deleverages: Annotated[
        Whole,
        Field(json_schema_extra=HIGHER, ge=0, description="deleverages the key can always pay for"),
    ]
    trades_day_max: Annotated[
        Whole, Field(json_schema_extra=LOWER, ge=1, description="plans a UTC day, all positions")
    ]
    cooldown_after_loss_s: Annotated[Whole, Field(json_schema_extra=HIGHER, ge=0)]
    cost_share_max: Annotated[
        Fraction, Field(json_schema_extra=LOWER, description="cost of a rebalance to value moved")
    ]
    profit_usd_min: Annotated[
        Number,
        Field(json_schema_extra=HIGHER, ge=0, description="USD left of that share after all costs"),
    ]
    drag_max: Annotated[
        Fraction, Field(json_schema_extra=LOWER, description="equity a year that a band may cost")
    ]
    portfolio_stop: Annotated[
        Number,
        Field(
            json_schema_extra=LOWER,
            gt=0,
            le=1,
            description="drop from the peak that unwinds all, 0.3 is -30 %",
        ),
    ]
    drawdown_day_max: Annotated[
        Number,
        Field(
            json_schema_extra=LOWER,
            gt=0,
            lt=1,
            description="drop from a day's peak that stops new risk, 0.2 is -20 %",
        ),
    ]
    pegged: Annotated[
        tuple[Text, ...],
        Field(json_schema_extra=NEITHER, description="tokens that should be worth one dollar"),
    ]
    depeg_max: Annotated[
        Fraction,
        Field(json_schema_extra=LOWER, gt=0, description="a pegged token off its dollar"),
    ]
    view_age_s_max: Annotated[
        Whole, Field(json_schema_extra=LOWER, ge=1, description="oldest view that may raise risk")
    ]
    sources_min: Annotated[
        Whole, Field(json_schema_extra=HIGHER, ge=1, description="sources that must name one head")
    ]

    def limits(self) -> Limits:
        """Return the limits as the gate reads them, in wei and plain fractions."""
        same = self.model_dump(
            exclude={"gas_price_gwei_max", "gas_price_gwei_worst", "gas_day_eth_max"}
        )
        return Limits(
            **same,
            gas_price_wei_max=_whole_down(self.gas_price_gwei_max, _GWEI),
            gas_price_wei_worst=_whole_down(self.gas_price_gwei_worst, _GWEI),
            gas_day_wei_max=_whole_down(self.gas_day_eth_max, _ETHER),
        )


def _whole_down(value: Decimal, unit: int) -> int:
    return int(value * unit)
