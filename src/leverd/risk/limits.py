"""The numbers a human signed off. Loaded from settings, never changed by code."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


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
    profit_usd_min: Decimal  # smallest yearly saving a boost must promise, USD
    drag_max: Decimal  # fraction of equity a year a band may cost
    portfolio_stop: Decimal  # drop from the unit peak that unwinds all, 0.3 is -30 %
    view_age_s_max: int
    sources_min: int = 1  # sources that must name the same head before risk is raised
