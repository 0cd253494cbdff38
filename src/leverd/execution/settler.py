"""Say what a mined transaction was: verified to the wei, reverted, cancelled, or not ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from loguru import logger

from leverd.domain.events import AlertRaised, Event, ExternalChanged, TradingStateChanged
from leverd.domain.plan_events import PlanCompleted, StepVerified
from leverd.domain.position import Mandate
from leverd.domain.slot_events import AttemptSigned, SlotLost
from leverd.domain.snapshot import Snapshot
from leverd.domain.state import State
from leverd.domain.view import Stamp, TradingState
from leverd.errors import ForgottenError, ImpossibleError, NonsenseError
from leverd.execution import facts
from leverd.execution.accepted import accepted, unseen
from leverd.execution.facts import Running
from leverd.execution.forgotten import recalled
from leverd.execution.logbook import Logbook
from leverd.execution.patience import answered
from leverd.execution.recovery import REPLACED, RESTARTED
from leverd.execution.slots import CANCEL, Policy, Slot
from leverd.execution.verify import Proof, StepDone, fills_out, mismatch
from leverd.execution.witness import Found, same_block, step_done
from leverd.interfaces.venue import Inclusion, Sighting, Trace, Venue

DEADLINE: Final = "the deadline passed"
RECEIPT_GONE: Final = "it was mined while nobody watched, and no node keeps its receipt"
_NONSENSE_MAX: Final = 10
"""Looks after which a receipt that makes no sense counts as a mismatch.

A node behind a failing proxy tells nonsense for a while; what is wrong for good stays wrong.
"""

Photographer = Callable[[State, Stamp], Snapshot]
"""Makes the journal's picture of a state."""

Marker = Callable[[Mandate, StepDone], Sequence[Event]]
"""Returns what a finished step means for the accounts, to be journaled with it."""

Bystander = Callable[[Mandate, StepDone], tuple[Event, ...]]
"""Returns what others did to a position just before a step, to be journaled before it."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How execution describes what it did to the journal."""

    photograph: Photographer
    mark: Marker
    others: Bystander = lambda _mandate, _done: ()


