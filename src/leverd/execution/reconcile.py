"""Compare what should be held with what is held, and say who might have changed it. Pure.

Scaled balances change only when somebody acts, so growing interest is never a difference.
What lowers risk, or only moves idle money, has an innocent explanation and is planned from.
What raises debt or takes collateral without us has none: an owner's own click, or a stolen
key. That position goes REDUCING until the owner says resume.
"""

from __future__ import annotations

from collections.abc import Mapping

from leverd.domain.events import AlertRaised, Event, ExternalChanged, PositionAdopted
from leverd.domain.position import Mandate
from leverd.domain.snapshot import Snapshot

UNEXPLAINED = "LVD-REC-001"
LIQUIDATED = "LVD-REC-002"

LIQUIDATION = "liquidation"
"""The cause by which P&L books what is gone as lost, and not as money that went out."""


def reconcile(mandate: Mandate, known: Snapshot | None, found: Snapshot) -> tuple[Event, ...]:
    """Return the facts that lead from `known`, what our own acts left, to `found`.

    A picture older than what is known says nothing: some node lags behind.
    """
    if known is None:
        return (PositionAdopted(mandate.position_id, mandate.account, found),)
    changes = _changes(known, found)
    if not changes or found.block < known.block:
        return ()
    ours = {mandate.collateral.symbol, mandate.debt.symbol}
    cause, explained = _cause(changes, ours, indebted=any(found.owed.values()))
    fact = ExternalChanged(mandate.position_id, cause, changes, explained, found)
    alert = _alert(mandate.position_id, cause, changes, explained=explained)
    return (fact,) if alert is None else (fact, alert)


def _changes(known: Snapshot, found: Snapshot) -> dict[str, int]:
    """Return leg -> raw (idle) or scaled change, for every leg that changed."""
    legs = {
        "idle": (known.idle, found.idle),
        "supplied": (known.supplied, found.supplied),
        "owed": (known.owed, found.owed),
    }
    return {
        f"{kind}:{symbol}": delta
        for kind, (before, after) in legs.items()
        for symbol in sorted(before.keys() | after.keys())
        if (delta := after.get(symbol, 0) - before.get(symbol, 0))
    }


def _cause(changes: Mapping[str, int], ours: set[str], *, indebted: bool) -> tuple[str, bool]:
    """Return the likeliest cause, and whether it is an innocent one."""
    supplied, owed, idle = (_signs(changes, kind) for kind in ("supplied", "owed", "idle"))
    if supplied == {-1} and owed == {-1} and not idle:
        return LIQUIDATION, True
    if 1 in owed or (-1 in supplied and indebted):
        return "unexplained", False
    if owed:
        return "repay", True
    if supplied:
        return ("withdrawal", True) if -1 in supplied else ("supply", True)
    if idle == {1}:
        others = all(leg.partition(":")[2] not in ours for leg in changes)
        return ("reward", True) if others else ("deposit", True)
    return ("withdrawal", True) if idle == {-1} else ("trade", True)


def _signs(changes: Mapping[str, int], kind: str) -> set[int]:
    return {1 if delta > 0 else -1 for leg, delta in changes.items() if leg.startswith(f"{kind}:")}


def _alert(
    position_id: str, cause: str, changes: Mapping[str, int], *, explained: bool
) -> AlertRaised | None:
    details = {leg: str(delta) for leg, delta in changes.items()}
    if cause == LIQUIDATION:
        return AlertRaised(position_id, LIQUIDATED, "the position was liquidated", details)
    if explained:
        return None
    text = "balances changed and neither we nor an innocent cause explains it; REDUCING"
    return AlertRaised(position_id, UNEXPLAINED, text, details)
