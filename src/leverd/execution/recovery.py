"""What the journal says may still be under way: start-up is recovery. Pure.

A half-done sequence is never resumed: it was computed from an old view. A step of it that
may still be mined keeps its slot until that is settled; everything else of it is aborted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from leverd.domain.events import (
    AttemptPublished,
    AttemptSigned,
    Event,
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
    Snapshot,
    StepVerified,
)
from leverd.execution import slots
from leverd.execution.placing import Rank, rank_of
from leverd.execution.slots import Slots
from leverd.interfaces.journal import Entry

RESTARTED = "restarted"
REPLACED = "another transaction took its place"


@dataclass(frozen=True, slots=True)
class Flight:
    """A plan that has not ended."""

    plan_id: str
    position_id: str
    rank: Rank
    steps: int  # how many it has
    held: Snapshot  # what the position held at its approval, or after the last step done
    done: int = 0  # how many are mined and verified


@dataclass(frozen=True, slots=True)
class Known:
    """What may still be under way, and what every plan began from."""

    slots: Slots = field(default_factory=dict)
    flights: Mapping[str, Flight] = field(default_factory=dict)  # by plan id
    floor: int = 0  # nothing was ever signed for this nonce or a higher one
    before: Mapping[int, Snapshot] = field(default_factory=dict)  # by slot, what its act began from


def fold(known: Known, event: Event, chain_at: int, signer: str) -> Known:
    """Return what is known after `event`; slots of another key than `signer` are not ours."""
    match event:
        case PlanApproved(plan_id, position_id, purpose, steps=steps):
            flight = Flight(plan_id, position_id, rank_of(purpose), len(steps), event.snapshot)
            return replace(known, flights={**known.flights, plan_id: flight})
        case StepVerified(plan_id=plan_id, step=step) if plan_id in known.flights:
            flight = replace(known.flights[plan_id], done=step + 1, held=event.snapshot)
            return replace(known, flights={**known.flights, plan_id: flight})
        case PlanCompleted(plan_id=plan_id) | PlanAborted(plan_id=plan_id):
            left = {key: flight for key, flight in known.flights.items() if key != plan_id}
            return replace(known, flights=left)
        case (
            AttemptSigned()
            | AttemptPublished()
            | SlotIncluded()
            | SlotReorganised()
            | SlotFinal()
            | SlotLost()
        ):
            if event.signer.lower() != signer.lower():
                return known
            return _acting(
                replace(
                    known,
                    slots=slots.fold(known.slots, event, chain_at),
                    floor=max(known.floor, event.slot + 1),
                ),
                event,
            )
        case _:
            return known


def _acting(known: Known, event: Event) -> Known:
    """Return `known` with what the slots that are left began from."""
    before = {
        number: known.before[number]
        for number, slot in known.slots.items()
        if number in known.before and slot.lost is None
    }
    if isinstance(event, AttemptSigned) and event.purpose == slots.ACT:
        flight = known.flights.get(event.plan_id)
        before |= {} if flight is None else {event.slot: flight.held}
    return replace(known, before=before)


def restored(entries: Iterable[Entry], signer: str) -> Known:
    """Return what a journal knows."""
    known = Known()
    for entry in entries:
        known = fold(known, entry.event, entry.chain_at, signer)
    return known


def cut_off(known: Known) -> tuple[PlanAborted, ...]:
    """Return the end of every plan that a restart cut off and that nothing in flight may finish."""
    flying = {plan for slot in slots.open_slots(known.slots) for plan in slot.plans}
    return tuple(
        PlanAborted(flight.plan_id, flight.position_id, flight.done, RESTARTED)
        for flight in known.flights.values()
        if flight.plan_id not in flying
    )
