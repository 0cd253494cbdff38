"""Why the gate says no, in a sentence each; docs/risk.md has the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leverd.risk.reasons import Reason

WORDS: Final[Mapping[Reason, str]] = {
    Reason.EMPTY: "it has no step",
    Reason.IMPOSSIBLE: "the venue would refuse part of it",
    Reason.NOT_ATOMIC: "the account cannot do it in one transaction",
    Reason.DEADLINE_PASSED: "no step could act any more",
    Reason.HALTED: "halted: only `leverd resume` lets anything through",
    Reason.SLIPPAGE: "a swap may give less than limits.slippage_max allows",
    Reason.PRICE_IMPACT: "the swaps would move the pool by more than limits.price_impact_max",
    Reason.STEP_HEALTH_TOO_LOW: "a step would pass below limits.health_step_min",
    Reason.REDUCING: "only less risk until `leverd resume`",
    Reason.UNWINDING: "it is being unwound until `leverd resume`",
    Reason.STOPPED: "the portfolio stop fired; `leverd resume` lifts it",
    Reason.ENDED: "an order closed it; `leverd resume` lifts it",
    Reason.UNEXPLAINED: "balances changed and nobody explained it; look, then `leverd resume`",
    Reason.VENUE_UNTRUSTED: "market, account or sequencer are not as known: `leverd doctor`",
    Reason.BREAKER: "a breaker holds back new risk",
    Reason.STALE_VIEW: "the view is older than limits.view_age_s_max",
    Reason.TOO_FEW_SOURCES: "fewer than limits.sources_min nodes name the same head",
    Reason.SLOT_OPEN: "a transaction of ours is still under way",
    Reason.COOLDOWN: "limits.cooldown_after_loss_s since a losing close is not over",
    Reason.ORACLE_GAP: "oracle and pool are further apart than limits.oracle_gap_max",
    Reason.HEALTH_TOO_LOW: "it would end below limits.health_min at its worst",
    Reason.NO_CHAIN_FLOOR: "a step borrows without its health enforced on chain",
    Reason.FAILS_SHOCK: "after limits.shock it could be liquidated",
    Reason.LEVERAGE_TOO_HIGH: "it would end above limits.leverage_max",
    Reason.POSITION_TOO_LARGE: "it would end above limits.position_usd_max",
    Reason.TOO_MANY_POSITIONS: "limits.active_positions_max are open already",
    Reason.GAS_PRICE: "gas costs more than limits.gas_price_gwei_max",
    Reason.GAS_DAY: "the day's gas, limits.gas_day_eth_max, does not hold it",
    Reason.GAS_RESERVE: "the key would keep too little gas for limits.gas_reserve_deleverages",
    Reason.TRADES_DAY: "limits.trades_day_max are done today",
    Reason.COST_SHARE: "it costs more than limits.cost_share_max of what it moves",
    Reason.PROFIT_TOO_SMALL: "after costs less than limits.profit_usd_min is left of that share",
}
