"""Every action of a position with its reason: what was done, what it cost, what it led to.

Folded from a journal's entries, a replay's or a live one's. What was pruned is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from leverd.backtest.report.done import done_words, swapped
from leverd.backtest.report.standing import Standing, standing_of
from leverd.domain import step_text
from leverd.domain.change_text import change_words
from leverd.domain.events import DecisionTaken, Event, ExternalChanged, PnlRecorded, PositionAdopted
from leverd.domain.plan import Step
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepAccepted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.position import Mandate
from leverd.domain.slot_events import AttemptSigned, SlotIncluded, SlotReorganised
from leverd.domain.snapshot import Snapshot
from leverd.execution.reconcile import LIQUIDATION
from leverd.interfaces.journal import Entry

ADOPTED = "adopted"


class End(StrEnum):
    """What became of an action."""

    DONE = "done"
    REVERTED = "reverted"
    ABORTED = "aborted"
    OPEN = "under way"
    OTHERS = "by others"


@dataclass(frozen=True, slots=True)
class Act:
    """One plan, or one change by others. Amounts are raw units of the share class."""

    seq: int
    at: int  # chain time, unix seconds: when it last did something
    purpose: str  # a plan's purpose, or the cause of a change by others
    end: End
    agent: str  # who asked for it, "" for others
    target: str  # leverage asked for, "" if none
    reason: str
    steps: tuple[str, ...]  # what was done, or planned where nothing was
    mined: bool  # whether any of it changed anything
    note: str  # why it ended as it did, "" when done
    before: Standing | None
    after: Standing | None
    lines: Mapping[str, int]  # P&L of its own blocks
    swapped: int
    gas: int  # wei


@dataclass(slots=True)
class _Draft:
    """An act that is being told."""

    seq: int
    at: int
    purpose: str
    agent: str = ""
    target: str = ""
    reason: str = ""
    planned: tuple[str, ...] = ()
    end: End = End.OPEN
    note: str = ""
    before: Standing | None = None
    after: Standing | None = None
    done: dict[int, tuple[str, ...]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    swapped: int = 0
    gas: int = 0
    reverted: bool = False
    block: int = -1  # of its newest step: the mark of that block is its own
    block_at: int = 0  # and when that was; a replay numbers its acts' blocks apart from looks

    def stood_at(self, snapshot: Snapshot) -> None:
        """Note the block after which it stood as `snapshot` shows."""
        self.at = self.block_at = snapshot.at
        self.block = snapshot.block

    def count(self, lines: Mapping[str, int]) -> None:
        """Add the lines of a mark; one that found a change by others tells of quiet time too."""
        for line, raw in lines.items():
            if self.end is not End.OTHERS or line == LIQUIDATION:
                self.lines[line] = self.lines.get(line, 0) + raw

    def act(self) -> Act:
        steps = tuple(chain.from_iterable(self.done[step] for step in sorted(self.done)))
        return Act(
            self.seq, self.at, self.purpose, self.end, self.agent, self.target, self.reason,
            steps or self.planned, self.after is not None, self.note, self.before, self.after,
            self.lines, self.swapped, self.gas,
        )  # fmt: skip


def acts_of(entries: Iterable[Entry], mandate: Mandate) -> tuple[Act, ...]:
    """Return every plan that was approved and every change by others, oldest first."""
    told = _Told(mandate)
    for entry in entries:
        told.follow(entry)
    return tuple(draft.act() for draft in told.drafts)


class _Told:
    """The fold: what the entries so far tell."""

    def __init__(self, mandate: Mandate) -> None:
        self.drafts: list[_Draft] = []
        self._mandate = mandate
        self._plans: dict[str, _Draft] = {}
        self._attempts: dict[str, AttemptSigned] = {}  # by hash
        self._paid: dict[tuple[str, int], tuple[_Draft, int]] = {}  # wei by signer and slot
        self._decided: DecisionTaken | None = None
        self._stood: Standing | None = None

    def follow(self, entry: Entry) -> None:
        event = entry.event
        match event:
            case SlotIncluded():
                self._included(event)
            case SlotReorganised(slot=slot, signer=signer):
                self._undo(signer, slot)
            case _ if getattr(event, "position_id", "") == self._mandate.position_id:
                self._of_ours(entry, event)
            case _:
                pass

    def _of_ours(self, entry: Entry, event: Event) -> None:
        match event:
            case DecisionTaken():
                self._decided = event
                self._stood = standing_of(event.snapshot, self._mandate)
            case PlanApproved():
                self._approved(entry, event)
            case AttemptSigned():
                self._attempts[event.tx_hash] = event
            case StepVerified() | StepAccepted():
                self._stepped(event)
            case PlanCompleted() | PlanAborted() | StepMismatched():
                self._ended(event, entry.chain_at)
            case ExternalChanged() | PositionAdopted():
                self._by_others(entry, event)
            case PnlRecorded():
                self._marked(event)
            case _:
                pass

    def _approved(self, entry: Entry, event: PlanApproved) -> None:
        decided = self._decided
        wish = decided if decided is not None and decided.decision != "hold" else None
        draft = _Draft(
            seq=entry.seq,
            at=entry.chain_at or event.snapshot.at,
            purpose=event.purpose,
            agent=wish.agent if wish else "",
            target=wish.target if wish else "",
            reason=event.reason,
            planned=event.steps,
            before=standing_of(event.snapshot, self._mandate),
        )
        self._plans[event.plan_id] = draft
        self.drafts.append(draft)

    def _included(self, event: SlotIncluded) -> None:
        attempt = self._attempts.get(event.tx_hash)
        draft = self._plans.get(attempt.plan_id) if attempt else None
        if draft is None:
            return
        self._undo(event.signer, event.slot)  # mined once more, after a reorganisation
        paid = event.paid
        self._paid[event.signer, event.slot] = (draft, paid)
        draft.gas += paid
        draft.at = event.at
        if not event.succeeded:
            draft.reverted, draft.note = True, event.reason

    def _undo(self, signer: str, slot: int) -> None:
        draft, paid = self._paid.pop((signer, slot), (None, 0))
        if draft is not None:
            draft.gas -= paid

    def _stepped(self, event: StepVerified | StepAccepted) -> None:
        draft = self._plans.get(event.plan_id)
        if draft is None:
            return
        step = self._step(event.tx_hash)
        if event.step not in draft.done:  # not once more, after a reorganisation
            draft.swapped += swapped(
                step, event.fills, draft.purpose, event.snapshot, self._mandate
            )
        draft.done[event.step] = done_words(step, event.fills) if step else ()
        draft.after = self._stood = standing_of(event.snapshot, self._mandate)
        draft.stood_at(event.snapshot)

    def _ended(self, event: PlanCompleted | PlanAborted | StepMismatched, at: int) -> None:
        draft = self._plans.get(event.plan_id)
        if draft is None:
            return
        match event:
            case PlanCompleted(snapshot=snapshot):
                draft.end = End.DONE
                draft.after = self._stood = standing_of(snapshot, self._mandate)
                draft.stood_at(snapshot)
            case PlanAborted(reason=reason):
                draft.end = End.REVERTED if draft.reverted else End.ABORTED
                draft.note = draft.note or reason
                draft.at = max(draft.at, at)
            case StepMismatched():
                draft.note = "it did not do what it should"

    def _by_others(self, entry: Entry, event: ExternalChanged | PositionAdopted) -> None:
        snapshot = event.snapshot
        if isinstance(event, PositionAdopted):
            purpose, reason = ADOPTED, "found on chain"
            steps: tuple[str, ...] = (f"account {event.account}",)
        else:
            purpose, reason = event.cause, "" if event.explained else "nobody can explain it"
            steps = change_words(event)
        after = standing_of(snapshot, self._mandate)
        self.drafts.append(
            _Draft(
                seq=entry.seq,
                at=snapshot.at,
                purpose=purpose,
                reason=reason,
                planned=steps,
                end=End.OTHERS,
                before=self._stood,
                after=after,
                block=snapshot.block,
                block_at=snapshot.at,
            )
        )
        self._stood = after

    def _marked(self, event: PnlRecorded) -> None:
        """Count a mark for the act of its block: the one before it ends at the parent block."""
        self._stood = standing_of(event.snapshot, self._mandate)
        block, at = event.snapshot.block, event.snapshot.at
        for draft in reversed(self.drafts):
            if (draft.block, draft.block_at) == (block, at):
                draft.count(event.attribution)
                return
            if draft.block >= 0 and draft.block_at < at and draft.end is not End.OTHERS:
                return  # others may have come between a plan and its block

    def _step(self, tx_hash: str) -> Step | None:
        attempt = self._attempts.get(tx_hash)
        if attempt is None or not attempt.step_text:
            return None
        return step_text.of_text(attempt.step_text)
