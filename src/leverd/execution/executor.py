"""The thin shell around the slot machine: it looks, signs, journals, sends, and verifies.

The order is rehearse, sign, journal, send, journal. Whatever line the process dies on, the
journal names every hash that may be mined, and the next start asks the chain about each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, assert_never

from loguru import logger

from leverd.domain.events import (
    AlertRaised,
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
    StepMismatched,
    StepVerified,
    TradingStateChanged,
)
from leverd.domain.plan import Plan, Purpose, Step
from leverd.domain.position import Mandate
from leverd.domain.state import State
from leverd.domain.step_text import of_text, to_text
from leverd.domain.view import Stamp, TradingState
from leverd.errors import RefusedError, RevertedError, SigningRefusedError, UnreachableError
from leverd.execution import slots
from leverd.execution.slots import (
    CANCEL,
    Bump,
    Cancel,
    Finalise,
    Include,
    Lose,
    Policy,
    Reorganise,
    Resend,
    Slot,
    Slots,
    Wait,
)
from leverd.execution.verify import StepDone, fills_out, mismatch
from leverd.interfaces.journal import Journal
from leverd.interfaces.venue import Attempt, Fees, Inclusion, Order, Venue
from leverd.risk.gate import Approved

MISMATCHED: Final = "LVD-EXE-001"
LOST: Final = "LVD-EXE-002"
REHEARSAL: Final = "LVD-EXE-003"

Photographer = Callable[[State, Stamp], Snapshot]
"""Makes the journal's picture of a state."""

Marker = Callable[[Mandate, StepDone], Sequence[Event]]
"""Returns what a finished step means for the accounts, to be journaled with it."""


@dataclass(frozen=True, slots=True)
class Running:
    """A plan under way. It lives in memory only: a restart decides anew."""

    approved: Approved
    mandate: Mandate
    step: int = 0

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.approved.plan


@dataclass(frozen=True, slots=True)
class Ways:
    """How the executor describes what it does to the journal."""

    photograph: Photographer
    mark: Marker


