"""Where the money went, from a journal's P&L marks: exact, and refused where it does not add up.

Gas is paid outside the position, so it is in the lines and in the price of a unit, but not in
the change of equity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from leverd.domain.events import DecisionTaken, ExternalChanged, JournalPruned, PnlRecorded
from leverd.domain.money import Asset
from leverd.domain.plan_events import PlanApproved
from leverd.domain.pnl import Attribution
from leverd.domain.position import Mandate
from leverd.domain.snapshot import Snapshot
from leverd.domain.units import UnitBook, advance, flowed, marked
from leverd.errors import ImpossibleError, OwnerError
from leverd.interfaces.journal import Entry

UNRECONCILED: Final = 33
"""Number of the `ImpossibleError` for marks that do not add up."""

NOT_MARKED: Final = 97
"""Number of the `OwnerError` for a position without any P&L mark."""

UNLIKE: Final = 98
"""Number of the `OwnerError` for a journal that tells of something else than the settings."""

_REMEDY: Final = "the journal is damaged or was edited: `leverd db verify`, and keep a copy"


@dataclass(frozen=True, slots=True)
class Trip:
    """From the first debt to none: what it made, costs and gas paid."""

    opened: int  # chain time
    closed: int  # chain time
    pnl: int  # share class raw units


@dataclass(frozen=True, slots=True)
class Books:
    """All marks of one position, added up. Amounts are raw units of the share class."""

    marks: tuple[PnlRecorded, ...]
    pnl: Attribution
    began: int  # what the first mark found
    flows: tuple[tuple[int, int], ...]  # chain time and amount, of money in or out after that
    trips: tuple[Trip, ...]  # closed ones
    last: Snapshot  # the last mark's, or of a decision after it

    @property
    def equity(self) -> int:
        """What was there in the end."""
        return self.last.equity

    @property
    def unmarked(self) -> int:
        """What equity changed by after the last mark: by what, the next one says."""
        return self.last.equity - self.marks[-1].snapshot.equity

    @property
    def total(self) -> int:
        """The P&L: all lines together, and what is not told apart yet."""
        return self.pnl.total + self.unmarked

    @property
    def flow(self) -> int:
        """Money that came in after the first mark, less what went out."""
        return sum(amount for _, amount in self.flows)


def books_of(entries: Iterable[Entry], mandate: Mandate) -> Books:
    """Return the marks of a position, added up and reconciled to the unit.

    Raises:
        OwnerError: nothing was marked yet, or the journal counts in another currency.
        ImpossibleError: the lines and flows are not what equity changed by, or the price of
            a unit is not what follows from them (33).
    """
    marks: list[PnlRecorded] = []
    pruned, last = False, None
    for entry in entries:
        event = entry.event
        pruned = pruned or isinstance(event, JournalPruned)
        if getattr(event, "position_id", None) != mandate.position_id:
            continue
        match event:
            case PnlRecorded():
                marks.append(event)
                last = event.snapshot
            case ExternalChanged():
                last = None  # money may have come or gone: the next mark says
            case DecisionTaken() | PlanApproved() if last is not None:
                last = max(last, event.snapshot, key=_when)
            case _:
                pass
    if not marks:
        raise unmarked(mandate.position_id)
    _check_currency(marks, mandate.share_class)
    lines = [attribution_of(mark) for mark in marks]
    _check_equity(marks, lines)
    if not pruned:  # pruning adds marks up; equity still follows, units round otherwise
        _check_units(marks, lines, mandate.share_class)
    flows = tuple((mark.snapshot.at, mark.flow) for mark in marks[1:] if mark.flow)
    total, began = sum(lines, Attribution()), marks[0].snapshot.equity
    last = marks[-1].snapshot if last is None else last
    return Books(tuple(marks), total, began, flows, _trips(marks, lines), last)


def attribution_of(mark: PnlRecorded) -> Attribution:
    """Return the lines of `mark`.

    Raises:
        ImpossibleError: it has a line that nobody knows (33).
    """
    unknown = mark.attribution.keys() - Attribution().lines.keys()
    if unknown:
        raise _wrong(mark, f"nobody knows the line {', '.join(sorted(unknown))}")
    return Attribution(**mark.attribution)


def unmarked(position_id: str) -> OwnerError:
    """Return the refusal to report on a position of which nothing was marked."""
    return OwnerError(
        f"no P&L of {position_id} has been marked yet",
        number=NOT_MARKED,
        remedy="let the agent look at it once: run_agent, then try again",
    )


def _when(snapshot: Snapshot) -> tuple[int, int]:
    return snapshot.at, snapshot.block


def _check_currency(marks: Sequence[PnlRecorded], share_class: Asset) -> None:
    found = {Asset(mark.share_class, mark.share_decimals) for mark in marks}
    if found != {share_class}:
        others = ", ".join(sorted(each.symbol for each in found))
        raise OwnerError(
            f"the journal counts in {others}, the settings in {share_class.symbol}",
            number=UNLIKE,
            place="share_class",
            remedy="say the settings that the journal was written with",
        )


def _check_equity(marks: Sequence[PnlRecorded], lines: Sequence[Attribution]) -> None:
    """Check that lines and flows are what equity changed by; before the first mark it was 0."""
    before = 0
    for mark, told in zip(marks, lines, strict=True):
        gained = told.total - told.gas + mark.flow
        changed = mark.snapshot.equity - before
        if gained != changed:
            raise _wrong(mark, f"lines and flow are {gained}, and equity changed by {changed}")
        before = mark.snapshot.equity


def _check_units(
    marks: Sequence[PnlRecorded], lines: Sequence[Attribution], share_class: Asset
) -> None:
    """Check that each unit price follows from the mark before; so a wrong line of gas shows."""
    first = marks[0].snapshot.equity
    book = marked(flowed(UnitBook(), 0, first, share_class), first)
    for mark, told in zip(marks, lines, strict=True):
        if mark is not marks[0]:
            book = advance(book, told, mark.flow, mark.snapshot.equity, share_class)
        if (book.units, book.price) != (mark.units, mark.unit_price):
            raise _wrong(mark, f"a unit is marked at {mark.unit_price}, and is {book.price}")


def _trips(marks: Sequence[PnlRecorded], lines: Sequence[Attribution]) -> tuple[Trip, ...]:
    """Return the stretches with debt that ended; the mark that opens one has its costs."""
    trips: list[Trip] = []
    opened, made = 0, 0
    for (before, now), told in zip(pairwise(marks), lines[1:], strict=True):
        owed, owes = any(before.snapshot.owed.values()), any(now.snapshot.owed.values())
        if owes and not owed:
            opened, made = now.snapshot.at, 0
        made += told.total
        if owed and not owes:
            trips.append(Trip(opened or marks[0].snapshot.at, now.snapshot.at, made))
    return tuple(trips)


def _wrong(mark: PnlRecorded, message: str) -> ImpossibleError:
    place = f"the mark of {mark.position_id} at block {mark.snapshot.block}"
    return ImpossibleError(
        f"the P&L does not add up: {message}", number=UNRECONCILED, place=place, remedy=_REMEDY
    )
