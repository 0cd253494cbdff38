"""What a person's request does: facts for the journal. Pure."""

from __future__ import annotations

from typing import assert_never

from leverd.domain.events import Event, Resumed, TradingStateChanged, UnwindRequested
from leverd.domain.view import TradingState
from leverd.interfaces.requests import Request, RequestKind


def events_of(request: Request) -> tuple[Event, ...]:
    """Return the facts that `request` makes true, to be journaled before it counts as taken."""
    position, by = request.position_id, request.by
    match request.kind:
        case RequestKind.PAUSE:
            return (_state(request, TradingState.REDUCING, paused=True),)
        case RequestKind.REDUCE:
            return (_state(request, TradingState.REDUCING),)
        case RequestKind.HALT:
            return (_state(request, TradingState.HALTED),)
        case RequestKind.UNWIND:
            return (UnwindRequested(position, by),)
        case RequestKind.UNWIND_NOW:
            return (UnwindRequested(position, by, now=True),)
        case RequestKind.RESUME:
            return (Resumed(position, by),)
        case _:
            assert_never(request.kind)


def _state(request: Request, state: TradingState, *, paused: bool = False) -> TradingStateChanged:
    reason = f"the owner asked to {request.kind}"
    return TradingStateChanged(request.position_id, state, reason, request.by, paused)
