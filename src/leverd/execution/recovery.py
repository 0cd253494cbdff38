"""What the journal says may still be under way: start-up is recovery. Pure.

A half-done sequence is never resumed: it was computed from an old view. A step of it that
may still be mined keeps its slot until that is settled; everything else of it is aborted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from leverd.domain.events import Event
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepAccepted,
    StepVerified,
)
from leverd.domain.slot_events import (
    AttemptPublished,
    AttemptSigned,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.domain.snapshot import Snapshot
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
    done: int = 0  # how many are mined and verified, or at least accepted


@dataclass(frozen=True, slots=True)
class Known:
    """What may still be under way, and what every plan began from."""

    slots: Slots = field(default_factory=dict)
    flights: Mapping[str, Flight] = field(default_factory=dict)  # by plan id
    floor: int = 0  # nothing was ever signed for this nonce or a higher one
    # by slot and plan: what the act of that plan in that slot began from
    before: Mapping[tuple[int, str], Snapshot] = field(default_factory=dict)


def fold(known: Known, event: Event, chain_at: int, signer: str) -> Known:
    """Return what is known after `event`; slots of another key than `signer` are not ours."""
    match event:
        case PlanApproved(plan_id, position_id, purpose, steps=steps):
            flight = Flight(plan_id, position_id, rank_of(purpose), len(steps), event.snapshot)
            return replace(known, flights={**known.flights, plan_id: flight})
        case StepVerified() | StepAccepted():
            return _done(known, event)
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


def _done(known: Known, event: StepVerified | StepAccepted) -> Known:
    """Return `known` after a step: its plan goes on from there, and so do acts above its slot.

    Those were signed before only if a reorganisation undid the step and it is done again,
    with other indexes.
    """
    own = next((n for n, slot in known.slots.items() if event.tx_hash in slot.hashes), None)
    before = {
        key: event.snapshot if own is not None and _above(known, key, own, event) else snapshot
        for key, snapshot in known.before.items()
    }
    known = replace(known, before=before)
    if event.plan_id not in known.flights:
        return known
    flight = replace(known.flights[event.plan_id], done=event.step + 1, held=event.snapshot)
    return replace(known, flights={**known.flights, event.plan_id: flight})


def _above(
    known: Known, key: tuple[int, str], own: int, event: StepVerified | StepAccepted
) -> bool:
    number, plan_id = key
    acts = (each.attempt for each in known.slots[number].signed)
    positions = {act.position_id for act in acts if act.plan_id == plan_id}
    return number > own and event.position_id in positions


def _acting(known: Known, event: Event) -> Known:
    """Return `known` with what the acts in the slots that are left began from."""
    before = {
        key: held
        for key, held in known.before.items()
        if key[0] in known.slots and known.slots[key[0]].lost is None
    }
    if isinstance(event, AttemptSigned) and event.purpose == slots.ACT:
        flight = known.flights.get(event.plan_id)
        before |= {} if flight is None else {(event.slot, event.plan_id): flight.held}
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
