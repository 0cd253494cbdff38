"""Fold events into what agents, gate and reconciliation need to remember.

Pure: the same events give the same book, so a restart knows exactly what was known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from leverd.domain.events import (
    AttemptSigned,
    BreakerTurned,
    CarryTurned,
    DecisionTaken,
    Event,
    ExternalChanged,
    OrderDone,
    OrderFired,
    PeakReached,
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    PnlRecorded,
    PortfolioStopped,
    PositionAdopted,
    Resumed,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
    Snapshot,
    StepAccepted,
    StepMismatched,
    StepVerified,
    TradingStateChanged,
    UnwindRequested,
)
from leverd.domain.highs import with_high
from leverd.domain.plan import Purpose
from leverd.domain.view import Portfolio, Record, TradingState
from leverd.engine import course
from leverd.execution.recovery import REPLACED, RESTARTED
from leverd.risk.gate import Pending

_DAY_S: Final = 86_400
_CLOSING: Final = frozenset({Purpose.UNWIND, Purpose.DELEVERAGE})
_NO_FAULT: Final = frozenset({RESTARTED, REPLACED, "stopping"})
"""Reasons to cut a plan short that say nothing about the market or the venue."""

ALL: Final = ""
"""The position id that means every position."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was used of daily budgets in the UTC day `day` of chain time."""

    day: int = 0
    trades: int = 0
    gas: int = 0  # wei
    guardian_gas: int = 0  # wei

    def on(self, day: int) -> Tally:
        """Return the tally as of `day`: a new day starts at nothing."""
        return self if day == self.day else Tally(day)


@dataclass(frozen=True, slots=True)
class Page:
    """What the book holds about one position."""

    record: Record = field(default_factory=Record)
    tally: Tally = field(default_factory=Tally)
    snapshot: Snapshot | None = None  # last balances we know the reason of
    marked: PnlRecorded | None = None  # last time P&L was recorded
    decided: DecisionTaken | None = None  # last decision journaled
    pnl_since_open: int = 0  # share class raw units
    gas_unmarked: int = 0  # wei spent since the last mark
    changed: bool = False  # something happened since the last mark
    failures: int = 0  # plans that were cut short, in a row
    closing: bool = False  # an unwind completed; the next mark says win or loss


@dataclass(frozen=True, slots=True)
class Book:
    """Everything remembered, by position."""

    pages: Mapping[str, Page] = field(default_factory=dict)
    everyone: Record = field(default_factory=Record)  # what a position starts from
    purposes: Mapping[str, str] = field(default_factory=dict)  # open plans, plan id -> purpose
    slots: Mapping[int, AttemptSigned] = field(default_factory=dict)  # newest attempt by slot
    included: frozenset[int] = frozenset()  # slots of those in a block, not final yet
    charged: Mapping[int, int] = field(default_factory=dict)  # wei counted, by slot not final
    dependencies: Mapping[str, str] = field(default_factory=dict)  # name -> open | half_open

    def page(self, position_id: str) -> Page:
        """Return what is known about a position, an empty page for a new one."""
        return self.pages.get(position_id, Page(self.everyone))


