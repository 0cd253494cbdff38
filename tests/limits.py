"""Limits for tests: those a careful owner of a WETH/USDC loop might sign off."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.worlds import GWEI

from leverd.engine.turn import Timing
from leverd.risk.limits import Limits

TIMING = Timing(delay_s=36, deadline_s=600, deadline_urgent_s=180)

SIGNED_OFF = Limits(
    leverage_max=Decimal(4),
    position_usd_max=Decimal(1_000_000),
    active_positions_max=3,
    health_min=Decimal("1.15"),
    health_step_min=Decimal("1.02"),
    shock=Decimal("-0.1"),
    slippage_max=Decimal("0.005"),
    price_impact_max=Decimal("0.01"),
    oracle_gap_max=Decimal("0.02"),
    gas_price_wei_max=100 * GWEI,
    gas_day_wei_max=10**18,
    guardian_gas_share=Decimal("0.5"),
    gas_reserve_deleverages=3,
    gas_price_wei_worst=300 * GWEI,
    trades_day_max=20,
    cooldown_after_loss_s=3_600,
    cost_share_max=Decimal("0.01"),
    profit_usd_min=Decimal(0),
    drag_max=Decimal("0.15"),
    portfolio_stop=Decimal("0.3"),
    drawdown_day_max=Decimal("0.25"),
    pegged=("USDC",),
    depeg_max=Decimal("0.02"),
    view_age_s_max=120,
    sources_min=1,
)


def limits(**changes):
    """Return the limits with `changes`."""
    return replace(SIGNED_OFF, **changes)