class Settler:
    """Turns sightings into facts. Each slot is settled in one commit."""

    def __init__(
        self,
        venue: Venue,
        logbook: Logbook,
        mandates: Mapping[str, Mandate],
        ways: Ways,
        policy: Policy,
    ) -> None:
        self._venue, self._logbook, self._mandates = venue, logbook, mandates
        self._ways, self._policy = ways, policy
        self._nonsense: dict[str, int] = {}  # transaction -> looks that made no sense

    async def lose(self, slot: Slot, block: int) -> None:
        """Journal that somebody else's transaction spent `slot` by `block`."""
        act = slot.act
        text = f"nonce {slot.number} was spent by a transaction that is not ours"
        await self._logbook.record(
            SlotLost(slot.number, act.signer, block),
            *await self._undone(slot),
            TradingStateChanged(act.position_id, TradingState.REDUCING, text, "execution"),
            AlertRaised(act.position_id, facts.LOST, text),
            *self._logbook.aborted(slot.plans, text),
        )

    async def accept(self, slot: Slot, trace: Trace) -> None:
        """Journal that an attempt of ours is in a block of which no node keeps the receipt.

        Whether it succeeded nobody tells: balances are taken as they are now, its plan is over,
        and its gas counts as if all that it might use was used.

        Raises:
            UnreachableError: the chain does not answer; nothing was journaled.
        """
        attempt = slot.attempt(trace.tx_hash)
        mined = facts.inclusion_of(
            attempt,
            Inclusion(
                trace.tx_hash,
                trace.block,
                trace.block_hash,
                trace.at,
                succeeded=True,
                reason="",
                gas_used=attempt.gas_limit,
                gas_price=trace.gas_price,
            ),
        )
        events: tuple[Event, ...] = ()
        mandate = self._mandates.get(attempt.position_id)
        if attempt.purpose != CANCEL and mandate is not None:
            async with answered(self._policy.io_s):
                seen = await self._venue.observe([mandate])
            state = seen.positions[mandate.position_id].state
            events = unseen(attempt, self._ways.photograph(state, seen.stamp))
        ended = DEADLINE if attempt.purpose == CANCEL else RECEIPT_GONE
        await self._logbook.record(mined, *events, *self._logbook.aborted(slot.plans, ended))

    async def include(
        self,
        slot: Slot,
        found: Found,
        seen: Mapping[int, Sighting],
        running: Running | None,
    ) -> Running | None:
        """Journal what the mined attempt of `slot` was; return the plan that may now go on.

        `running` is the plan it belongs to, if this process began it.

        Raises:
            UnreachableError: the chain does not answer; nothing was journaled.
        """
        attempt, inclusion = found.attempt, found.inclusion
        mined = facts.inclusion_of(attempt, inclusion)
        events: list[Event] = [mined, *await self._undoing(slot, inclusion)]
        others = tuple(plan_id for plan_id in slot.plans if plan_id != attempt.plan_id)
        outcome: Sequence[Event]
        on = None
        if attempt.purpose == CANCEL:
            outcome = self._logbook.aborted((attempt.plan_id,), DEADLINE)
        elif not inclusion.succeeded:
            outcome = self._logbook.aborted((attempt.plan_id,), inclusion.reason)
        else:
            alone = slot.act.plan_id == attempt.plan_id
            outcome, on = await self._succeeded(
                found, seen, running if alone else None, undone=slot.undone is not None
            )
        await self._logbook.record(*events, *outcome, *self._logbook.aborted(others, REPLACED))
        return on

    async def _succeeded(
        self,
        found: Found,
        seen: Mapping[int, Sighting],
        running: Running | None,
        *,
        undone: bool,
    ) -> tuple[Sequence[Event], Running | None]:
        mandate = self._mandates.get(found.attempt.position_id)
        plan = (found.attempt.plan_id,)
        if mandate is None:
            return self._logbook.aborted(plan, "its position left the settings"), None
        try:
            done = await self._done(mandate, found, seen)
            differing = ({}, {}) if done is None else mismatch(done)
        except ImpossibleError as error:
            done, differing = None, ({"impossible": error.number}, {})
        if done is None or differing is not None:
            events = facts.mismatched(found.attempt, *(differing or ({}, {})))
            return (*events, *self._logbook.aborted(plan, "mismatch")), None
        if not undone:
            done = replace(done, others=self._others(mandate, done))
        return self._verified(mandate, found, done, running)

    async def _done(
        self, mandate: Mandate, found: Found, seen: Mapping[int, Sighting]
    ) -> StepDone | None:
        """Return what the step did, None if the chain keeps telling nonsense about it."""
        together = same_block(found, self._logbook.known.slots, seen)
        tx_hash = found.inclusion.tx_hash
        try:
            async with answered(self._policy.io_s):
                return await self._witnessed(mandate, found, together)
        except NonsenseError as error:
            self._nonsense[tx_hash] = self._nonsense.get(tx_hash, 0) + 1
            if self._nonsense[tx_hash] < _NONSENSE_MAX:
                raise
            logger.error("{} cannot be verified: {}", tx_hash, error)
            return None

    async def _witnessed(
        self, mandate: Mandate, found: Found, together: tuple[Found, ...]
    ) -> StepDone:
        """Return what the step did by the states around it or, where none is kept, by receipt."""
        try:
            return await step_done(self._venue, mandate, found, together)
        except ForgottenError as error:
            logger.info("{}: {}; going by its receipt", found.inclusion.tx_hash, error.message)
            return await recalled(self._venue, mandate, found, self._known(found.attempt))

    def _known(self, attempt: AttemptSigned) -> Snapshot | None:
        """Return what the position held before `attempt`, as far as the journal says."""
        return self._logbook.known.before.get((attempt.slot, attempt.plan_id))

    def _verified(
        self, mandate: Mandate, found: Found, done: StepDone, running: Running | None
    ) -> tuple[Sequence[Event], Running | None]:
        attempt = found.attempt
        stamp = done.seen or facts.stamp_of(found.inclusion, self._venue.name)
        snapshot = self._ways.photograph(done.after, stamp)
        verified = (*done.others, *self._fact(mandate, attempt, done, snapshot))
        marks = self._marks(mandate, done)
        flight = self._logbook.known.flights.get(attempt.plan_id)
        if flight is None:  # it ended before a reorganisation, or its place was taken
            return (*verified, *marks), None
        if attempt.step + 1 >= flight.steps:
            lines = facts.summed({} if running is None else running.lines, marks)
            end = PlanCompleted(attempt.plan_id, attempt.position_id, snapshot, lines)
            # the last mark follows the end, so that it decides whether a close won or lost
            return (*verified, *marks[:-1], end, *marks[-1:]), None
        if running is None:
            return (*verified, *self._logbook.aborted((attempt.plan_id,), RESTARTED), *marks), None
        paid = found.inclusion.paid
        if running.step != attempt.step:  # mined once more, its successor is signed already
            return (*verified, *marks), None
        return (*verified, *marks), running.after(marks, paid)

    def _fact(
        self, mandate: Mandate, attempt: AttemptSigned, done: StepDone, snapshot: Snapshot
    ) -> tuple[Event, ...]:
        if done.proof is Proof.PRESENT:
            return accepted(mandate, attempt, done, self._known(attempt), snapshot)
        return (
            StepVerified(
                attempt.plan_id,
                attempt.position_id,
                attempt.step,
                attempt.tx_hash,
                fills_out(done.fills),
                snapshot,
                done.proof,
            ),
        )

    def _marks(self, mandate: Mandate, done: StepDone) -> Sequence[Event]:
        try:
            return self._ways.mark(mandate, done)
        except ImpossibleError as error:  # without a price there is no P&L; what was done stands
            logger.error("{}: P&L not marked: {}", mandate.position_id, error)
            return ()

    def _others(self, mandate: Mandate, done: StepDone) -> tuple[Event, ...]:
        try:
            return self._ways.others(mandate, done)
        except ImpossibleError as error:  # a picture without a price tells nothing; nor may it stop
            logger.error("{}: not compared with before: {}", mandate.position_id, error)
            return ()

    async def _undoing(self, slot: Slot, inclusion: Inclusion) -> Sequence[Event]:
        """Return the fact that a reorganisation took back what `slot` did before, if it did."""
        undone = slot.undone
        if undone is not None and undone.tx_hash == inclusion.tx_hash and inclusion.succeeded:
            return ()
        return await self._undone(slot)

    async def _undone(self, slot: Slot) -> Sequence[Event]:
        """Return the fact that what `slot` did is undone for good: how things stand without it."""
        undone = slot.undone
        if undone is None or not undone.succeeded:
            return ()
        before = slot.attempt(undone.tx_hash)
        mandate = self._mandates.get(before.position_id)
        if before.purpose == CANCEL or mandate is None:
            return ()
        async with answered(self._policy.io_s):
            seen = await self._venue.observe([mandate])
        state = seen.positions[mandate.position_id].state
        snapshot = self._ways.photograph(state, seen.stamp)
        return (
            ExternalChanged(
                before.position_id, "reorganised", {}, explained=True, snapshot=snapshot
            ),
        )