def record_of(book: Book, position_id: str, now: int, *, open_slots: int = 0) -> Record:
    """Return the position's record as of chain time `now`."""
    page = book.page(position_id)
    today = page.tally.on(now // _DAY_S)
    return replace(
        page.record,
        trades_today=today.trades,
        gas_today=today.gas,
        guardian_gas_today=today.guardian_gas,
        open_slots=open_slots,
    )


def portfolio_of(book: Book, now: int, *, active: int) -> Portfolio:
    """Return what all positions together used of shared budgets on the day of `now`."""
    tallies = [page.tally.on(now // _DAY_S) for page in book.pages.values()]
    return Portfolio(
        active,
        sum(tally.trades for tally in tallies),
        sum(tally.gas for tally in tallies),
        sum(tally.guardian_gas for tally in tallies),
    )


def pending_of(book: Book) -> Pending:
    """Return what transactions under way may still charge to shared budgets."""
    flying = [attempt for slot, attempt in book.slots.items() if slot not in book.included]
    return Pending(
        gas=sum(attempt.gas_limit * attempt.max_fee for attempt in flying),
        guardian_gas=sum(
            attempt.gas_limit * attempt.max_fee for attempt in flying if attempt.urgent
        ),
        trades=len({attempt.plan_id for attempt in flying}),
    )


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
            return _turn_page(book, position_id, decided=event)
        case PeakReached() | OrderFired() | OrderDone():
            record = course.after_fact(book.page(event.position_id).record, event, chain_at)
            return _turn_page(book, event.position_id, record=record)
        case CarryTurned(position_id=position_id, low=low):
            since = chain_at if low else None
            record = replace(book.page(position_id).record, carry_low_since=since)
            return _turn_page(book, position_id, record=record)
        case PnlRecorded():
            return _fold_mark(book, event, chain_at)
        case _:
            return book


def _fold_balance(
    book: Book,
    event: PositionAdopted | StepVerified | StepAccepted | ExternalChanged | StepMismatched,
    chain_at: int,
) -> Book:
    record = book.page(event.position_id).record
    match event:
        case PositionAdopted(position_id, _, snapshot):
            return _turn_page(book, position_id, snapshot=snapshot)
        case StepVerified() | StepAccepted():
            position_id, snapshot = event.position_id, event.snapshot
            record = replace(record, last_action_at=chain_at)
            return _turn_page(book, position_id, snapshot=snapshot, record=record)
        case ExternalChanged(position_id=position_id, explained=explained, snapshot=snapshot):
            record = replace(record, unexplained=record.unexplained or not explained)
            return _turn_page(book, position_id, snapshot=snapshot, record=record, changed=True)
        case StepMismatched(position_id=position_id):
            record = replace(record, unexplained=True)
            return _turn_page(book, position_id, record=record)


def _fold_order(
    book: Book, event: TradingStateChanged | UnwindRequested | Resumed | PortfolioStopped
) -> Book:
    match event:
        case TradingStateChanged(position_id, state, paused=paused):
            return _each(book, position_id, trading_state=TradingState(state), paused=paused)
        case UnwindRequested(position_id, now=True):
            return _each(book, position_id, unwinding=True, unwinds_now=True)
        case UnwindRequested(position_id):
            return _each(book, position_id, unwinding=True)
        case PortfolioStopped(position_id):
            return _each(book, position_id, stopped=True)
        case Resumed(position_id):
            return _each(
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
        return replace(book, dependencies=now)
    record = book.page(event.position_id).record
    opened = tuple(each for each in record.breakers if each != event.breaker)
    opened = opened if closed else (*opened, event.breaker)
    return _turn_page(book, event.position_id, record=replace(record, breakers=opened))


def _fold_plan(
    book: Book, event: PlanApproved | PlanCompleted | PlanAborted, chain_at: int
) -> Book:
    match event:
        case PlanAborted(plan_id=plan_id, position_id=position_id):
            purposes = {each: why for each, why in book.purposes.items() if each != plan_id}
            failed = event.reason not in _NO_FAULT and not event.reason.startswith("the owner said")
            failures = book.page(position_id).failures + failed
            return _turn_page(replace(book, purposes=purposes), position_id, failures=failures)
        case PlanApproved(plan_id=plan_id, purpose=purpose):
            return replace(book, purposes={**book.purposes, plan_id: purpose})
        case PlanCompleted(plan_id, position_id, snapshot):
            return _fold_completion(book, plan_id, position_id, snapshot, chain_at)


def _fold_slot(
    book: Book,
    event: AttemptSigned | SlotIncluded | SlotReorganised | SlotFinal | SlotLost,
    chain_at: int,
) -> Book:
    match event:
        case AttemptSigned(slot=slot):
            return replace(book, slots={**book.slots, slot: event})
        case SlotIncluded():
            return _fold_gas(book, event, chain_at)
        case SlotReorganised(slot=slot):
            book = replace(book, included=book.included - {slot})
            return _fold_undoing(book, event)
        case SlotFinal(slot=slot) | SlotLost(slot=slot):
            slots = {each: attempt for each, attempt in book.slots.items() if each != slot}
            charged = {each: wei for each, wei in book.charged.items() if each != slot}
            included = book.included - {slot}
            return replace(book, slots=slots, included=included, charged=charged)


def _fold_undoing(book: Book, event: SlotReorganised) -> Book:
    attempt = book.slots.get(event.slot)
    if attempt is None or not attempt.position_id:
        return book
    record = course.after_undoing(book.page(attempt.position_id).record, event.block)
    return _turn_page(book, attempt.position_id, record=record)


def _fold_completion(
    book: Book, plan_id: str, position_id: str, snapshot: Snapshot, chain_at: int
) -> Book:
    page, purpose = book.page(position_id), book.purposes.get(plan_id, "")
    tally = page.tally.on(chain_at // _DAY_S)
    opened = page.record.opened_at
    if purpose == Purpose.OPEN:
        opened = chain_at
    closed = purpose in _CLOSING and not any(snapshot.owed.values())
    book = _turn_page(
        book,
        position_id,
        snapshot=snapshot,
        tally=replace(tally, trades=tally.trades + 1),
        record=replace(page.record, last_action_at=chain_at, opened_at=None if closed else opened),
        closing=closed,
        failures=0,
    )
    return replace(book, purposes={k: v for k, v in book.purposes.items() if k != plan_id})


def _fold_gas(book: Book, event: SlotIncluded, chain_at: int) -> Book:
    attempt = book.slots.get(event.slot)
    if attempt is None:
        return book
    paid = event.gas_used * event.gas_price
    spent = paid - book.charged.get(event.slot, 0)  # after a reorganisation it is mined again
    page = book.page(attempt.position_id)
    tally = page.tally.on(chain_at // _DAY_S)
    guardian = attempt.urgent or book.purposes.get(attempt.plan_id) == Purpose.DELEVERAGE
    tally = replace(
        tally, gas=tally.gas + spent, guardian_gas=tally.guardian_gas + spent * guardian
    )
    book = _turn_page(
        book,
        attempt.position_id,
        tally=tally,
        gas_unmarked=page.gas_unmarked + spent,
        changed=True,
    )
    charged = {**book.charged, event.slot: paid}
    return replace(book, included=book.included | {event.slot}, charged=charged)


def _fold_mark(book: Book, event: PnlRecorded, chain_at: int) -> Book:
    page = book.page(event.position_id)
    gained = page.pnl_since_open + sum(event.attribution.values())
    lost = page.closing and gained < 0
    record = replace(
        page.record,
        unit_price=event.unit_price,
        unit_peak=max(page.record.unit_peak, event.unit_price),
        units=event.units,
        marked_equity=event.snapshot.equity,
        course=course.after_mark(page.record.course, event.unit_price),
        highs=with_high(page.record.highs, event.snapshot.at, event.unit_price),
        last_loss_at=chain_at if lost else page.record.last_loss_at,
    )
    return _turn_page(
        book,
        event.position_id,
        record=record,
        marked=event,
        pnl_since_open=0 if page.closing else gained,
        gas_unmarked=0,
        changed=False,
        closing=False,
    )


def _turn_page(book: Book, position_id: str, **changes: object) -> Book:
    page = replace(book.page(position_id), **changes)  # type: ignore[arg-type]  # fields of Page
    if "snapshot" in changes and page.snapshot is not None:
        page = replace(page, record=course.after_snapshot(page.record, page.snapshot))
    return replace(book, pages={**book.pages, position_id: page})


def _each(book: Book, position_id: str, **changes: object) -> Book:
    """Return the book with `changes` made to one record, or to all, also those to come."""
    ids = [position_id]
    if position_id == ALL:
        ids = list(book.pages)
        everyone = replace(book.everyone, **changes)  # type: ignore[arg-type]  # fields of Record
        book = replace(book, everyone=everyone)
    for each in ids:
        record = replace(book.page(each).record, **changes)  # type: ignore[arg-type]  # fields of Record
        book = _turn_page(book, each, record=record)
    return book
