"""Why a plan is denied: stable codes that dashboards and alerts group by."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """One rule a plan breaks. docs/risk.md has a line for each."""

    __hash__ = str.__hash__  # rules are listed by reason, some thirty a turn

    # The plan itself, whatever it does.
    EMPTY = "empty"
    IMPOSSIBLE = "impossible"
    NOT_ATOMIC = "not_atomic"
    DEADLINE_PASSED = "deadline_passed"
    HALTED = "halted"
    SLIPPAGE = "slippage"
    PRICE_IMPACT = "price_impact"
    # A plan that lowers risk.
    STEP_HEALTH_TOO_LOW = "step_health_too_low"
    # A plan that adds risk: when it may not.
    REDUCING = "reducing"
    UNWINDING = "unwinding"
    STOPPED = "stopped"
    ENDED = "ended"
    UNEXPLAINED = "unexplained"
    VENUE_UNTRUSTED = "venue_untrusted"
    BREAKER = "breaker"
    STALE_VIEW = "stale_view"
    TOO_FEW_SOURCES = "too_few_sources"
    SLOT_OPEN = "slot_open"
    COOLDOWN = "cooldown"
    ORACLE_GAP = "oracle_gap"
    # A plan that adds risk: where it may not lead.
    HEALTH_TOO_LOW = "health_too_low"
    NO_CHAIN_FLOOR = "no_chain_floor"
    FAILS_SHOCK = "fails_shock"
    LEVERAGE_TOO_HIGH = "leverage_too_high"
    POSITION_TOO_LARGE = "position_too_large"
    TOO_MANY_POSITIONS = "too_many_positions"
    # A plan that adds risk: what it may not cost.
    GAS_PRICE = "gas_price"
    GAS_DAY = "gas_day"
    GAS_RESERVE = "gas_reserve"
    TRADES_DAY = "trades_day"
    COST_SHARE = "cost_share"
    PROFIT_TOO_SMALL = "profit_too_small"
