"""Slots: the pure state machine of intents and attempts.

A slot is one nonce of one signing key. Everything ever signed for it is an attempt, and is
journaled before it is sent; at most one of them can be mined. What happens next to a slot is
a function of its attempts and of what the chain shows, so it is the same after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from leverd.domain.events import (
    AttemptSigned,
    Event,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.interfaces.venue import Fees, Inclusion, Sighting

CANCEL = "cancel"
"""The purpose of an attempt that only spends the slot."""


@dataclass(frozen=True, slots=True)
class Signed:
    """One attempt, and the chain time it was signed at."""

    attempt: AttemptSigned
    at: int


@dataclass(frozen=True, slots=True)
class Slot:
    """One nonce that something was signed for and that is not final yet."""

    number: int
    signed: tuple[Signed, ...]  # oldest first
    included: SlotIncluded | None = None

    @property
    def newest(self) -> AttemptSigned:
        """The attempt with the highest bid."""
        return self.signed[-1].attempt

    @property
    def act(self) -> AttemptSigned:
        """The newest attempt that does something; a cancel when there was none."""
        acting = [each.attempt for each in self.signed if each.attempt.purpose != CANCEL]
        return acting[-1] if acting else self.newest

    @property
    def hashes(self) -> tuple[str, ...]:
        """Every hash that may be mined for it."""
        return tuple(each.attempt.tx_hash for each in self.signed)

    def attempt(self, tx_hash: str) -> AttemptSigned:
        """Return the attempt with that hash."""
        return next(each.attempt for each in self.signed if each.attempt.tx_hash == tx_hash)


Slots: TypeAlias = Mapping[int, Slot]


def fold(slots: Slots, event: Event, chain_at: int) -> Slots:
    """Return `slots` after `event`, which happened at chain time `chain_at`."""
    match event:
        case AttemptSigned(slot=number):
            before = slots.get(number, Slot(number, ()))
            if event.tx_hash in before.hashes:
                return slots
            signed = (*before.signed, Signed(event, chain_at))
            return {**slots, number: replace(before, signed=signed)}
        case SlotIncluded(slot=number) if number in slots:
            return {**slots, number: replace(slots[number], included=event)}
        case SlotReorganised(slot=number) if number in slots:
            return {**slots, number: replace(slots[number], included=None)}
        case SlotFinal(slot=number) | SlotLost(slot=number):
            return {each: slot for each, slot in slots.items() if each != number}
        case _:
            return slots


def open_slots(slots: Slots) -> tuple[Slot, ...]:
    """Return the slots that are in no block, lowest first."""
    found = (slot for slot in slots.values() if slot.included is None)
    return tuple(sorted(found, key=lambda slot: slot.number))


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient we are, in chain seconds."""

    bump_after_s: int = 60  # without inclusion, bid more
    bump_after_urgent_s: int = 24
    bump_percent: int = 10  # the least a replacement must add to both fees


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do but look again."""


@dataclass(frozen=True, slots=True)
class Resend:
    """Hand the newest payload over again; the same bytes have one effect."""


@dataclass(frozen=True, slots=True)
class Bump:
    """Sign the same act for a higher bid of at least these fees."""

    least: Fees


@dataclass(frozen=True, slots=True)
class Cancel:
    """Spend the slot on nothing, for at least these fees."""

    least: Fees


@dataclass(frozen=True, slots=True)
class Include:
    """It is in a block."""

    inclusion: Inclusion


@dataclass(frozen=True, slots=True)
class Reorganise:
    """The block it was in is gone."""


@dataclass(frozen=True, slots=True)
class Finalise:
    """Its block can no longer go."""


@dataclass(frozen=True, slots=True)
class Lose:
    """Somebody else's transaction spent it."""


Move: TypeAlias = Wait | Resend | Bump | Cancel | Include | Reorganise | Finalise | Lose


def next_move(slot: Slot, seen: Sighting, policy: Policy) -> Move:
    """Return what to do about `slot`, given one consistent look at the chain."""
    if slot.included is not None:
        return _settling(slot.included, seen)
    if seen.inclusion is not None and seen.canonical:
        return Include(seen.inclusion)
    if seen.spent:
        return Lose()
    return _waiting(slot, seen, policy)


def replacement(fees: Fees, percent: int = 10) -> Fees:
    """Return the least bid that replaces one of `fees`: both higher by `percent`, rounded up."""
    return Fees(_more(fees.max_fee, percent), _more(fees.priority_fee, percent))


def _settling(included: SlotIncluded, seen: Sighting) -> Move:
    found = seen.inclusion
    if found is None or not seen.canonical or found.block_hash != included.block_hash:
        return Reorganise()
    return Finalise() if included.block <= seen.final_block else Wait()


def _waiting(slot: Slot, seen: Sighting, policy: Policy) -> Move:
    newest = slot.newest
    least = replacement(Fees(newest.max_fee, newest.priority_fee), policy.bump_percent)
    if newest.purpose != CANCEL and seen.head_at >= newest.deadline:
        return Cancel(least)
    if newest.tx_hash not in seen.known:
        return Resend()
    patience = policy.bump_after_urgent_s if newest.urgent else policy.bump_after_s
    if seen.head_at - slot.signed[-1].at < patience:
        return Wait()
    return Cancel(least) if newest.purpose == CANCEL else Bump(least)


def _more(fee: int, percent: int) -> int:
    return -(-fee * (100 + percent) // 100) + 1
