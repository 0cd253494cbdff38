"""What of a turn's outcome is worth a line in the journal. Pure.

A decision is written when it differs from the one before; runs of like holds and of like
denials become one line each, so that a quiet year does not fill a disk. What is urgent and
stays undone is told to a human, also to one who halted it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from leverd.domain.decision import Decision, Hold, SetLeverage, Unwind
from leverd.domain.events import AlertRaised, DecisionTaken, Event, HoldsFolded
from leverd.domain.plan_events import PlanDenied
from leverd.engine.collect import snapshot_of
from leverd.engine.turn import Outcome
from leverd.execution import bids
from leverd.risk.gate import Approved, Denied

STUCK: Final = "LVD-GRD-002"

_HOLD: Final = "hold"

_RUNNING: Final = 2
"""Turns in a row without an approved plan after which an urgent wish is told to a human."""


@dataclass(frozen=True, slots=True)
class Run:
    """Like holds in a row, not yet written."""

    count: int
    first_block: int
    last_block: int
    reason: str


@dataclass(frozen=True, slots=True)
class Diary:
    """What was last written about one position."""

    decided: tuple[str, str, str] | None = None
    holds: Run | None = None
    denied: tuple[str, ...] = field(default_factory=tuple)
    stuck: int = 0  # turns in a row in which what was urgent had no approved plan


def write(diary: Diary, outcome: Outcome) -> tuple[Diary, tuple[Event, ...]]:
    """Return the diary after `outcome`, and the events to journal for it."""
    key, denied = _key(outcome.decision), _reasons(outcome)
    stuck = _stuck(diary, outcome)
    cry = (_cry(outcome, denied),) if stuck == _RUNNING else ()
    if key == diary.decided and isinstance(outcome.decision, Hold):
        return replace(diary, holds=_longer(diary.holds, outcome), stuck=stuck), cry
    events: list[Event] = [*_folded(diary, outcome)]
    if key != diary.decided:
        events.append(_decision(outcome))
    if denied and denied != diary.denied:
        events.append(_denial(outcome, denied))
    return Diary(key, None, denied, stuck), (*events, *cry)


def flush(diary: Diary, position_id: str) -> tuple[Diary, tuple[Event, ...]]:
    """Return the diary with its run of holds written out, and that line."""
    if diary.holds is None:
        return diary, ()
    run = diary.holds
    line = HoldsFolded(position_id, run.count, run.first_block, run.last_block, run.reason)
    return replace(diary, holds=None), (line,)


def _folded(diary: Diary, outcome: Outcome) -> tuple[Event, ...]:
    return flush(diary, outcome.view.state.position.mandate.position_id)[1]


def _longer(run: Run | None, outcome: Outcome) -> Run:
    block, reason = outcome.view.stamp.block, outcome.decision.reason
    if run is None:
        return Run(1, block, block, reason)
    return Run(run.count + 1, run.first_block, block, reason)


def _key(decision: Decision) -> tuple[str, str, str]:
    """Return what makes two decisions alike: reasons may carry changing numbers when holding."""
    match decision:
        case Hold(agent=agent):
            return agent, _HOLD, ""
        case SetLeverage(agent=agent, target=target):
            return agent, "set_leverage", f"{target:.6f}"
        case Unwind(agent=agent):
            return agent, "unwind", "1"


def _decision(outcome: Outcome) -> DecisionTaken:
    agent, kind, target = _key(outcome.decision)
    position_id = outcome.view.state.position.mandate.position_id
    snapshot = snapshot_of(outcome.view.state, outcome.view.stamp)
    return DecisionTaken(position_id, agent, kind, target, outcome.decision.reason, snapshot)


def _stuck(diary: Diary, outcome: Outcome) -> int:
    """Return for how many turns what is urgent was not done; counted anew once it is halted."""
    if not _is_stuck(outcome):
        return 0
    was_held_back = diary.decided is not None and diary.decided[1] == _HOLD
    return diary.stuck + 1 if was_held_back is (outcome.held_back is not None) else 1


def _is_stuck(outcome: Outcome) -> bool:
    """Whether a debt that has to be lowered now is not, by any plan that may go."""
    wish, owed = outcome.held_back or outcome.decision, outcome.view.state.position.loan.debts
    urgent = not isinstance(wish, Hold) and wish.urgent
    verdict = outcome.verdict
    goes = isinstance(verdict, Approved) and bids.is_affordable(verdict)
    return urgent and any(owed.values()) and not goes


def _cry(outcome: Outcome, denied: tuple[str, ...]) -> AlertRaised:
    position_id = outcome.view.state.position.mandate.position_id
    why = f"the plan is denied: {', '.join(denied)}" if denied else "there is no plan for it"
    if isinstance(outcome.verdict, Approved):
        asks, bids_most = outcome.view.gas.base_fee, outcome.verdict.gas_price_cap
        why = f"blocks ask {asks} wei per gas, and it is worth {bids_most}"
    if outcome.held_back is not None:
        why = "it is halted, and nothing is done before `leverd resume`"
    reason = (outcome.held_back or outcome.decision).reason
    return AlertRaised(position_id, STUCK, f"urgent, and not done: {reason}; {why}")


def _reasons(outcome: Outcome) -> tuple[str, ...]:
    if isinstance(outcome.verdict, Denied):
        return tuple(str(reason) for reason in outcome.verdict.reasons)
    return ()


def _denial(outcome: Outcome, reasons: tuple[str, ...]) -> PlanDenied:
    assert outcome.plan is not None, "only a plan is denied"
    plan = outcome.plan
    return PlanDenied(plan.plan_id, plan.position_id, plan.purpose, reasons)
