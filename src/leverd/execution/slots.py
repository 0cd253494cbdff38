"""Slots: the pure state machine of intents and attempts.

A slot is one nonce of one signing key. Everything ever signed for it is an attempt, and is
journaled before it is sent; at most one of them can be mined. What happens next to a slot is
a function of its attempts and of what the chain shows, so it is the same after a crash. A
slot is dropped when its block is final and never before: until then it may open again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from leverd.domain.events import Event
from leverd.domain.slot_events import (
    AttemptPublished,
    AttemptSigned,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.execution import ladder
from leverd.execution.ladder import Ladder
from leverd.interfaces.venue import Fees, Inclusion, Sighting, Trace

RELAY: Final = "relay"
"""The way of an attempt that only a private relay is shown at first."""

PUBLIC: Final = "public"

ACT: Final = "act"
CANCEL: Final = "cancel"
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
    lost: SlotLost | None = None  # somebody else's transaction has it
    undone: SlotIncluded | None = None  # what a reorganisation took back
    published: frozenset[str] = frozenset()  # hashes shown to everybody after the relay

    @property
    def waiting(self) -> bool:
        """Whether it is in no block: the slot is open."""
        return self.included is None and self.lost is None

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
    def first(self) -> Signed:
        """The first attempt at what `act` does."""
        plan_id = self.act.plan_id
        return next(each for each in self.signed if each.attempt.plan_id == plan_id)

    @property
    def is_public(self) -> bool:
        """Whether anything of it was shown to everybody."""
        return any(self.is_shown(each.attempt) for each in self.signed)

    def is_shown(self, attempt: AttemptSigned) -> bool:
        """Return whether `attempt` was shown to everybody."""
        return attempt.way != RELAY or attempt.tx_hash in self.published

    @property
    def hashes(self) -> tuple[str, ...]:
        """Every hash that may be mined for it."""
        return tuple(each.attempt.tx_hash for each in self.signed)

    @property
    def plans(self) -> tuple[str, ...]:
        """Every plan that something was signed for, oldest first."""
        return tuple(dict.fromkeys(each.attempt.plan_id for each in self.signed))

    @property
    def positions(self) -> frozenset[str]:
        """Every position that something was signed for."""
        return frozenset(each.attempt.position_id for each in self.signed)

    def attempt(self, tx_hash: str) -> AttemptSigned:
        """Return the attempt with that hash."""
        return next(each.attempt for each in self.signed if each.attempt.tx_hash == tx_hash)


Slots: TypeAlias = Mapping[int, Slot]


def fold(slots: Slots, event: Event, chain_at: int) -> Slots:
    """Return `slots` after `event`, which happened at chain time `chain_at`.

    What comes twice changes nothing, and a slot that is final stays gone.
    """
    match event:
        case AttemptSigned(slot=number):
            slot = slots.get(number, Slot(number, ()))
            if event.tx_hash in slot.hashes:
                return slots
            slot = replace(slot, signed=(*slot.signed, Signed(event, chain_at)))
        case AttemptPublished(slot=number) if number in slots:
            shown = slots[number].published | {event.tx_hash}
            slot = replace(slots[number], published=shown)
        case SlotIncluded(slot=number) if number in slots:
            slot = replace(slots[number], included=event, lost=None)
        case SlotLost(slot=number) if number in slots:
            slot = replace(slots[number], lost=event, included=None)
        case SlotReorganised(slot=number) if number in slots:
            undone = slots[number].included or slots[number].undone
            slot = replace(slots[number], included=None, lost=None, undone=undone)
        case SlotFinal(slot=number):
            return {each: slot for each, slot in slots.items() if each != number}
        case _:
            return slots
    return {**slots, number: slot}


def open_slots(slots: Slots) -> tuple[Slot, ...]:
    """Return the slots that are in no block, lowest first."""
    found = (slot for slot in slots.values() if slot.waiting)
    return tuple(sorted(found, key=lambda slot: slot.number))


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient we are."""

    bump_after_s: int = 60  # chain seconds without inclusion until we bid more
    bump_after_urgent_s: int = 24
    bump_percent: int = 10  # the least a replacement must add to both fees
    relay_blocks: int | None = None  # blocks that only the relay is shown it; None: no relay
    io_s: float = 30.0  # wall seconds after which a call counts as unanswered


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do but look again."""


@dataclass(frozen=True, slots=True)
class Resend:
    """Hand the newest payload over again; the same bytes have one effect."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Show everybody what only the relay was shown; the same bytes have one effect."""

    reason: str


@dataclass(frozen=True, slots=True)
class Bump:
    """Sign the same act for a higher bid of at least these fees.

    `pressed`: because its deadline asks for it, whatever the market does.
    """

    least: Fees
    pressed: bool = False


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
class Accept:
    """It is in a block for good, and nobody tells any more what it did there."""

    trace: Trace


@dataclass(frozen=True, slots=True)
class Lose:
    """Somebody else's transaction spent it, in this block or before."""

    block: int


Move: TypeAlias = (
    Wait | Resend | Publish | Bump | Cancel | Include | Accept | Reorganise | Finalise | Lose
)


