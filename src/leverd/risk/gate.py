"""The last pure step before money moves.

`bound` shrinks what an agent asked for; `review` says yes or no to a finished plan and
never edits it. Only `review` makes an `Approved`, and the executor takes nothing else, so
no plan skips the gate. Which rules a plan is judged by depends on what it does: one that
only lowers risk always passes (risk.lowering), any other keeps every limit (risk.raising).
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from leverd.domain.gas_use import steps_gas
from leverd.domain.plan import Plan, StepKind
from leverd.domain.view import TradingState, View
from leverd.errors import ImpossibleError
from leverd.risk import lowering, raising, urgency
from leverd.risk.bounds import bound
from leverd.risk.limits import Limits
from leverd.risk.pending import NOTHING_PENDING, Pending
from leverd.risk.reasons import Reason
from leverd.risk.rehearsal import Rehearsal, impact, rehearse

__all__ = [
    "NOTHING_PENDING",
    "Approved",
    "Denied",
    "Pending",
    "Reason",
    "Verdict",
    "bound",
    "review",
]

_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class Approved:
    """A plan that passed `review`, and the view it was judged by.

    Made here only: elsewhere, also by `dataclasses.replace`, the seal is missing.
    """

    plan: Plan
    view: View
    urgency: Decimal  # 0 calm to 1 save the position
    gas_price_cap: int  # wei per gas, the most to bid
    lowers: bool  # it only lowers risk
    bid_by: int  # chain time by which to bid the cap, 0 for one that may wait
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        assert seal is _SEAL, "only review approves a plan"


@dataclass(frozen=True, slots=True)
class Denied:
    """A plan that did not pass, with every reason why."""

    plan: Plan
    reasons: tuple[Reason, ...]


Verdict: TypeAlias = Approved | Denied


def review(
    plan: Plan,
    view: View,
    limits: Limits,
    *,
    age_s: int,
    pending: Pending = NOTHING_PENDING,
) -> Verdict:
    """Return `Approved`, or `Denied` with all the reasons that apply.

    `age_s` is how old the view is (risk.staleness); `pending` is what open slots of all
    positions may still spend.
    """
    assert plan.position_id == view.state.position.mandate.position_id
    reasons, pressed, lowers = _standing_reasons(plan, view), urgency.CALM, False
    try:
        played = rehearse(plan, view)
        pressed, lowers = urgency.of_plan(plan, view, limits), lowering.lowers(plan, played)
        if lowers:
            reasons += _trade_reasons(played, view, limits, pressed)
            reasons += lowering.reasons(played, urgency.step_floor(view, limits))
        else:
            reasons += _trade_reasons(played, view, limits, urgency.CALM)
            reasons += raising.reasons(plan, view, limits, played, age_s, pending)
    except ImpossibleError:
        reasons += (Reason.IMPOSSIBLE,)
    if reasons:
        return Denied(plan, reasons)
    cap = urgency.gas_price_cap(view, limits, pressed, gas=steps_gas(plan.steps))
    by = urgency.bid_by(view, limits, pressed) if lowers else 0
    return Approved(plan, view, pressed, cap, lowers, by, _SEAL)


def _standing_reasons(plan: Plan, view: View) -> tuple[Reason, ...]:
    atomic_steps = any(step.kind is not StepKind.SINGLE for step in plan.steps)
    rules = {
        Reason.EMPTY: not plan.steps,
        Reason.HALTED: view.record.trading_state is TradingState.HALTED,
        Reason.DEADLINE_PASSED: plan.deadline <= view.now,
        Reason.NOT_ATOMIC: atomic_steps and not view.atomic,
    }
    return tuple(reason for reason, holds in rules.items() if holds)


def _trade_reasons(
    played: Rehearsal, view: View, limits: Limits, pressed: Decimal
) -> tuple[Reason, ...]:
    slippage = urgency.slippage_max(view, limits, pressed)
    rules = {
        Reason.SLIPPAGE: not all(trade.within(slippage) for trade in played.trades),
        Reason.PRICE_IMPACT: impact(played.trades) > urgency.impact_max(view, limits, pressed),
    }
    return tuple(reason for reason, holds in rules.items() if holds)