class Executor:
    """Owns the slots of one signing key. One plan at a time; each call returns soon."""

    def __init__(
        self,
        venue: Venue,
        journal: Journal,
        mandates: Sequence[Mandate],
        ways: Ways,
        policy: Policy | None = None,
    ) -> None:
        self._venue, self._journal, self._ways = venue, journal, ways
        self._mandates = {mandate.position_id: mandate for mandate in mandates}
        self._policy = policy or Policy()
        self._slots: Slots = {}
        self._lengths: dict[str, int] = {}  # steps of every plan not ended, by plan id
        self._running: Running | None = None
        self._unsaid: list[Event] = []  # true already, written with the next commit
        self._refused: tuple[str, str] | None = None
        self._at = 0

    @property
    def open_slots(self) -> int:
        """How many slots are in no block."""
        return len(slots.open_slots(self._slots))

    async def recover(self) -> None:
        """Learn from the journal what may still be under way; nothing is sent here.

        Plans that a crash cut off are aborted; a step of theirs that may still be mined
        keeps its slot, and `tend` settles it before anything new is started.
        """
        plans: dict[str, PlanApproved] = {}
        for entry in self._journal.replay():
            self._slots = slots.fold(self._slots, entry.event, entry.chain_at)
            match entry.event:
                case PlanApproved(plan_id=plan_id):
                    plans[plan_id] = entry.event
                case PlanCompleted(plan_id=plan_id) | PlanAborted(plan_id=plan_id):
                    plans.pop(plan_id, None)
                case _:
                    pass
        flying = {slot.act.plan_id for slot in slots.open_slots(self._slots)}
        self._lengths = {plan_id: len(plans[plan_id].steps) for plan_id in plans}
        cut = [plans[plan_id] for plan_id in plans if plan_id not in flying]
        await self._journal_all(
            *(PlanAborted(plan.plan_id, plan.position_id, 0, "restarted") for plan in cut)
        )
        if self._slots:
            logger.info("recovery: {} slot(s) to settle", self.open_slots)

    async def start(self, approved: Approved, nonce: int) -> bool:
        """Begin an approved plan; return whether it was begun.

        `nonce` is how many transactions of the key are mined. While a slot is open only a
        deleverage may take its place, for a higher bid.
        """
        plan = approved.plan
        waiting = slots.open_slots(self._slots)
        if waiting and not self._may_replace(waiting[0], approved):
            return False
        if not _affordable(approved):
            logger.info("{} waits: gas is above what this is worth", plan.position_id)
            return False
        running = Running(approved, self._mandates[plan.position_id])
        snapshot = self._ways.photograph(approved.view.state, approved.view.stamp)
        intent = PlanApproved(
            plan.plan_id,
            plan.position_id,
            plan.purpose,
            plan.reason,
            tuple(_words(step) for step in plan.steps),
            plan.cost.total,
            snapshot,
        )
        over = waiting[0] if waiting else None
        number = over.number if over else max(nonce, *(n + 1 for n in (*self._slots, -1)))
        return await self._begin_step(running, approved.view.sequence, number, over, intent)

    async def tend(self, chain_at: int) -> None:
        """Look at every slot once and do what is due: send again, bid more, settle, verify."""
        self._at = chain_at
        for number in sorted(self._slots):
            slot = self._slots.get(number)
            if slot is None:
                continue
            seen = await self._venue.look(number, slot.hashes)
            move = slots.next_move(slot, seen, self._policy)
            await self._do(slot, move)

    async def _do(self, slot: Slot, move: slots.Move) -> None:
        match move:
            case Wait():
                return
            case Resend():
                await self._send(bytes.fromhex(slot.newest.payload))
            case Bump(least):
                await self._bump(slot, least)
            case Cancel(least):
                await self._cancel(slot, least)
            case Include(inclusion):
                await self._include(slot, inclusion)
            case Reorganise():
                assert slot.included is not None, "only an included slot is reorganised"
                gone = slot.included
                await self._journal_all(
                    SlotReorganised(slot.number, gone.signer, gone.block, gone.block_hash)
                )
            case Finalise():
                assert slot.included is not None, "only an included slot is final"
                done = slot.included
                self._say_later(SlotFinal(slot.number, done.signer, done.block, done.block_hash))
            case Lose():
                await self._lose(slot)
            case _:
                assert_never(move)

    def _may_replace(self, slot: Slot, approved: Approved) -> bool:
        hurried = approved.plan.purpose in {Purpose.DELEVERAGE, Purpose.UNWIND}
        return approved.lowers and hurried and not slot.newest.urgent

    async def _begin_step(
        self,
        running: Running,
        sequence: int,
        number: int,
        over: Slot | None,
        *intents: Event,
    ) -> bool:
        plan, mandate, approved = running.plan, running.mandate, running.approved
        step = plan.steps[running.step]
        try:
            gas = await self._venue.rehearse(mandate, step, sequence, plan.deadline)
            fees = await self._fees(approved, over)
            order = Order(mandate, step, number, sequence, plan.deadline, gas, fees)
            attempt = await self._venue.sign(order)
        except (RevertedError, SigningRefusedError) as error:
            await self._refuse(running, str(error))
            return False
        self._refused = None
        signed = self._signed(attempt, running, sequence, "bump" if over else "act")
        self._lengths[plan.plan_id] = len(plan.steps)
        if over is not None:
            intents = (*intents, *self._abort(over.act, "replaced by a deleverage"))
        await self._journal_all(*intents, signed)
        self._running = running
        await self._send(attempt.payload)
        return True

    async def _fees(self, approved: Approved, over: Slot | None) -> Fees:
        wanted = await self._venue.fees(urgency=float(approved.urgency))
        fees = Fees(min(wanted.max_fee, approved.gas_price_cap), wanted.priority_fee)
        if over is not None:
            newest = over.newest
            least = slots.replacement(
                Fees(newest.max_fee, newest.priority_fee), self._policy.bump_percent
            )
            fees = _at_least(fees, least)
        return Fees(fees.max_fee, min(fees.priority_fee, fees.max_fee))

    def _signed(
        self, attempt: Attempt, running: Running, sequence: int, purpose: str
    ) -> AttemptSigned:
        plan = running.plan
        return AttemptSigned(
            attempt.slot,
            self._venue.signer,
            plan.plan_id,
            plan.position_id,
            running.step,
            purpose,
            attempt.tx_hash,
            attempt.payload.hex(),
            attempt.gas_limit,
            attempt.fees.max_fee,
            attempt.fees.priority_fee,
            plan.deadline,
            plan.purpose is Purpose.DELEVERAGE,
            sequence,
            to_text(plan.steps[running.step]),
            running.approved.gas_price_cap,
        )

    async def _refuse(self, running: Running, reason: str) -> None:
        """Journal that a step cannot be sent; the same refusal again is not news."""
        plan = running.plan
        key = (plan.position_id, reason)
        if running.step:
            self._running = None
            self._lengths.pop(plan.plan_id, None)
            await self._journal_all(
                PlanAborted(plan.plan_id, plan.position_id, running.step, reason)
            )
        elif key != self._refused:
            await self._journal_all(AlertRaised(plan.position_id, REHEARSAL, reason))
        self._refused = key
        logger.warning("{} step {} was not sent: {}", plan.position_id, running.step, reason)

    async def _send(self, payload: bytes) -> None:
        """Hand `payload` over; whatever the answer, the slot is looked at again."""
        try:
            await self._venue.send(payload)
        except (UnreachableError, RefusedError) as error:
            logger.warning("sending: {}", error)

    async def _bump(self, slot: Slot, least: Fees) -> None:
        act = slot.act
        if least.max_fee > act.fee_cap:
            return  # worth no more than this; it waits, or its deadline cancels it
        wanted = await self._venue.fees(urgency=1.0 if act.urgent else 0.5)
        order = Order(
            self._mandates[act.position_id],
            of_text(act.step_text),
            slot.number,
            act.sequence,
            act.deadline,
            act.gas_limit,
            _at_least(Fees(min(wanted.max_fee, act.fee_cap), wanted.priority_fee), least),
        )
        await self._sign_again(slot, self._venue.sign(order), act, "bump")

    async def _cancel(self, slot: Slot, least: Fees) -> None:
        wanted = await self._venue.fees(urgency=0.5)
        fees = _at_least(wanted, least)
        signing = self._venue.sign_cancel(slot.number, fees)
        await self._sign_again(slot, signing, replace(slot.newest, step_text=""), CANCEL)

    async def _sign_again(
        self, slot: Slot, signing: Awaitable[Attempt], like: AttemptSigned, purpose: str
    ) -> None:
        try:
            attempt = await signing
        except SigningRefusedError as error:
            if self._refused != (act_key := (f"slot {slot.number}", error.code)):
                logger.warning("slot {}: {}", slot.number, error)
            self._refused = act_key
            return
        again = replace(
            like,
            purpose=purpose,
            tx_hash=attempt.tx_hash,
            payload=attempt.payload.hex(),
            gas_limit=attempt.gas_limit,
            max_fee=attempt.fees.max_fee,
            priority_fee=attempt.fees.priority_fee,
        )
        await self._journal_all(again)
        await self._send(attempt.payload)

    async def _include(self, slot: Slot, inclusion: Inclusion) -> None:
        attempt = slot.attempt(inclusion.tx_hash)
        mined = SlotIncluded(
            slot.number,
            attempt.signer,
            inclusion.tx_hash,
            inclusion.block,
            inclusion.block_hash,
            inclusion.at,
            inclusion.succeeded,
            inclusion.reason,
            inclusion.gas_used,
            inclusion.gas_price,
        )
        if attempt.purpose == CANCEL:
            await self._journal_all(mined, *self._abort(attempt, "the deadline passed"))
        elif not inclusion.succeeded:
            await self._journal_all(mined, *self._abort(attempt, inclusion.reason))
        else:
            await self._succeed(attempt, mined, inclusion)

    async def _succeed(
        self, attempt: AttemptSigned, mined: SlotIncluded, inclusion: Inclusion
    ) -> None:
        """Verify a mined step to the wei, journal it, and go on with the plan if there is more."""
        mandate, step = self._mandates[attempt.position_id], of_text(attempt.step_text)
        done = StepDone(
            step,
            await self._venue.fills(mandate, step, inclusion.tx_hash),
            await self._venue.state_before(mandate, inclusion),
            await self._venue.state_after(mandate, inclusion),
            inclusion,
        )
        stamp = stamp_of(inclusion, self._venue.name)
        snapshot = self._ways.photograph(done.after, stamp)
        differing = mismatch(done)
        if differing is not None:
            await self._journal_all(mined, *self._mismatch(attempt, *differing))
            return
        verified = StepVerified(
            attempt.plan_id,
            attempt.position_id,
            attempt.step,
            inclusion.tx_hash,
            fills_out(done.fills),
            snapshot,
        )
        facts = (mined, verified)
        last = attempt.step + 1 >= self._lengths.get(attempt.plan_id, 1)
        marks = [*self._ways.mark(mandate, done)]
        if last:
            self._forget(attempt.plan_id)
            attribution = _summed(marks)
            end = PlanCompleted(attempt.plan_id, attempt.position_id, snapshot, attribution)
            # the last mark follows the completion, so that it decides whether a close won or lost
            await self._journal_all(*facts, *marks[:-1], end, *marks[-1:])
        elif self._running is None or self._running.plan.plan_id != attempt.plan_id:
            await self._journal_all(*facts, *self._abort(attempt, "restarted"), *marks)
        else:
            await self._journal_all(*facts, *marks)
            await self._continue(attempt)

    async def _continue(self, attempt: AttemptSigned) -> None:
        assert self._running is not None, "only a running plan goes on"
        running = replace(self._running, step=attempt.step + 1)
        sequence = attempt.sequence + 1
        await self._begin_step(running, sequence, attempt.slot + 1, None)

    def _mismatch(
        self, attempt: AttemptSigned, expected: Mapping[str, int], found: Mapping[str, int]
    ) -> tuple[Event, ...]:
        text = "a mined step did not do what it should; the position goes REDUCING"
        details = {leg: f"{expected.get(leg)} expected, {found.get(leg)} found" for leg in expected}
        return (
            StepMismatched(
                attempt.plan_id,
                attempt.position_id,
                attempt.step,
                attempt.tx_hash,
                expected,
                found,
            ),
            AlertRaised(attempt.position_id, MISMATCHED, text, details),
            *self._abort(attempt, "mismatch"),
        )

    async def _lose(self, slot: Slot) -> None:
        act = slot.act
        text = f"nonce {slot.number} was spent by a transaction that is not ours"
        await self._journal_all(
            SlotLost(slot.number, act.signer, 0),
            TradingStateChanged(act.position_id, TradingState.REDUCING, text, "execution"),
            AlertRaised(act.position_id, LOST, text),
            *self._abort(act, text),
        )

    def _abort(self, attempt: AttemptSigned, reason: str) -> tuple[Event, ...]:
        if attempt.plan_id not in self._lengths:
            return ()
        self._forget(attempt.plan_id)
        return (PlanAborted(attempt.plan_id, attempt.position_id, attempt.step, reason),)

    def _forget(self, plan_id: str) -> None:
        self._lengths.pop(plan_id, None)
        if self._running is not None and self._running.plan.plan_id == plan_id:
            self._running = None

    async def _journal_all(self, *events: Event) -> None:
        """Record `events`, and with them what was true but not urgent, in one commit."""
        if not events:
            return
        await self._journal.append(*self._unsaid, *events, chain_at=self._at)
        self._unsaid.clear()
        for event in events:
            self._slots = slots.fold(self._slots, event, self._at)

    def _say_later(self, event: Event) -> None:
        self._unsaid.append(event)
        self._slots = slots.fold(self._slots, event, self._at)


def stamp_of(inclusion: Inclusion, source: str) -> Stamp:
    """Return the stamp of the block that included a step."""
    received = datetime.fromtimestamp(inclusion.at, UTC)
    return Stamp(source, inclusion.block, inclusion.block_hash, inclusion.at, received)


def _affordable(approved: Approved) -> bool:
    """Whether the next block's base fee is within what the plan may bid."""
    return approved.view.gas.base_fee <= approved.gas_price_cap


def _words(step: Step) -> str:
    return f"{step.kind}: " + ", ".join(type(action).__name__ for action in step.actions)


def _at_least(wanted: Fees, least: Fees) -> Fees:
    return Fees(max(wanted.max_fee, least.max_fee), max(wanted.priority_fee, least.priority_fee))


def _summed(events: Sequence[Event]) -> dict[str, int]:
    total: dict[str, int] = {}
    for event in events:
        for line, raw in getattr(event, "attribution", {}).items():
            total[line] = total.get(line, 0) + raw
    return total
