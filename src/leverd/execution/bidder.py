"""Put payloads into slots: sign, journal, send; and again, for a higher bid or to cancel."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Final

from loguru import logger

from leverd.domain.events import Event
from leverd.domain.position import Mandate
from leverd.domain.slot_events import AttemptPublished, AttemptSigned
from leverd.domain.step_text import of_text
from leverd.errors import (
    LeverdError,
    NonsenseError,
    OwnerError,
    RefusedError,
    SigningRefusedError,
    UnreachableError,
)
from leverd.execution import bids, facts, purse, slots
from leverd.execution.facts import Running
from leverd.execution.logbook import Logbook
from leverd.execution.patience import answered
from leverd.execution.placing import Place
from leverd.execution.purse import Purse
from leverd.execution.slots import CANCEL, PUBLIC, RELAY, Bump, Policy, Slot
from leverd.interfaces.venue import Attempt, Fees, Order, Sighting, Venue

_SHORT: Final = "insufficient_funds"
"""A node's reason: the key does not hold the gas limit times the bid."""


class Bidder:
    """Everything that spends the key. Nothing is sent that the journal does not name."""

    def __init__(
        self,
        venue: Venue,
        logbook: Logbook,
        mandates: Mapping[str, Mandate],
        policy: Policy,
    ) -> None:
        self._venue, self._logbook = venue, logbook
        self._mandates, self._policy = mandates, policy
        self._refused: set[tuple[int, str]] = set()

    async def act(self, running: Running, place: Place, *also: Event) -> None:
        """Send a plan's present step for the first time; `also` is journaled in its commit.

        Raises:
            RevertedError: it would revert; nothing was signed.
            SigningRefusedError: the allow-list says no.
            OwnerError: the account cannot do it, or the key cannot pay for it.
            UnreachableError: nothing was signed or sent.
        """
        plan, approved = running.plan, running.approved
        step = plan.steps[running.step]
        async with answered(self._policy.io_s):
            gas = await self._venue.rehearse(running.mandate, step, running.sequence, plan.deadline)
            wanted = await self._venue.fees(urgency=float(approved.urgency))
            percent = self._policy.bump_percent
            most = self._purse(running, place).most(gas)
            payable = purse.paid_for(wanted, most, approved.view.gas)
            bid = bids.first_bid(payable, approved.gas_price_cap, place.over, percent)
            purse.check(bid, most)
            order = Order(
                running.mandate, step, place.number, running.sequence, plan.deadline, gas, bid
            )
            attempt = await self._venue.sign(order)
        cap = min(approved.gas_price_cap, most)
        signed = facts.acting(running, attempt, self._venue.signer, cap)
        await self._commit(replace(signed, way=self._way(place.over)), *also)

    async def send(self, attempt: AttemptSigned) -> None:
        """Hand a payload over; whatever the answer, its slot is looked at again.

        An answer without sense tells no more than none: it may have been taken.
        """
        try:
            async with answered(self._policy.io_s):
                await self._venue.send(bytes.fromhex(attempt.payload))
        except (UnreachableError, NonsenseError, RefusedError) as error:
            logger.warning("slot {}: sending: {}", attempt.slot, error)
            self._say_if_short(attempt, error)

    async def publish(self, attempt: AttemptSigned, reason: str) -> None:
        """Show everybody what only the relay was shown."""
        logger.warning("slot {}: goes public: {}", attempt.slot, reason)
        shown = AttemptPublished(attempt.slot, attempt.signer, attempt.tx_hash, reason)
        await self._logbook.record(shown)
        await self.send(attempt)

    async def bump(self, slot: Slot, move: Bump, seen: Sighting) -> None:
        """Bid more for the act of `slot`, if that helps and is worth it."""
        least = move.least
        act = slot.act
        mandate = self._mandates.get(act.position_id)
        wanted = await self._wanted(slot)
        bid = bids.bump(act, slot.newest, wanted, least, pressed=move.pressed)
        if mandate is None or bid is None:
            await self._keep(slot, seen)
            return
        step = of_text(act.step_text)
        order = Order(
            mandate,
            step,
            slot.number,
            act.sequence,
            act.deadline,
            act.gas_limit,
            bid,
            repeats=bytes.fromhex(act.payload),
        )
        like = replace(act, way=self._way(slot))
        await self._again(like, "bump", self._venue.sign(order))

    async def cancel(self, slot: Slot, least: Fees, seen: Sighting) -> None:
        """Bid for `slot` with something that does nothing."""
        wanted = await self._wanted(slot)
        if slot.newest.purpose == CANCEL and not bids.exceeds(wanted, slot.newest):
            await self._keep(slot, seen)
            return
        signing = self._venue.sign_cancel(slot.number, bids.at_least(wanted, least))
        await self._again(slot.newest, CANCEL, signing)

    async def _keep(self, slot: Slot, seen: Sighting) -> None:
        """Leave the bid as it is, but show it again, and see that nothing below it is free.

        That a node knows it does not say that it showed it to others.
        """
        if slot.is_shown(slot.newest):
            await self.send(slot.newest)
        why = slots.why_public(slot, seen, self._policy.relay_blocks or 0)
        if why and not slot.is_shown(slot.newest) and slot.newest.tx_hash not in seen.known:
            await self.publish(slot.newest, why)
        below = slot.number - 1
        if below < 0 or below in self._logbook.known.slots:
            return
        async with answered(self._policy.io_s):
            under = await self._venue.look(below, ())
        # A node that lags behind the act shows a nonce free that was spent before it.
        if under.spent or under.head_block < slot.first.attempt.block:
            return
        logger.warning("nonce {} below slot {} is free: spending it", below, slot.number)
        like = replace(slot.newest, plan_id="", urgent=False)
        bid = await self._wanted(slot)
        await self._again(like, CANCEL, self._venue.sign_cancel(below, bid))

    def _purse(self, running: Running, place: Place) -> Purse:
        """Return what the key can pay with for something new in `place`."""
        held = running.approved.view.gas.operator_balance - running.spent
        waiting = slots.open_slots(self._logbook.known.slots)
        others = (slot for slot in waiting if slot.number != place.number)
        return Purse(held, purse.bound_by(others))

    def _say_if_short(self, attempt: AttemptSigned, error: LeverdError) -> None:
        """Say once of a slot that no node takes what the key cannot pay for."""
        key = (attempt.slot, facts.SHORT)
        if not isinstance(error, RefusedError) or error.reason != _SHORT or key in self._refused:
            return
        self._refused.add(key)
        self._logbook.say_later(facts.short(attempt.position_id, error.message))

    async def _wanted(self, slot: Slot) -> Fees:
        async with answered(self._policy.io_s):
            return await self._venue.fees(urgency=bids.pressure(slot))

    async def _again(self, like: AttemptSigned, purpose: str, signing: Awaitable[Attempt]) -> None:
        try:
            async with answered(self._policy.io_s):
                attempt = await signing
        except (SigningRefusedError, OwnerError) as error:
            if (like.slot, error.code) not in self._refused:
                logger.warning("slot {}: not signed: {}", like.slot, error)
            self._refused.add((like.slot, error.code))
            return
        await self._commit(facts.again(like, attempt, purpose))

    async def _commit(self, signed: AttemptSigned, *also: Event) -> None:
        await self._logbook.record(*also, signed)
        if signed.way == RELAY:
            await self._send_privately(signed)
        else:
            await self.send(signed)

    async def _send_privately(self, attempt: AttemptSigned) -> None:
        """Hand a payload to the relay; one that does not take it makes it public at once."""
        try:
            async with answered(self._policy.io_s):
                await self._venue.send(bytes.fromhex(attempt.payload), private=True)
        except (UnreachableError, NonsenseError, RefusedError) as error:
            await self.publish(attempt, str(error))

    def _way(self, over: Slot | None) -> str:
        """Return who is shown a new payload: everybody, where one may wait publicly already."""
        private = self._policy.relay_blocks is not None and (over is None or not over.is_public)
        return RELAY if private else PUBLIC
