"""The thin shell around the slot machine: it looks, signs, journals, sends, and verifies.

The order is rehearse, sign, journal, send, journal. Whatever line the process dies on, the
journal names every hash that may be mined, and the next start asks the chain about each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from loguru import logger

from leverd.domain.events import AlertRaised, Event
from leverd.domain.plan import Plan
from leverd.domain.position import Mandate
from leverd.domain.slot_events import SlotFinal
from leverd.errors import LeverdError, OwnerError, RevertedError, SigningRefusedError
from leverd.execution import bids, facts, purse, recovery, slots
from leverd.execution.bidder import Bidder
from leverd.execution.facts import Running
from leverd.execution.logbook import Logbook
from leverd.execution.lookout import Lookout
from leverd.execution.patience import put_up_with
from leverd.execution.placing import Place, Rank, place_for, rank_of
from leverd.execution.purse import Purse
from leverd.execution.recovery import REPLACED
from leverd.execution.settler import DEADLINE, Marker, Photographer, Settler, Ways
from leverd.execution.slots import (
    Accept,
    Bump,
    Cancel,
    Finalise,
    Include,
    Lose,
    Policy,
    Publish,
    Reorganise,
    Resend,
    Slot,
    Wait,
    bid_of,
)
from leverd.execution.under_way import touched
from leverd.execution.witness import Found
from leverd.interfaces.journal import Journal
from leverd.interfaces.venue import Sighting, Venue
from leverd.risk.gate import Approved

__all__ = ["Executor", "Marker", "Photographer", "Ways"]


@dataclass(frozen=True, slots=True)
class Hurry:
    """What a newer view says of a plan under way."""

    cap: int  # wei per gas, the most it may bid
    by: int  # chain time by which it must, 0 for one that may wait
    held: int  # wei the key holds


class Executor:
    """Owns the slots of one signing key. Each call returns soon, whatever the chain does."""

    def __init__(
        self,
        venue: Venue,
        journal: Journal,
        mandates: Sequence[Mandate],
        ways: Ways,
        policy: Policy | None = None,
    ) -> None:
        self._venue, self._ways = venue, ways
        self._mandates = {mandate.position_id: mandate for mandate in mandates}
        self._policy = policy or Policy()
        self._logbook = Logbook(journal, venue.signer)
        self._bidder = Bidder(venue, self._logbook, self._mandates, self._policy)
        self._settler = Settler(venue, self._logbook, self._mandates, ways, self._policy)
        self._lookout = Lookout(venue, self._policy.io_s)
        self._running: dict[str, Running] = {}  # by plan id
        self._next: dict[str, Running] = {}  # plans whose next step is not signed yet
        self._refused: set[tuple[str, str]] = set()
        self._hurries: dict[str, Hurry] = {}  # by position id

    @property
    def open_slots(self) -> int:
        """How many transactions are under way: in no block, perhaps in none, or next in a plan."""
        return len(self._under_way())

    def touched(self) -> Mapping[str, int]:
        """Return how many of them may change what each position holds; absent are those of none."""
        return touched(self._under_way(), self._mandates)

    @property
    def provisional(self) -> bool:
        """Whether a reorganisation may still undo something of ours."""
        return bool(self._logbook.known.slots)

    async def recover(self) -> None:
        """Learn from the journal what may still be under way, and settle what can be settled.

        Plans that a crash cut off are aborted; a step of theirs that may still be mined
        keeps its slot: it is looked up, sent again as it was, or cancelled past its deadline.
        What is still open when this returns is `tend`'s to settle.
        """
        self._logbook.restore()
        await self._logbook.record(*recovery.cut_off(self._logbook.known))
        if self._logbook.known.slots:
            logger.info("recovery: {} slot(s) to settle", self.open_slots)
            await self._tend_all()

    async def start(self, approved: Approved, nonce: int) -> bool:
        """Begin an approved plan; return whether it was begun.

        `nonce` is how many transactions of the key are mined. While a slot is open only
        something more urgent may take its place, for a higher bid.

        Raises:
            UnreachableError: nothing was signed or sent.
        """
        plan, view = approved.plan, approved.view
        place = self._place(approved, nonce)
        if place is None:
            if approved.lowers:
                self._hurries[plan.position_id] = Hurry(
                    approved.gas_price_cap, approved.bid_by, view.gas.operator_balance
                )
            return False
        if not bids.is_affordable(approved):
            logger.info("{} waits: gas is above what this is worth", plan.position_id)
            return False
        self._logbook.time.view(view.now)
        if self._logbook.time.now >= plan.deadline:  # the view was older than the chain is
            logger.info("{} waits: the plan was out of date when it was made", plan.position_id)
            return False
        running = Running(approved, self._mandates[plan.position_id], view.sequence)
        snapshot = self._ways.photograph(view.state, view.stamp)
        return await self._begin(running, place, facts.approval(running, snapshot))

    async def tend(self, chain_at: int = 0) -> tuple[Event, ...]:
        """Look at every slot once and do what is due: send again, bid more, settle, verify.

        Return what was journaled since the last time. A slot about which nothing can be
        learned stays as it is.
        """
        self._logbook.time.view(chain_at)
        await self._tend_all()
        for running in tuple(self._next.values()):
            with put_up_with(f"plan {running.plan.plan_id}"):
                await self._go_on(running)
        return self._logbook.said()

    def held(self) -> tuple[Event, ...]:
        """Return what is true and waits for a commit: any other may take it along."""
        return self._logbook.held()

    def written(self, held: Sequence[Event]) -> None:
        """Learn that what `held` returned is in the journal."""
        self._logbook.written(held)

    def abandon(self, position_id: str, reason: str) -> None:
        """Sign no further step of plans for a position ("" all); what is in flight is settled."""
        for plan_id, running in tuple(self._running.items()):
            if position_id in {"", running.plan.position_id}:
                del self._running[plan_id]
                if self._next.pop(plan_id, None) is not None:
                    self._logbook.say_later(*self._logbook.aborted((plan_id,), reason))

    async def overrule(
        self, denies: Callable[[Approved], bool], reason: str, *events: Event
    ) -> None:
        """Journal `events` and, in one commit, the end of every plan that `denies` now.

        What of them is in flight is cancelled by `tend`, or verified if it was mined before.
        """
        ended = tuple(
            plan_id for plan_id, running in self._running.items() if denies(running.approved)
        )
        await self._logbook.record(*events, *self._logbook.aborted(ended, reason))
        self._keep_up(None)

    def _under_way(self) -> list[Collection[str]]:
        """Return the positions of each transaction that is under way."""
        known = self._logbook.known.slots
        unsure = (known[number] for number in self._lookout.unsure & known.keys())
        in_doubt = (slot for slot in unsure if not slot.waiting)
        signed = [slot.positions for slot in (*slots.open_slots(known), *in_doubt)]
        return [*signed, *((each.plan.position_id,) for each in self._next.values())]

    async def _tend_all(self) -> None:
        seen = await self._lookout.look(self._logbook.known.slots)
        in_order = True
        for number in sorted(self._logbook.known.slots):
            if number in seen:
                with put_up_with(f"slot {number}"):
                    await self._tend_one(number, seen, in_order=in_order)
            slot_now = self._logbook.known.slots.get(number)
            waits = slot_now is not None and slot_now.waiting
            in_order = in_order and number in seen and not waits

    async def _tend_one(self, number: int, seen: Mapping[int, Sighting], *, in_order: bool) -> None:
        """Do what is due about a slot; it is settled only once all below it are.

        So the journal tells what happened in the order in which it happened.
        """
        known, lookout, time = self._logbook.known, self._lookout, self._logbook.time
        slot, sighting = self._hastened(known.slots[number]), seen[number]
        time.look(sighting.head_at)
        # A node that lags shows a past in which no deadline is over yet.
        sighting = replace(sighting, head_at=time.now)
        doubted = not lookout.is_news(number, sighting)
        wanted = slot.undone is not None or slot.act.plan_id in known.flights
        stands = await lookout.stands(slot, sighting)
        move = slots.next_move(
            slot, sighting, self._policy, wanted=wanted, doubted=doubted, stands=stands
        )
        unclear = slots.missed(sighting) and slot.lost is None and isinstance(move, Wait)
        lookout.note(number, sighting, doubted=unclear)
        if isinstance(move, Include):
            apart = lookout.is_apart(number, move.inclusion.block, known.slots, seen)
            in_order = in_order and apart
        if in_order or not isinstance(move, Include | Accept | Lose):
            await self._do(slot, move, seen)
        if isinstance(move, Reorganise):  # it may be in another block already
            await self._tend_one(number, seen, in_order=in_order)

    async def _do(self, slot: Slot, move: slots.Move, seen: Mapping[int, Sighting]) -> None:
        match move:
            case Wait():
                return
            case Resend():
                await self._bidder.send(slot.newest)
            case Publish(reason):
                await self._bidder.publish(slot.newest, reason)
            case Bump():
                await self._bidder.bump(slot, move, seen[slot.number])
            case Cancel(least):
                await self._bidder.cancel(slot, least, seen[slot.number])
            case Include(inclusion):
                found = Found(slot.attempt(inclusion.tx_hash), inclusion)
                running = self._running.get(found.attempt.plan_id)
                on = await self._settler.include(slot, found, seen, running)
                self._keep_up(on)
            case Reorganise():
                logger.warning("slot {}: its block is gone; it is open again", slot.number)
                await self._undo(self._undone(slot))
            case Finalise():
                self._finalise(slot)
            case Accept() | Lose():
                await self._settle_unseen(slot, move)
            case _:
                assert_never(move)

    async def _settle_unseen(self, slot: Slot, move: Accept | Lose) -> None:
        """Settle a slot that is spent, by an attempt without a receipt or by a stranger."""
        if isinstance(move, Accept):
            await self._settler.accept(slot, move.trace)
        else:
            await self._settler.lose(slot, move.block)
        self._keep_up(None)

    async def _undo(self, undone: Sequence[Slot]) -> None:
        """Journal that slots are open again; what was to follow them waits for them anew."""
        await self._logbook.record(*map(facts.undoing_of, undone))
        for slot in undone:
            for plan_id in slot.plans:
                self._next.pop(plan_id, None)

    def _undone(self, slot: Slot) -> tuple[Slot, ...]:
        """Return what goes with `slot`: no nonce stands without those below it."""
        known = self._logbook.known.slots
        above = (known[number] for number in sorted(known) if number > slot.number)
        return (slot, *(each for each in above if not each.waiting))

    def _hastened(self, slot: Slot) -> Slot:
        """Return `slot` as the newest view of its position values it, if it saves that."""
        flight = self._logbook.known.flights.get(slot.act.plan_id)
        hurry = self._hurries.get(slot.act.position_id)
        if hurry is None or flight is None or flight.rank is Rank.ORDINARY or not slot.waiting:
            return slot
        cap = min(hurry.cap, self._most(slot, hurry.held))
        return slots.hastened(slot, cap, hurry.by)

    def _finalise(self, slot: Slot) -> None:
        """Let go of a slot, once all below it are gone and none above it waits.

        What is not settled for good may turn out to lie in the same block: what the two did
        there can then only be told apart together.
        """
        slots_now = self._logbook.known.slots
        if any(number < slot.number or each.waiting for number, each in slots_now.items()):
            return
        gone = facts.undoing_of(slot)
        self._logbook.say_later(SlotFinal(gone.slot, gone.signer, gone.block, gone.block_hash))

    def _keep_up(self, on: Running | None) -> None:
        """Forget plans that have ended, and remember the one that may go on."""
        alive = self._logbook.known.flights
        self._running = {key: each for key, each in self._running.items() if key in alive}
        self._next = {key: each for key, each in self._next.items() if key in alive}
        if on is not None:
            self._next[on.plan.plan_id] = on

    async def _go_on(self, running: Running) -> None:
        """Send the next step of a plan, rehearsed anew."""
        plan, known = running.plan, self._logbook.known
        if self._logbook.time.now >= plan.deadline:
            await self._logbook.record(*self._logbook.aborted((plan.plan_id,), DEADLINE))
            self._keep_up(None)
            return
        await self._begin(running, Place(known.floor))

    async def _begin(self, running: Running, place: Place, *intents: Event) -> bool:
        plan = running.plan
        behind = self._behind(plan, place)
        ended = self._logbook.aborted((*self._overtaken(plan), *behind), REPLACED)
        try:
            await self._bidder.act(running, place, *ended, *intents)
        except (RevertedError, SigningRefusedError, OwnerError) as error:
            await self._refuse(running, error)
            return False
        self._refused.clear()
        self._hurries.pop(plan.position_id, None)
        self._next.pop(plan.plan_id, None)
        self._running[plan.plan_id] = running
        self._keep_up(None)
        if behind:
            await self._tend_all()  # what nobody wants any more must not act after this
        return True

    def _place(self, approved: Approved, nonce: int) -> Place | None:
        plan, known = approved.plan, self._logbook.known
        rank = rank_of(plan.purpose)
        for between in self._next.values():
            same = between.plan.position_id == plan.position_id
            if rank is Rank.ORDINARY or (same and rank_of(between.plan.purpose) >= rank):
                return None
        place = place_for(
            approved,
            slots.open_slots(known.slots),
            {plan_id: flight.rank for plan_id, flight in known.flights.items()},
            free=max(nonce, known.floor),
            bump_percent=self._policy.bump_percent,
        )
        if place is None or place.over is None:
            return place
        least = slots.replacement(bid_of(place.over.newest), self._policy.bump_percent)
        most = self._most(place.over, approved.view.gas.operator_balance)
        return place if least.max_fee <= most else None

    def _most(self, slot: Slot, held: int) -> int:
        """Return the highest bid for the act of `slot` that a key which holds `held` pays for."""
        waiting = slots.open_slots(self._logbook.known.slots)
        others = purse.bound_by(each for each in waiting if each.number != slot.number)
        return Purse(held, others).most(slot.act.gas_limit)

    def _overtaken(self, plan: Plan) -> tuple[str, ...]:
        """Return other plans of the same position that wait between two steps."""
        between = (running.plan for running in self._next.values())
        return tuple(
            each.plan_id
            for each in between
            if each.position_id == plan.position_id and each.plan_id != plan.plan_id
        )

    def _behind(self, plan: Plan, place: Place) -> tuple[str, ...]:
        """Return other plans of the same position that wait in slots above the one taken."""
        acts = (slot.act for slot in slots.open_slots(self._logbook.known.slots))
        return tuple(
            act.plan_id
            for act in acts
            if act.slot > place.number
            and act.position_id == plan.position_id
            and act.plan_id != plan.plan_id
        )

    async def _refuse(self, running: Running, error: LeverdError) -> None:
        """Journal that a step cannot be sent; the same refusal again is not news.

        A signer's refusal names figures that differ each time: its code tells it from others.
        """
        plan, reason = running.plan, str(error)
        same = error.code if isinstance(error, SigningRefusedError) else reason
        key = (plan.position_id, same)
        short = isinstance(error, OwnerError) and error.number == purse.SHORT
        if running.step:
            logger.warning("{} step {} not sent: {}", plan.position_id, running.step, reason)
            await self._logbook.record(*self._logbook.aborted((plan.plan_id,), reason))
            self._keep_up(None)
        elif key not in self._refused:
            logger.warning("{} not sent: {}", plan.position_id, reason)
            self._refused.add(key)
            alert = AlertRaised(plan.position_id, facts.REHEARSAL, reason)
            await self._logbook.record(
                facts.short(plan.position_id, error.message) if short else alert
            )
