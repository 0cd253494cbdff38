"""Fold events into what agents, gate and reconciliation need to remember.

Pure: the same events give the same book, so a restart knows exactly what was known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leverd.domain.changed import changed
from leverd.domain.events import (
    BreakerTurned,
    CarryTurned,
    DecisionTaken,
    Event,
    ExternalChanged,
    OrderDone,
    OrderFired,
    PeakReached,
    PnlRecorded,
    PortfolioStopped,
    PositionAdopted,
    Resumed,
    TradingStateChanged,
    UnwindRequested,
)
from leverd.domain.highs import with_high
from leverd.domain.plan import Purpose
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepAccepted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.prediction_events import PredictionIgnored, PredictionMade, PredictionScored
from leverd.domain.slot_events import (
    AttemptSigned,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.domain.snapshot import Snapshot
from leverd.domain.spot import SPOT, fold_spot, resumed
from leverd.domain.spot_events import SpotEvent
from leverd.domain.view import TradingState
from leverd.engine import course
from leverd.engine.book import ALL, Book, each_page, turn_page
from leverd.engine.outlook import fold_prediction
from leverd.execution.reconcile import LIQUIDATION
from leverd.execution.recovery import REPLACED, RESTARTED

_DAY_S: Final = 86_400
_CLOSING: Final = frozenset({Purpose.UNWIND, Purpose.DELEVERAGE})
_NO_FAULT: Final = frozenset({RESTARTED, REPLACED, "stopping"})
"""Reasons to cut a plan short that say nothing about the market or the venue."""


def fold(book: Book, event: Event, chain_at: int) -> Book:
    """Return `book` after `event`, which happened at chain time `chain_at`."""
    match event:
        case TradingStateChanged() | UnwindRequested() | Resumed() | PortfolioStopped():
            return _fold_order(book, event)
        case BreakerTurned():
            return _fold_breaker(book, event)
        case PlanApproved() | PlanCompleted() | PlanAborted():
            return _fold_plan(book, event, chain_at)
        case AttemptSigned() | SlotIncluded() | SlotReorganised() | SlotFinal() | SlotLost():
            return _fold_slot(book, event, chain_at)
        case (
            PositionAdopted()
            | StepVerified()
            | StepAccepted()
            | ExternalChanged()
            | StepMismatched()
        ):
            return _fold_balance(book, event, chain_at)
        case DecisionTaken(position_id=position_id):
            return turn_page(book, position_id, decided=event)
        case PeakReached() | OrderFired() | OrderDone() | CarryTurned():
            return _fold_fact(book, event, chain_at)
        case PnlRecorded():
            return _fold_mark(book, event, chain_at)
        case _:
            return _fold_aside(book, event, chain_at)


def _fold_aside(book: Book, event: Event, chain_at: int) -> Book:
    """Return the book after what is about no leveraged position."""
    if isinstance(event, PredictionMade | PredictionScored | PredictionIgnored):
        return changed(book, outlook=fold_prediction(book.outlook, event))
    if isinstance(event, SpotEvent):
        return changed(book, spot=fold_spot(book.spot, event, chain_at))
    return book


def _fold_fact(
    book: Book, event: PeakReached | OrderFired | OrderDone | CarryTurned, chain_at: int
) -> Book:
    record = book.page(event.position_id).record
    if isinstance(event, CarryTurned):
        record = changed(record, carry_low_since=chain_at if event.low else None)
    else:
        record = course.after_fact(record, event, chain_at)
    return turn_page(book, event.position_id, record=record)


def _fold_balance(
    book: Book,
    event: PositionAdopted | StepVerified | StepAccepted | ExternalChanged | StepMismatched,
    chain_at: int,
) -> Book:
    record = book.page(event.position_id).record
    match event:
        case PositionAdopted(position_id, _, snapshot):
            return turn_page(book, position_id, snapshot=snapshot)
        case StepVerified() | StepAccepted():
            position_id, snapshot = event.position_id, event.snapshot
            record = changed(record, last_action_at=chain_at)
            return turn_page(book, position_id, snapshot=snapshot, record=record)
        case ExternalChanged(position_id=position_id, explained=explained, snapshot=snapshot):
            record = changed(record, unexplained=record.unexplained or not explained)
            taken = _taken(book.page(position_id).taken, event)
            return turn_page(
                book, position_id, snapshot=snapshot, record=record, changed=True, taken=taken
            )
        case StepMismatched(position_id=position_id):
            record = changed(record, unexplained=True)
            return turn_page(book, position_id, record=record)


def _taken(so_far: Mapping[str, int], event: ExternalChanged) -> Mapping[str, int]:
    """Return what liquidators took of each leg since the last mark, scaled, below zero."""
    if event.cause != LIQUIDATION:
        return so_far
    legs = so_far.keys() | event.changes.keys()
    return {leg: so_far.get(leg, 0) + event.changes.get(leg, 0) for leg in sorted(legs)}


def _fold_order(
    book: Book, event: TradingStateChanged | UnwindRequested | Resumed | PortfolioStopped
) -> Book:
    match event:
        case TradingStateChanged(position_id, state, paused=paused):
            return each_page(book, position_id, trading_state=TradingState(state), paused=paused)
        case UnwindRequested(position_id, now=True):
            return each_page(book, position_id, unwinding=True, unwinds_now=True)
        case UnwindRequested(position_id):
            return each_page(book, position_id, unwinding=True)
        case PortfolioStopped(position_id):
            return each_page(book, position_id, stopped=True)
        case Resumed(position_id):
            if position_id in {ALL, SPOT}:
                book = changed(book, spot=resumed(book.spot))
            return each_page(
                book,
                position_id,
                trading_state=TradingState.ACTIVE,
                paused=False,
                unwinding=False,
                unwinds_now=False,
                stopped=False,
                unexplained=False,
                ended=None,
            )


def _fold_breaker(book: Book, event: BreakerTurned) -> Book:
    closed = event.circuit == "closed"
    if event.position_id == ALL:
        others = {each: how for each, how in book.dependencies.items() if each != event.breaker}
        now = others if closed else {**others, event.breaker: event.circuit}
        return changed(book, dependencies=now)
    record = book.page(event.position_id).record
    opened = tuple(each for each in record.breakers if each != event.breaker)
    opened = opened if closed else (*opened, event.breaker)
    return turn_page(book, event.position_id, record=changed(record, breakers=opened))


def _fold_plan(
    book: Book, event: PlanApproved | PlanCompleted | PlanAborted, chain_at: int
) -> Book:
    match event:
        case PlanAborted(plan_id=plan_id, position_id=position_id):
            purposes = {each: why for each, why in book.purposes.items() if each != plan_id}
            failed = event.reason not in _NO_FAULT and not event.reason.startswith("the owner said")
            failures = book.page(position_id).failures + failed
            return turn_page(changed(book, purposes=purposes), position_id, failures=failures)
        case PlanApproved(plan_id=plan_id, purpose=purpose):
            return changed(book, purposes={**book.purposes, plan_id: purpose})
        case PlanCompleted(plan_id, position_id, snapshot):
            return _fold_completion(book, plan_id, position_id, snapshot, chain_at)


def _fold_slot(
    book: Book,
    event: AttemptSigned | SlotIncluded | SlotReorganised | SlotFinal | SlotLost,
    chain_at: int,
) -> Book:
    match event:
        case AttemptSigned(slot=slot):
            return changed(book, slots={**book.slots, slot: event})
        case SlotIncluded():
            return _fold_gas(book, event, chain_at)
        case SlotReorganised(slot=slot):
            book = changed(book, included=book.included - {slot})
            return _fold_undoing(book, event)
        case SlotFinal(slot=slot) | SlotLost(slot=slot):
            slots = {each: attempt for each, attempt in book.slots.items() if each != slot}
            charged = {each: wei for each, wei in book.charged.items() if each != slot}
            included = book.included - {slot}
            return changed(book, slots=slots, included=included, charged=charged)


def _fold_undoing(book: Book, event: SlotReorganised) -> Book:
    attempt = book.slots.get(event.slot)
    if attempt is None or not attempt.position_id:
        return book
    record = course.after_undoing(book.page(attempt.position_id).record, event.block)
    return turn_page(book, attempt.position_id, record=record)


def _fold_completion(
    book: Book, plan_id: str, position_id: str, snapshot: Snapshot, chain_at: int
) -> Book:
    page, purpose = book.page(position_id), book.purposes.get(plan_id, "")
    tally = page.tally.on(chain_at // _DAY_S)
    opened = page.record.opened_at
    if purpose == Purpose.OPEN:
        opened = chain_at
    closed = purpose in _CLOSING and not any(snapshot.owed.values())
    book = turn_page(
        book,
        position_id,
        snapshot=snapshot,
        tally=changed(tally, trades=tally.trades + 1),
        record=changed(page.record, last_action_at=chain_at, opened_at=None if closed else opened),
        closing=closed,
        failures=0,
    )
    return changed(book, purposes={k: v for k, v in book.purposes.items() if k != plan_id})


def _fold_gas(book: Book, event: SlotIncluded, chain_at: int) -> Book:
    attempt = book.slots.get(event.slot)
    if attempt is None:
        return book
    paid = event.paid
    spent = paid - book.charged.get(event.slot, 0)  # after a reorganisation it is mined again
    page = book.page(attempt.position_id)
    tally = page.tally.on(chain_at // _DAY_S)
    guardian = attempt.urgent or book.purposes.get(attempt.plan_id) == Purpose.DELEVERAGE
    tally = changed(
        tally, gas=tally.gas + spent, guardian_gas=tally.guardian_gas + spent * guardian
    )
    book = turn_page(
        book,
        attempt.position_id,
        tally=tally,
        gas_unmarked=page.gas_unmarked + spent,
        changed=True,
    )
    charged = {**book.charged, event.slot: paid}
    return changed(book, included=book.included | {event.slot}, charged=charged)


def _fold_mark(book: Book, event: PnlRecorded, chain_at: int) -> Book:
    page = book.page(event.position_id)
    gained = page.pnl_since_open + sum(event.attribution.values())
    lost = page.closing and gained < 0
    record = changed(
        page.record,
        unit_price=event.unit_price,
        unit_peak=max(page.record.unit_peak, event.unit_price),
        units=event.units,
        marked_equity=event.snapshot.equity,
        course=course.after_mark(page.record.course, event.unit_price),
        highs=with_high(page.record.highs, event.snapshot.at, event.unit_price),
        last_loss_at=chain_at if lost else page.record.last_loss_at,
    )
    return turn_page(
        book,
        event.position_id,
        record=record,
        marked=event,
        pnl_since_open=0 if page.closing else gained,
        gas_unmarked=0,
        changed=False,
        taken={},
        closing=False,
    )