def next_move(
    slot: Slot,
    seen: Sighting,
    policy: Policy,
    *,
    wanted: bool = True,
    doubted: bool = False,
    stands: bool = False,
) -> Move:
    """Return what to do about `slot`, given one consistent look at the chain.

    `wanted` says whether any plan still wants its act done; `doubted` that the look before
    this one also saw the slot spent by nobody we know. One such look alone proves nothing:
    a node may count a nonce before it finds the receipt, or miss one that it had. `stands`
    that the block which included it is final and in the chain, whether or not its receipt is.
    A node whose head is below the block that the slot was in lags: what is gone it cannot tell.
    """
    if seen.head_block < _settled_in(slot):
        return Wait()
    found = seen.inclusion if seen.canonical else None
    if slot.included is not None and missed(seen):
        return _missing(doubted=doubted, stands=stands)
    if slot.included is not None:
        return _settling(slot.included, found, seen)
    if found is not None:
        return Include(found)
    if slot.lost is not None:
        if not seen.spent:
            return Reorganise()
        return Finalise() if slot.lost.block <= seen.final_block else Wait()
    if seen.spent:
        return _gone(seen) if doubted and seen.inclusion is None else Wait()
    return _waiting(slot, seen, policy, wanted=wanted)


def _settled_in(slot: Slot) -> int:
    """Return the block that holds what was done in `slot`, 0 while it waits."""
    settled = slot.included or slot.lost
    return 0 if settled is None else settled.block


def missed(seen: Sighting) -> bool:
    """Return whether a look counts the slot as spent but not by what."""
    return seen.spent and seen.inclusion is None


def replacement(fees: Fees, percent: int = 10) -> Fees:
    """Return the least bid that replaces one of `fees`: both higher by `percent`, rounded up."""
    return Fees(ladder.more(fees.max_fee, percent), ladder.more(fees.priority_fee, percent))


def bid_of(attempt: AttemptSigned) -> Fees:
    """Return what `attempt` bids."""
    return Fees(attempt.max_fee, attempt.priority_fee)


def _gone(seen: Sighting) -> Move:
    """Return what to do about a slot that is spent without a receipt of any attempt."""
    if seen.trace is None:
        return Lose(seen.head_block)
    return Accept(seen.trace) if seen.trace.block <= seen.final_block else Wait()


def _missing(*, doubted: bool, stands: bool) -> Move:
    """Return what to do about an included slot of which no receipt is found."""
    if stands:
        return Finalise()  # nodes do not keep receipts for ever
    return Reorganise() if doubted else Wait()


def _settling(included: SlotIncluded, found: Inclusion | None, seen: Sighting) -> Move:
    if found is None or found.block_hash != included.block_hash:
        return Reorganise()
    return Finalise() if included.block <= seen.final_block else Wait()


def _waiting(slot: Slot, seen: Sighting, policy: Policy, *, wanted: bool) -> Move:
    newest = slot.newest
    least = replacement(bid_of(newest), policy.bump_percent)
    cancelling = newest.purpose == CANCEL
    if not cancelling and (not wanted or seen.head_at >= newest.deadline):
        return Cancel(least)
    step = (
        None if cancelling else ladder.step(ladder_of(slot, policy), bid_of(newest), seen.head_at)
    )
    if step is not None:
        return Bump(step, pressed=True)
    patience = policy.bump_after_urgent_s if newest.urgent else policy.bump_after_s
    if seen.head_at - slot.signed[-1].at >= patience:
        return Cancel(least) if cancelling else Bump(least)
    if newest.tx_hash in seen.known:
        return Wait()
    return Resend() if slot.is_shown(newest) else _hidden(slot, seen, policy)


def _hidden(slot: Slot, seen: Sighting, policy: Policy) -> Move:
    why = why_public(slot, seen, policy.relay_blocks or 0)
    return Publish(why) if why else Wait()


def why_public(slot: Slot, seen: Sighting, blocks_max: int) -> str:
    """Return why what waits at the relay must be shown to everybody now, "" while it need not.

    Blocks and time count from the first payload of the act: a higher bid gives no new patience.
    """
    first, act = slot.first, slot.act
    if seen.head_block - first.attempt.block >= blocks_max:
        return f"not seen after {blocks_max} block(s)"
    ends = min(act.deadline, act.bid_by or act.deadline)
    if seen.head_at >= first.at + (ends - first.at) // 2:
        return "the deadline nears"
    return ""


def ladder_of(slot: Slot, policy: Policy) -> Ladder:
    """Return how the bid for the act of `slot` climbs."""
    first, act = slot.first, slot.act
    return Ladder(
        first=first.attempt.max_fee,
        since=first.at,
        cap=act.fee_cap,
        by=act.bid_by,
        lead_s=policy.bump_after_urgent_s,
        percent=policy.bump_percent,
    )


def hastened(slot: Slot, cap: int, by: int) -> Slot:
    """Return `slot` with its act worth `cap` at least and due `by` at the latest; 0 says nothing.

    What a newer view finds out about a plan under way: the next bid carries it into the journal.
    """
    act = slot.act
    due = min(filter(None, (act.bid_by, by)), default=0)
    pressed = replace(act, fee_cap=max(act.fee_cap, cap), bid_by=due)
    signed = tuple(
        replace(each, attempt=pressed) if each.attempt is act else each for each in slot.signed
    )
    return replace(slot, signed=signed)
