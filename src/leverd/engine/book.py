"""Everything that is remembered between turns, by position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from leverd.domain.changed import changed
from leverd.domain.events import DecisionTaken, PnlRecorded
from leverd.domain.slot_events import AttemptSigned
from leverd.domain.snapshot import Snapshot
from leverd.domain.spot import Spot
from leverd.domain.view import Portfolio, Record
from leverd.engine import course
from leverd.engine.outlook import Outlook, standing
from leverd.risk.gate import Pending

_DAY_S: Final = 86_400

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
    taken: Mapping[str, int] = field(default_factory=dict)  # by liquidators since then, by leg
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
    outlook: Outlook = field(default_factory=dict)  # what was predicted, and how good that was
    spot: Spot = field(default_factory=Spot)  # what is traded on an order book

    def page(self, position_id: str) -> Page:
        """Return what is known about a position, an empty page for a new one."""
        page = self.pages.get(position_id)
        return Page(self.everyone) if page is None else page


def record_of(
    book: Book, position_id: str, now: int, *, open_slots: int = 0, strange: bool = False
) -> Record:
    """Return the position's record as of chain time `now`.

    `open_slots` may change what it holds; `strange` balances are not as the book has them.
    """
    page = book.page(position_id)
    today = page.tally.on(now // _DAY_S)
    return changed(
        page.record,
        trades_today=today.trades,
        gas_today=today.gas,
        guardian_gas_today=today.guardian_gas,
        open_slots=open_slots,
        strange=strange,
        predictions=standing(book.outlook, now) if book.outlook else (),
    )


def portfolio_of(book: Book, now: int, *, active: int, open_slots: int = 0) -> Portfolio:
    """Return what all positions together used of shared budgets on the day of `now`."""
    tallies = [page.tally.on(now // _DAY_S) for page in book.pages.values()]
    return Portfolio(
        active,
        sum(tally.trades for tally in tallies),
        sum(tally.gas for tally in tallies),
        sum(tally.guardian_gas for tally in tallies),
        open_slots,
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


def turn_page(book: Book, position_id: str, **changes: object) -> Book:
    """Return the book with `changes` made to one page."""
    page = changed(book.page(position_id), **changes)
    if "snapshot" in changes and page.snapshot is not None:
        record = course.after_snapshot(page.record, page.snapshot)
        page = page if record is page.record else changed(page, record=record)
    return changed(book, pages={**book.pages, position_id: page})


def each_page(book: Book, position_id: str, **changes: object) -> Book:
    """Return the book with `changes` made to one record, or to all, also those to come."""
    ids = [position_id]
    if position_id == ALL:
        ids = list(book.pages)
        everyone = changed(book.everyone, **changes)
        book = changed(book, everyone=everyone)
    for each in ids:
        record = changed(book.page(each).record, **changes)
        book = turn_page(book, each, record=record)
    return book
