"""What must hold while a schedule runs: watched at every durable event, send and block."""

from __future__ import annotations

from decimal import Decimal

from tests.simulation.settings import TRIGGER

from leverd.domain import loans
from leverd.domain.events import ExternalChanged, TradingStateChanged
from leverd.domain.fixed_point import WAD
from leverd.domain.plan import Purpose
from leverd.domain.plan_events import PlanAborted, PlanApproved, PlanCompleted, StepMismatched
from leverd.domain.slot_events import AttemptSigned, SlotFinal, SlotLost
from leverd.domain.view import TradingState, View
from leverd.engine.book import Book
from leverd.engine.state import fold
from leverd.execution import slots
from leverd.risk.raising import oracle_gap

LAZY_S = 240
"""Able seconds that a guardian may leave a position below its trigger."""


class Referee:
    """Keeps its own account of what is durable, and compares."""

    def __init__(self, stage):
        self._stage = stage
        self.violations: list[str] = []
        self.amnesia = False  # something durable was lost, so the journal cannot know all
        self.baffled = False  # a step could not be verified: its node told nonsense, thrice
        self.entries: list = []  # (event, chain_at), as durable as promised
        self.book = Book()
        self.slots: slots.Slots = {}
        self._maybe: tuple = ()
        self._attempts: dict[int, list[AttemptSigned]] = {}
        self._named: dict[str, AttemptSigned] = {}
        self._approved: dict[str, PlanApproved] = {}
        self._ended: set[str] = set()
        self._final: set[int] = set()
        self._places: dict[tuple[str, int], int] = {}
        self._low_s: dict[str, int] = {}
        self.lowest = {mandate.position_id: None for mandate in stage.mandates}

    def fail(self, what):
        """Note that something happened that must not."""
        self._stage.story(f"VIOLATION: {what}")
        self.violations.append(what)

    # what is durable

    def may_hold(self, events, chain_at):
        """Note events whose append may be cut short."""
        self._maybe = tuple((event, chain_at) for event in events)

    def recorded(self, events, chain_at):
        """Note events that are durable, and judge them."""
        self._maybe = ()
        for event in events:
            self._stage.story(f"journal: {_short(event)}")
            self.entries.append((event, chain_at))
            if not self.amnesia:  # what was forgotten may be told again
                self._judge(event, chain_at, events)
            elif isinstance(event, AttemptSigned):
                self._named[event.tx_hash] = event
            self.book = fold(self.book, event, chain_at)
            self.slots = slots.fold(self.slots, event, chain_at)

    def forget(self):
        """Note that durable entries may be gone."""
        self.amnesia = True

    def reopened(self, entries):
        """Compare what a start finds with what was durable."""
        found = [(entry.event, entry.chain_at) for entry in entries]
        if self.amnesia:
            self.entries = []
            self.book = Book()
            for event, chain_at in found:
                self.entries.append((event, chain_at))
                self.book = fold(self.book, event, chain_at)
                if isinstance(event, AttemptSigned):
                    self._named[event.tx_hash] = event
            return
        kept, more = found[: len(self.entries)], tuple(found[len(self.entries) :])
        if kept != self.entries:
            self.fail("the journal lost or changed what was durable")
        if more and more != self._maybe:
            self.fail(f"the journal holds half a commit: {more}")
        if more:
            self.recorded([event for event, _ in more], more[0][1])

    # what is journaled

    def _judge(self, event, chain_at, batch):
        match event:
            case AttemptSigned():
                self._judge_attempt(event, chain_at, batch)
            case PlanApproved() | PlanCompleted() | PlanAborted():
                self._judge_plan(event)
            case SlotFinal():
                self._final.add(event.slot)
                if event.block > self._stage.final_highest:
                    self.fail(f"block {event.block} counts as final too early")
            case SlotLost():
                self._judge_loss(event, batch)
            case StepMismatched() if self._stage.baffled(event):
                self.baffled = True
            case StepMismatched():
                self.fail(f"a step mismatched: {event.expected} {event.found}")
            case ExternalChanged() if not self.baffled and event.cause != "reorganised":
                self.fail(f"a change of our own counts as somebody else's: {event.cause}")

    def _judge_plan(self, event):
        if isinstance(event, PlanApproved):
            if event.plan_id in self._approved and event.plan_id not in self._ended:
                self.fail(f"plan {event.plan_id} begins twice")
            self._approved[event.plan_id] = event
            self._ended.discard(event.plan_id)
            places = self._places.items()
            self._places = {key: at for key, at in places if key[0] != event.plan_id}
            return
        if event.plan_id in self._ended:
            self.fail(f"plan {event.plan_id} ends twice")
        self._ended.add(event.plan_id)

    def _judge_attempt(self, event, chain_at, batch):
        acts = event.purpose != "cancel"
        before = self._attempts.setdefault(event.slot, [])
        if acts and event.plan_id not in self._approved:
            self.fail("signed without an approved plan")
        if event.slot in self._final:
            self.fail(f"nonce {event.slot} is used again after it was final")
        if acts and self._places.setdefault((event.plan_id, event.step), event.slot) != event.slot:
            self.fail(f"one step has two nonces: {event.slot} and another")
        if any(not _outbids(event, each) for each in before):
            self.fail(f"slot {event.slot}: a replacement that no pool takes")
        if acts and chain_at >= event.deadline:
            self.fail("signed past its deadline")
        replaces = event.purpose == "act" and before
        if acts and not replaces and event.max_fee > event.fee_cap:
            self.fail("bid above what the act is worth")
        if not before:
            self._judge_number(event)
        if event.purpose == "act":
            self._judge_race(event)
        before.append(event)
        self._named[event.tx_hash] = event
        plan = next((each for each in batch if isinstance(each, PlanApproved)), None)
        if plan is not None and plan.purpose in {Purpose.OPEN, Purpose.BOOST}:
            self._judge_raise(event)

    def _judge_loss(self, event, batch):
        if not self._stage.strangers:
            self.fail("a slot counts as lost, and no stranger spent it")
        held = [each for each in batch if isinstance(each, TradingStateChanged)]
        if not any(each.state == TradingState.REDUCING for each in held):
            self.fail(f"slot {event.slot} was lost and the position goes on as before")

    def _judge_race(self, event):
        """No two nonces race for the same account: whichever came second would revert."""
        for slot in slots.open_slots(self.slots):
            rival = slot.number != event.slot and slot.newest.purpose != slots.CANCEL
            ended = slot.act.plan_id in self._ended  # then it is about to be cancelled
            if rival and not ended and slot.act.position_id == event.position_id:
                self.fail(f"slots {slot.number} and {event.slot} race for {event.position_id}")

    def _judge_number(self, event):
        highest = max((number for number in self._attempts if number != event.slot), default=-1)
        most = max(highest + 1, self._stage.nonce_highest)
        if event.slot > most:
            self.fail(f"nonce {event.slot} leaves a gap above {most}")

    def _judge_raise(self, event):
        """Judge by what the daemon itself last saw whether it might add risk."""
        seen, now = self._stage.seen()
        bounds, mandate = self._stage.limits, self._stage.mandate(event.position_id)
        record = self.book.page(event.position_id).record
        if record.trading_state is not TradingState.ACTIVE or record.paused or record.stopped:
            self.fail(f"adds risk while {record.trading_state}")
        if record.unwinding or record.unexplained:
            self.fail("adds risk while unwinding or unexplained")
        if seen.sources_agree < bounds.sources_min:
            self.fail("adds risk on one source's word")
        if self._stage.draw.live and abs(now.timestamp() - seen.stamp.at) > bounds.view_age_s_max:
            self.fail("adds risk on a stale view")
        if seen.gas.base_fee > bounds.gas_price_wei_max:
            self.fail("adds risk at any gas price")
        shown = seen.positions[mandate.position_id]
        view = View(seen.stamp, shown.state, seen.gas, shown.sequence, shown.atomic)
        if oracle_gap(view) > bounds.oracle_gap_max:
            self.fail("adds risk while oracle and market disagree")

    # what is sent and mined

    def sends(self, sent):
        """Judge a payload about to leave."""
        if sent.tx_hash not in self._named:
            self.fail("sent before it was journaled")

    def mined(self, block):
        """Judge a new block."""
        for each in block.mined:
            if each.inclusion.tx_hash not in self._named and not self.amnesia:
                self.fail("mined, and the journal does not name it")
        for mandate in self._stage.mandates:
            self._judge_health(block.ledger.state(mandate), mandate.position_id)

    def _judge_health(self, state, name):
        health = Decimal(loans.summarise(state.market, state.position.loan, state.at).health) / WAD
        lowest = self.lowest[name]
        self.lowest[name] = health if lowest is None else min(lowest, health)
        if health < 1:
            self.fail(f"{name} can be liquidated: health {health:.4f}")
        low = self._low_s.get(name, 0)
        if health >= TRIGGER:
            low = 0
        elif self._stage.able(name):
            low += 12
        self._low_s[name] = low
        if low == LAZY_S:
            self.fail(f"{name} was left at health {health:.4f} for {low} s")


def _outbids(new, old):
    fees = ((new.max_fee, old.max_fee), (new.priority_fee, old.priority_fee))
    return new.tx_hash == old.tx_hash or all(more * 100 >= less * 110 for more, less in fees)


def _short(event):
    text = repr(event)
    return text if len(text) < 260 else text[:260] + "..."
