"""What of a journal's old entries something still rests on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from leverd.adapters.sql_journal.mark_runs import MarkRuns
from leverd.domain.bars import BARS_MAX
from leverd.domain.events import (
    AlertRaised,
    DaemonStarted,
    DaemonStopped,
    DecisionTaken,
    Event,
    ExternalChanged,
    HoldsFolded,
    PnlRecorded,
    PositionAdopted,
)
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    PlanDenied,
    StepAccepted,
    StepVerified,
)
from leverd.domain.prediction_events import (
    BarSeen,
    PredictionIgnored,
    PredictionMade,
    PredictionScored,
)
from leverd.domain.slot_events import (
    AttemptPublished,
    AttemptSigned,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.domain.spot_events import SpotDecided, SpotMarked
from leverd.interfaces.journal import Entry

_STORIES: Final = (AlertRaised, DaemonStarted, DaemonStopped, HoldsFolded, PlanDenied)
SLOTS: Final = (
    AttemptSigned,
    AttemptPublished,
    SlotIncluded,
    SlotReorganised,
    SlotFinal,
    SlotLost,
)
_BALANCES: Final = (StepVerified, StepAccepted, PlanCompleted, ExternalChanged, PositionAdopted)

Slot: TypeAlias = tuple[str, int]


@dataclass(slots=True)
class _Foretold:
    """What predictors' tracks rest on, and the trader, who is about no leveraged position."""

    last: dict[tuple[str, str], int] = field(default_factory=dict)  # (kind, track) -> last seq
    due: dict[str, int] = field(default_factory=dict)  # track -> seq of what waits for its truth
    bars: dict[tuple[str, int], deque[int]] = field(default_factory=dict)  # seqs of the newest
    spot: dict[type[Event], int] = field(default_factory=dict)  # kind -> seq of the last of it

    def learn(self, seq: int, event: Event) -> None:
        match event:
            case BarSeen(subject=subject, bar_s=bar_s):
                self.bars.setdefault((subject, bar_s), deque(maxlen=BARS_MAX)).append(seq)
            case PredictionMade(prediction=made):
                self.last["made", made.track] = seq
                self.due.setdefault(made.track, seq)
            case PredictionScored(track=track):
                self.last["scored", track] = seq
                self.due.pop(track, None)
            case PredictionIgnored(track=track):
                self.last["ignored", track] = seq
            case SpotDecided() | SpotMarked():
                self.spot[type(event)] = seq
            case _:
                pass

    def is_needed(self, seq: int, event: Event) -> bool:
        """Return whether a track rests on it: a score holds the sums of all scores before it."""
        match event:
            case PredictionMade(prediction=made):
                return seq in {self.due.get(made.track), self.last["made", made.track]}
            case PredictionScored(track=track):
                return seq == self.last["scored", track]
            case PredictionIgnored(track=track):
                return seq == self.last["ignored", track]
            case BarSeen(subject=subject, bar_s=bar_s):
                return seq >= self.bars[subject, bar_s][0]
            case SpotDecided() | SpotMarked():
                return self.spot[type(event)] == seq  # it says all that those before it said
            case _:
                return True


@dataclass(slots=True)
class Needs:
    """What one reading of a whole journal learns; ask `is_needed` once it is read."""

    runs: MarkRuns = field(default_factory=MarkRuns)
    _foretold: _Foretold = field(default_factory=_Foretold)
    _closed_slots: set[Slot] = field(default_factory=set)
    _newest_slot: dict[str, int] = field(default_factory=dict)  # by signer
    _closed_plans: set[str] = field(default_factory=set)
    _aborted_plans: set[str] = field(default_factory=set)
    _completed: dict[str, int] = field(default_factory=dict)  # position -> seq of its last success
    _decided: dict[str, int] = field(default_factory=dict)  # position -> seq of its last decision
    _verified: dict[str, int] = field(default_factory=dict)  # position -> seq of its last step
    _payers: dict[Slot, str] = field(default_factory=dict)  # slot -> position
    _paid: dict[Slot, int] = field(default_factory=dict)  # slot -> seq of its inclusion
    _marked: dict[str, int] = field(default_factory=dict)  # position -> seq of its last mark
    _owing: set[str] = field(default_factory=set)  # positions with debt, as far as it has read
    _edges: set[int] = field(default_factory=set)  # seqs at which a debt began or ended

    def learn(self, entry: Entry, *, old: bool) -> None:
        """Learn from the next entry; an `old` one is of those that may go."""
        self._learn_any(entry.seq, entry.event)
        if old:
            if isinstance(entry.event, SlotFinal):
                self._closed_slots.add((entry.event.signer, entry.event.slot))
            self._learn_end(entry.event)
            self._learn_edge(entry)
            self.runs.learn(entry)

    def is_needed(self, entry: Entry) -> bool:
        """Return whether folding the journal, or a slot or plan under way, rests on `entry`."""
        event = entry.event
        if isinstance(event, _STORIES):
            return False
        if isinstance(event, SLOTS):
            newest = self._newest_slot.get(event.signer) == event.slot
            return newest or not self._is_settled((event.signer, event.slot))
        match event:
            case DecisionTaken(position_id=position_id):
                return self._decided[position_id] == entry.seq
            case StepVerified() | StepAccepted():
                last = self._verified[event.position_id] == entry.seq
                return last or entry.seq in self._edges or event.plan_id not in self._closed_plans
            case PlanApproved(plan_id=plan_id):
                return plan_id not in self._aborted_plans
            case PlanAborted(plan_id=plan_id, position_id=position_id):
                # a breaker counts those in a row
                in_a_row = entry.seq > self._completed.get(position_id, 0)
                return in_a_row or plan_id not in self._aborted_plans
            case PnlRecorded():
                return entry.seq in self.runs.kept
            case _:
                return self._foretold.is_needed(entry.seq, event)

    def _is_settled(self, slot: Slot) -> bool:
        """Return whether nothing can change about `slot` and a mark has counted its gas."""
        marked = self._marked.get(self._payers.get(slot, ""), 0)
        return slot in self._closed_slots and marked > self._paid.get(slot, 0)

    def _learn_any(self, seq: int, event: Event) -> None:
        match event:
            case AttemptSigned(slot=slot, signer=signer, position_id=position_id):
                self._newest_slot[signer] = max(slot, self._newest_slot.get(signer, slot))
                self._payers[signer, slot] = position_id
            case SlotIncluded(slot=slot, signer=signer):
                self._paid[signer, slot] = seq
            case PnlRecorded(position_id=position_id):
                self._marked[position_id] = seq
            case PlanCompleted(position_id=position_id):
                self._completed[position_id] = seq
            case DecisionTaken(position_id=position_id):
                self._decided[position_id] = seq
            case StepVerified() | StepAccepted():
                self._verified[event.position_id] = seq
            case _:
                self._foretold.learn(seq, event)

    def _learn_end(self, event: Event) -> None:
        if isinstance(event, PlanCompleted | PlanAborted):
            self._closed_plans.add(event.plan_id)
        if isinstance(event, PlanAborted):
            self._aborted_plans.add(event.plan_id)

    def _learn_edge(self, entry: Entry) -> None:
        """Notice where a debt begins or ends: orders count from the mark before it."""
        event = entry.event
        if not isinstance(event, _BALANCES):
            return
        owes = any(event.snapshot.owed.values())
        if owes != (event.position_id in self._owing):
            (self._owing.add if owes else self._owing.discard)(event.position_id)
            self._edges.add(entry.seq)
            self.runs.end(event.position_id)
