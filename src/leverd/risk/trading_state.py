"""The trading state that holds for a position, everything considered."""

from __future__ import annotations

from leverd.domain.view import TradingState, View
from leverd.risk.reasons import Reason


def forbidden(view: View) -> tuple[Reason, ...]:
    """Return every standing reason why `view`'s position may not add risk."""
    record = view.record
    rules = {
        Reason.HALTED: record.trading_state is TradingState.HALTED,
        Reason.REDUCING: record.trading_state is TradingState.REDUCING or record.paused,
        Reason.UNWINDING: record.unwinding,
        Reason.STOPPED: record.stopped,
        Reason.ENDED: record.ended is not None,
        Reason.UNEXPLAINED: record.unexplained,
        Reason.VENUE_UNTRUSTED: not view.venue_trusted,
        Reason.BREAKER: bool(record.breakers),
    }
    return tuple(reason for reason, holds in rules.items() if holds)


def effective(view: View) -> TradingState:
    """Return HALTED only on a human's word, REDUCING for any other standing reason."""
    if view.record.trading_state is TradingState.HALTED:
        return TradingState.HALTED
    return TradingState.REDUCING if forbidden(view) else TradingState.ACTIVE
