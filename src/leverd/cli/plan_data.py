"""A plan for programs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from leverd.bootstrap.planning import Planned, Planning
from leverd.cli import order_rows
from leverd.cli.amounts import WAD, decimal
from leverd.cli.step_words import step_words
from leverd.domain.decision import Decision, Hold, SetLeverage, Unwind
from leverd.engine.preview import Stand
from leverd.engine.turn import Outcome
from leverd.risk.gate import Approved, Denied

_USD: Final = 10**8
_KINDS: Final[Mapping[type[Decision], str]] = {
    Hold: "hold",
    SetLeverage: "set_leverage",
    Unwind: "unwind",
}
"""As the journal calls them."""


def as_data(found: Planning) -> dict[str, Any]:
    """Return everything `leverd plan` shows, and all digits of it."""
    return {
        "journal": found.journaled,
        "open_slots": found.open_slots,
        "positions": [_one_data(each) for each in found.turns],
    }


def _one_data(planned: Planned) -> dict[str, Any]:
    preview = planned.preview
    outcome = preview.outcome
    view = outcome.view
    return {
        "position": view.state.position.mandate.position_id,
        "block": view.stamp.block,
        "chain_at": view.now,
        "wish": _decision_data(outcome.wish),
        "decision": _decision_data(outcome.decision),
        "plan": _plan_data(outcome),
        "verdict": _verdict_data(outcome),
        "gas": planned.gas,
        "reverts": planned.reverts,
        "now": _stand_data(preview.before),
        "expected": _stand_data(preview.expected),
        "worst": _stand_data(preview.worst),
        "orders": order_rows.data(planned.levels),
    }


def _decision_data(decision: Decision) -> dict[str, Any]:
    return {
        "agent": decision.agent,
        "kind": _KINDS[type(decision)],
        "target": getattr(decision, "target", None),
        "urgent": getattr(decision, "urgent", False),
        "reason": decision.reason,
    }


def _plan_data(outcome: Outcome) -> dict[str, Any] | None:
    plan = outcome.plan
    if plan is None:
        return None
    cost = plan.cost
    return {
        "purpose": plan.purpose,
        "reason": plan.reason,
        "deadline": plan.deadline,
        "steps": [step_words(step) for step in plan.steps],
        "cost_usd": {
            "swap_fees": _whole(cost.swap_fees),
            "price_impact": _whole(cost.price_impact),
            "gas": _whole(cost.gas),
            "total": _whole(cost.total),
            "moved": _whole(cost.moved),
        },
    }


def _verdict_data(outcome: Outcome) -> dict[str, Any]:
    match outcome.verdict:
        case Approved(gas_price_cap=cap):
            return {"approved": True, "reasons": [], "gas_price_wei_max": cap}
        case Denied(reasons=reasons):
            return {"approved": False, "reasons": reasons}
        case _:
            return {"approved": None, "reasons": []}


def _stand_data(stand: Stand | None) -> dict[str, Any] | None:
    if stand is None:
        return None
    return {
        "leverage": None if stand.leverage is None else decimal(stand.leverage),
        "health": Decimal(stand.health) / WAD if stand.debt else None,
        "exposure_usd": _whole(stand.exposure),
        "debt_usd": _whole(stand.debt),
        "equity_usd": _whole(stand.equity),
        "liquidation_price_usd": _whole(stand.liquidation_price),
    }


def _whole(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value) / _USD
