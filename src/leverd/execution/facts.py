"""The events that execution writes, made from plans, attempts and inclusions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from leverd.domain.events import AlertRaised, Event
from leverd.domain.plan import Plan, Purpose, Step
from leverd.domain.plan_events import PlanApproved, StepMismatched
from leverd.domain.position import Mandate
from leverd.domain.slot_events import AttemptSigned, SlotIncluded, SlotReorganised
from leverd.domain.snapshot import Snapshot
from leverd.domain.step_text import to_text
from leverd.domain.view import Stamp
from leverd.execution.slots import ACT, CANCEL, PUBLIC, Slot
from leverd.interfaces.venue import Attempt, Inclusion
from leverd.risk.gate import Approved
from leverd.risk.urgency import URGENT

MISMATCHED: Final = "LVD-EXE-001"
LOST: Final = "LVD-EXE-002"
REHEARSAL: Final = "LVD-EXE-003"
SHORT: Final = "LVD-EXE-005"


@dataclass(frozen=True, slots=True)
class Running:
    """A plan under way. It lives in memory only: a restart decides anew."""

    approved: Approved
    mandate: Mandate
    sequence: int  # what the next step's transaction has to carry
    step: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)  # P&L so far, share class raw units
    spent: int = 0  # wei that its mined steps paid, since the view it was judged by

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.approved.plan

    def after(self, marks: Iterable[Event], paid: int) -> Running:
        """Return the plan at its next step; the present one earned `marks` and `paid` wei of gas.

        The sequence number is counted on, not read anew: if somebody else used one up in
        between, the rehearsal fails, and the next view decides.
        """
        lines = summed(self.lines, marks)
        spent = self.spent + paid
        return replace(
            self, sequence=self.sequence + 1, step=self.step + 1, lines=lines, spent=spent
        )


def approval(running: Running, snapshot: Snapshot) -> PlanApproved:
    """Return the intent to carry a plan out."""
    plan = running.plan
    return PlanApproved(
        plan.plan_id,
        plan.position_id,
        plan.purpose,
        plan.reason,
        tuple(_words(step) for step in plan.steps),
        plan.cost.total,
        snapshot,
    )


def acting(running: Running, attempt: Attempt, signer: str, cap: int) -> AttemptSigned:
    """Return the record of the first attempt at a plan's present step; it may bid up to `cap`."""
    plan = running.plan
    return AttemptSigned(
        slot=attempt.slot,
        signer=signer,
        plan_id=plan.plan_id,
        position_id=plan.position_id,
        step=running.step,
        purpose=ACT,
        tx_hash=attempt.tx_hash,
        payload=attempt.payload.hex(),
        gas_limit=attempt.gas_limit,
        max_fee=attempt.fees.max_fee,
        priority_fee=attempt.fees.priority_fee,
        deadline=plan.deadline,
        urgent=plan.purpose is Purpose.DELEVERAGE or running.approved.urgency == URGENT,
        sequence=running.sequence,
        step_text=to_text(plan.steps[running.step]),
        fee_cap=cap,
        bid_by=running.approved.bid_by,
        block=running.approved.view.stamp.block,
    )


def again(like: AttemptSigned, attempt: Attempt, purpose: str) -> AttemptSigned:
    """Return the record of another attempt for the slot of `like`: a bump or a cancel."""
    return replace(
        like,
        slot=attempt.slot,
        purpose=purpose,
        tx_hash=attempt.tx_hash,
        payload=attempt.payload.hex(),
        gas_limit=attempt.gas_limit,
        max_fee=attempt.fees.max_fee,
        priority_fee=attempt.fees.priority_fee,
        step_text="" if purpose == CANCEL else like.step_text,
        way=PUBLIC if purpose == CANCEL else like.way,
    )


def inclusion_of(attempt: AttemptSigned, inclusion: Inclusion) -> SlotIncluded:
    """Return the record of an attempt found in a block."""
    return SlotIncluded(
        attempt.slot,
        attempt.signer,
        inclusion.tx_hash,
        inclusion.block,
        inclusion.block_hash,
        inclusion.at,
        inclusion.succeeded,
        inclusion.reason,
        inclusion.gas_used,
        inclusion.gas_price,
        inclusion.l1_fee,
    )


def undoing_of(slot: Slot) -> SlotReorganised:
    """Return the record that the block which spent `slot` is gone."""
    if slot.included is not None:
        gone = slot.included
        return SlotReorganised(slot.number, gone.signer, gone.block, gone.block_hash)
    assert slot.lost is not None, "only a slot in a block is reorganised"
    return SlotReorganised(slot.number, slot.lost.signer, slot.lost.block, "")


def mismatched(
    attempt: AttemptSigned, expected: Mapping[str, int], found: Mapping[str, int]
) -> tuple[Event, ...]:
    """Return the record that a mined step did something else, and the alert."""
    text = "a mined step did not do what it should; the position goes REDUCING"
    legs = sorted(expected.keys() | found.keys())
    details = {leg: f"{expected.get(leg)} expected, {found.get(leg)} found" for leg in legs}
    return (
        StepMismatched(
            attempt.plan_id, attempt.position_id, attempt.step, attempt.tx_hash, expected, found
        ),
        AlertRaised(attempt.position_id, MISMATCHED, text, details),
    )


def short(position_id: str, text: str) -> AlertRaised:
    """Return the alert that the key cannot pay for what it should send."""
    return AlertRaised(position_id, SHORT, f"nothing is sent until the key holds more: {text}")


def stamp_of(inclusion: Inclusion, source: str) -> Stamp:
    """Return the stamp of the block that included a step."""
    received = datetime.fromtimestamp(inclusion.at, UTC)
    return Stamp(source, inclusion.block, inclusion.block_hash, inclusion.at, received)


def summed(lines: Mapping[str, int], events: Iterable[Event]) -> dict[str, int]:
    """Return P&L `lines` with those of `events` added."""
    total = dict(lines)
    for event in events:
        for line, raw in getattr(event, "attribution", {}).items():
            total[line] = total.get(line, 0) + raw
    return total


def _words(step: Step) -> str:
    return f"{step.kind}: " + ", ".join(type(action).__name__ for action in step.actions)
