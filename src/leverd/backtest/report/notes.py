"""What else a journal tells of a position that no action shows: stops, orders, refusals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from leverd.domain.events import (
    AlertRaised,
    BreakerTurned,
    CarryTurned,
    Event,
    OrderFired,
    PortfolioStopped,
    Resumed,
    TradingStateChanged,
    UnwindRequested,
)
from leverd.domain.plan_events import PlanDenied
from leverd.interfaces.journal import Entry


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened, in words."""

    seq: int
    at: int  # chain time, unix seconds; 0 where none was known
    kind: str  # denied | alert | order | state | breaker
    text: str


def notes_of(entries: Iterable[Entry], position_id: str) -> tuple[Note, ...]:
    """Return what concerns the position, or all positions alike, oldest first."""
    notes = []
    for entry in entries:
        if getattr(entry.event, "position_id", None) in {position_id, ""}:
            kind, text = _told(entry.event)
            if kind:
                notes.append(Note(entry.seq, entry.chain_at, kind, text))
    return tuple(notes)


def _told(event: Event) -> tuple[str, str]:
    match event:
        case PlanDenied(purpose=purpose, reasons=reasons):
            return "denied", f"to {purpose}: {'; '.join(reasons)}"
        case AlertRaised(code=code, message=message):
            return "alert", f"{code} {message}"
        case OrderFired(order=order, reason=reason):
            return "order", f"{order} fired: {reason}"
        case CarryTurned(low=low):
            return "order", "holding costs more than is borne" if low else "holding is borne again"
        case TradingStateChanged(state=state, by=by, reason=reason):
            return "state", f"{state} by {by}: {reason}"
        case PortfolioStopped():
            return "state", "the portfolio stop fired: everything is unwound"
        case UnwindRequested(by=by):
            return "state", f"unwind asked for by {by}"
        case Resumed(by=by):
            return "state", f"resumed by {by}"
        case BreakerTurned(breaker=breaker, circuit=circuit, reason=reason):
            return "breaker", f"{breaker} is {circuit.replace('_', '-')}: {reason}"
        case _:
            return "", ""
