"""The numbers a human signed off. Loaded from settings, never changed by code."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_SPIKE: Final = 10
"""Times the worst gas price the owner reckons with: what no bid is above, whatever it saves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Hard bounds checked on every plan. Ratios are plain fractions."""

    leverage_max: Decimal  # exposure / equity
    position_usd_max: Decimal  # exposure of one position, USD
    active_positions_max: int
    health_min: Decimal  # lowest health a risk-raising plan may end at or pass through
    health_step_min: Decimal  # lowest health a lowering plan may pass through, > 1
    shock: Decimal  # price move the end of a risk-raising plan must survive, -0.1 is -10 %
    slippage_max: Decimal  # fraction of a swap, quote to worst fill
    price_impact_max: Decimal  # fraction of a swap, market price to average fill
    oracle_gap_max: Decimal  # fraction between oracle price and market price
    gas_price_wei_max: int  # wei per gas, risk-raising and unhurried plans
    gas_day_wei_max: int  # wei a UTC day of chain time, all positions
    guardian_gas_share: Decimal  # fraction of it only the guardian may spend
    gas_reserve_deleverages: int  # deleverages the key must be able to pay before opening
    gas_price_wei_worst: int  # wei per gas, the year's highest base fee, prices the reserve
    trades_day_max: int  # completed plans a UTC day of chain time, all positions
    cooldown_after_loss_s: int
    cost_share_max: Decimal  # fraction of the value moved a rebalance may cost
    profit_usd_min: Decimal  # USD left of cost_share_max of the value moved after all costs
    drag_max: Decimal  # fraction of equity a year a band may cost
    portfolio_stop: Decimal  # drop from the unit peak that unwinds all, 0.3 is -30 %
    drawdown_day_max: Decimal  # drop from a day's unit peak that stops new risk, 0.2 is -20 %
    pegged: tuple[str, ...]  # symbols that are worth one dollar while all is well
    depeg_max: Decimal  # fraction of a dollar such a token may be off before no new risk
    view_age_s_max: int  # seconds, for adding risk
    sources_min: int = 1  # sources that must name the same head before risk is raised

    @property
    def gas_price_wei_most(self) -> int:
        """The most that is ever bid, wei per gas: the signer's own ceiling."""
        return _SPIKE * max(self.gas_price_wei_worst, self.gas_price_wei_max)


def problems(limits: Limits) -> list[str]:
    """Return every value out of range, each as `field: what must hold, what is`."""
    rules = {
        "leverage_max": ("at least 1", limits.leverage_max >= 1),
        "position_usd_max": ("above 0", limits.position_usd_max > 0),
        "active_positions_max": ("at least 1", limits.active_positions_max >= 1),
        "health_min": (
            f"above health_step_min ({limits.health_step_min})",
            limits.health_min > limits.health_step_min,
        ),
        "health_step_min": ("above 1", limits.health_step_min > 1),
        "shock": ("above -1 and below 0, -0.1 is -10 %", -1 < limits.shock < 0),
        "slippage_max": ("at least 0 and below 1", 0 <= limits.slippage_max < 1),
        "price_impact_max": ("at least 0 and below 1", 0 <= limits.price_impact_max < 1),
        "oracle_gap_max": ("above 0 and below 1", 0 < limits.oracle_gap_max < 1),
        "gas_price_wei_max": ("above 0", limits.gas_price_wei_max > 0),
        "gas_day_wei_max": ("above 0", limits.gas_day_wei_max > 0),
        "guardian_gas_share": ("at least 0 and below 1", 0 <= limits.guardian_gas_share < 1),
        "gas_reserve_deleverages": ("at least 1", limits.gas_reserve_deleverages >= 1),
        "gas_price_wei_worst": (
            f"at least gas_price_wei_max ({limits.gas_price_wei_max})",
            limits.gas_price_wei_worst >= limits.gas_price_wei_max,
        ),
        "trades_day_max": ("at least 1", limits.trades_day_max >= 1),
        "cooldown_after_loss_s": ("at least 0", limits.cooldown_after_loss_s >= 0),
        "cost_share_max": ("above 0 and at most 1", 0 < limits.cost_share_max <= 1),
        "profit_usd_min": ("at least 0", limits.profit_usd_min >= 0),
        "drag_max": ("above 0", limits.drag_max > 0),
        "portfolio_stop": ("above 0 and below 1, 0.3 is -30 %", 0 < limits.portfolio_stop < 1),
        "drawdown_day_max": (
            "above 0 and below 1, 0.2 is -20 %",
            0 < limits.drawdown_day_max < 1,
        ),
        "pegged": ("each named once", len(set(limits.pegged)) == len(limits.pegged)),
        "depeg_max": ("above 0 and below 1", 0 < limits.depeg_max < 1),
        "view_age_s_max": ("at least 1", limits.view_age_s_max >= 1),
        "sources_min": ("at least 1", limits.sources_min >= 1),
    }
    return [
        f"{field}: must be {rule}, is {getattr(limits, field)}"
        for field, (rule, holds) in rules.items()
        if not holds
    ]
