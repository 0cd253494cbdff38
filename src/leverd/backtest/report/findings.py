"""Everything a report tells of one run, reckoned once for page, picture, terminal and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from leverd.backtest.report.acts import Act, acts_of
from leverd.backtest.report.books import Books, books_of
from leverd.backtest.report.metrics import Metrics, metrics_of
from leverd.backtest.report.notes import Note, notes_of
from leverd.backtest.report.standing import worth
from leverd.backtest.run_record import RunRecord
from leverd.domain.money import Amount, Asset


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of one run."""

    record: RunRecord
    books: Books
    acts: tuple[Act, ...]
    notes: tuple[Note, ...]
    metrics: Metrics
    held_return: float | None  # of the same money held, flows apart

    @property
    def share_class(self) -> Asset:
        """The currency everything is counted in."""
        return self.record.mandate.share_class

    @property
    def swapped(self) -> int:
        """The value of all that was sold, as far as it is finely known; raw, share class."""
        since = self.record.grain.fine_from
        return sum(act.swapped for act in self.acts if act.at >= since)

    @property
    def gas(self) -> int:
        """The gas that the acts paid, wei."""
        return sum(act.gas for act in self.acts)

    def whole(self, raw: int) -> Decimal:
        """Return raw units of the share class as whole ones, exactly."""
        return Amount(self.share_class, raw).whole


def findings_of(record: RunRecord) -> Findings:
    """Return what `record` tells.

    Raises:
        OwnerError: nothing was marked yet, or the journal counts in another currency.
        ImpossibleError: the P&L does not add up (33).
    """
    mandate, curve = record.mandate, record.curve
    books = books_of(record.entries, mandate)
    acts = acts_of(record.entries, mandate)
    unit = mandate.share_class.unit
    since = record.grain.fine_from
    metrics = metrics_of(
        curve,
        swapped=sum(act.swapped for act in acts if act.at >= since) / unit,
        trips=[trip.pnl / unit for trip in books.trips],
        grain=record.grain,
    )
    notes = notes_of(record.entries, mandate.position_id)
    return Findings(record, books, acts, notes, metrics, _held_return(record, books))


def _held_return(record: RunRecord, books: Books) -> float | None:
    """Return what holding gained; where money came or went, what the held token itself gained."""
    holding, mandate = record.curve.holding, record.mandate
    if not books.flows:
        known = len(holding) > 0 and holding[0] > 0
        return float(holding[-1] / holding[0]) - 1 if known else None
    one, token, share = mandate.collateral.unit, mandate.collateral, mandate.share_class
    first = worth(books.marks[0].snapshot, token, one, share)
    last = worth(books.last, token, one, share)
    return float(last / first) - 1 if first and last is not None else None


def moment(at: int) -> str:
    """Return a chain time for people and programs alike: ISO 8601, UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
