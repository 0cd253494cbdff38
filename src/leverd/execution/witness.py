"""Gather what a mined step did, from its receipt and from the blocks around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leverd.domain.apply import apply_step
from leverd.domain.position import Mandate
from leverd.domain.slot_events import AttemptSigned
from leverd.domain.state import State
from leverd.domain.step_text import of_text
from leverd.execution.slots import CANCEL, Slots
from leverd.execution.verify import StepDone
from leverd.interfaces.venue import Inclusion, Sighting, Venue


@dataclass(frozen=True, slots=True)
class Found:
    """An attempt, and where it was found."""

    attempt: AttemptSigned
    inclusion: Inclusion


def same_block(found: Found, slots: Slots, seen: Mapping[int, Sighting]) -> tuple[Found, ...]:
    """Return all steps of one position that the block of `found` holds, in order.

    Usually it holds one. After a reorganisation it may hold several, and only the last of
    them ends in the state that the block ends in.
    """
    steps = [found]
    for number, sighting in seen.items():
        inclusion, slot = sighting.inclusion, slots.get(number)
        if inclusion is None or slot is None or number == found.attempt.slot:
            continue
        attempt = slot.attempt(inclusion.tx_hash)
        if (
            inclusion.block_hash == found.inclusion.block_hash
            and inclusion.succeeded
            and attempt.purpose != CANCEL
            and attempt.position_id == found.attempt.position_id
        ):
            steps.append(Found(attempt, inclusion))
    return tuple(sorted(steps, key=lambda each: each.attempt.slot))


async def step_done(
    venue: Venue, mandate: Mandate, found: Found, together: tuple[Found, ...]
) -> StepDone:
    """Return what a mined step started from, did and led to.

    Raises:
        UnreachableError: the chain does not answer.
        NonsenseError: what it answers cannot be true.
        ImpossibleError: a step before it in its block cannot have been.
    """
    before = await venue.state_before(mandate, found.inclusion)
    for each in together[: together.index(found)]:
        before = await _played(venue, mandate, before, each)
    step = of_text(found.attempt.step_text)
    fills = await venue.fills(mandate, step, found.inclusion)
    if together[-1] == found:
        after = await venue.state_after(mandate, found.inclusion)
    else:
        after = apply_step(before, step, fills, verified=True)
    return StepDone(step, fills, before, after, found.inclusion)


async def _played(venue: Venue, mandate: Mandate, before: State, each: Found) -> State:
    step = of_text(each.attempt.step_text)
    fills = await venue.fills(mandate, step, each.inclusion)
    return apply_step(before, step, fills, verified=True)
