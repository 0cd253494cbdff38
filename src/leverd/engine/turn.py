"""One turn for one position, without I/O: view in, verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leverd.domain.decision import Decision, Hold, Unwind, combine
from leverd.domain.plan import Plan
from leverd.domain.view import View
from leverd.engine import planner
from leverd.engine.terms import Terms
from leverd.interfaces.agent import Agent, Alerting
from leverd.risk import urgency
from leverd.risk.gate import NOTHING_PENDING, Pending, Verdict, bound, review
from leverd.risk.limits import Limits

OWNER = "owner"
"""The name a standing order of the owner goes by where agents have theirs."""


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent at a position. A guard may only lower risk and is asked in every state."""

    agent: Agent
    guards: bool

    def alert(self, view: View) -> str | None:
        """Return what a guard has to tell the owner about `view`, None if nothing."""
        return self.agent.alert(view) if isinstance(self.agent, Alerting) else None


@dataclass(frozen=True, slots=True)
class Timing:
    """What a plan reckons with between view and block, chain seconds."""

    delay_s: int
    deadline_s: int
    deadline_urgent_s: int = 120


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one turn came to."""

    view: View
    wish: Decision  # the least risky of what was asked for
    decision: Decision  # the wish, within limits
    plan: Plan | None
    verdict: Verdict | None


def turn(
    view: View,
    seats: Sequence[Seat],
    limits: Limits,
    timing: Timing,
    *,
    age_s: int,
    pending: Pending = NOTHING_PENDING,
) -> Outcome:
    """Return what may be done about `view`. The same arguments give the same outcome.

    `age_s` is how old the view is; `pending` is what open slots may still spend.
    """
    wish = combine(_wishes(view, seats))
    decision = bound(wish, view, limits)
    plan = planner.plan(decision, view, terms_of(view, limits, timing, urgent=_is_urgent(decision)))
    verdict = None if plan is None else review(plan, view, limits, age_s=age_s, pending=pending)
    return Outcome(view, wish, decision, plan, verdict)


def terms_of(view: View, limits: Limits, timing: Timing, *, urgent: bool = False) -> Terms:
    """Return the terms of a plan made now: the limits, loosened by how urgent it is.

    What is urgent gets a short deadline: in a crash its minimum is soon out of date, and the
    next attempt is made from a fresh view.
    """
    pressed = urgency.of(view, limits)
    return Terms(
        slippage=urgency.slippage_max(view, limits, pressed),
        impact_max=urgency.impact_max(view, limits, pressed),
        health_min=limits.health_min,
        health_step_min=urgency.step_floor(view, limits),
        delay_s=timing.delay_s,
        deadline_s=timing.deadline_urgent_s if urgent else timing.deadline_s,
        dust_usd=10**8,
    )


def _is_urgent(decision: Decision) -> bool:
    return not isinstance(decision, Hold) and decision.urgent


def _wishes(view: View, seats: Sequence[Seat]) -> list[Decision]:
    wishes: list[Decision] = []
    standing = _standing_order(view)
    if standing is not None:
        wishes.append(standing)
    free = standing is None and not view.record.paused
    wishes.extend(seat.agent.decide(view) for seat in seats if seat.guards or free)
    return wishes or [Hold(OWNER, "paused: agents are not asked")]


def _standing_order(view: View) -> Unwind | None:
    if view.record.unwinding:
        return Unwind(OWNER, "the owner asked to unwind")
    if view.record.stopped:
        return Unwind(OWNER, "the portfolio stop fired")
    return None
