"""What was decided and done, newest first, with filters, pages and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response, Security

from leverd.api.access import READ_PROBLEMS, Book, World, reader
from leverd.api.asked import Asked, Filter
from leverd.api.history import (
    ATTEMPTS,
    DECISIONS,
    PLANS,
    decision_rows,
    trade_rows,
    transaction_rows,
)
from leverd.api.kept_answers import KeptRoute
from leverd.api.live_rows import event_row
from leverd.api.models.rows import DecisionRow, EventRow, Page, RowT, TradeRow, TransactionRow
from leverd.api.table import CSV_TOO, csv_answer
from leverd.interfaces.journal import Entry

router = APIRouter(
    tags=["history"],
    dependencies=[Security(reader)],
    responses={**READ_PROBLEMS, **CSV_TOO},
    route_class=KeptRoute,
)

Kinds = Annotated[
    list[str],
    Query(max_length=32, alias="kind", description="only these kinds of event; repeatable"),
]


@router.get("/events", response_model=Page[EventRow])
def events(
    asked: Filter,
    ledger: Book,
    desk: World,
    kind: Kinds = [],  # noqa: B006 -- FastAPI copies it
) -> Page[EventRow] | Response:
    """Every entry of the journal, in words and whole."""
    found = asked.page(ledger, kind)
    return _told(asked, found, [event_row(entry, desk) for entry in found], EventRow, "events")


@router.get("/decisions", response_model=Page[DecisionRow])
def decisions(asked: Filter, ledger: Book) -> Page[DecisionRow] | Response:
    """Agents' thoughts: what each saw, what it wanted, what the gate said, and why."""
    found = asked.page(ledger, DECISIONS)
    return _told(
        asked, found, decision_rows(ledger, found, asked.position), DecisionRow, "decisions"
    )


@router.get("/transactions", response_model=Page[TransactionRow])
def transactions(asked: Filter, ledger: Book) -> Page[TransactionRow] | Response:
    """Every signed attempt, and what became of it."""
    found = asked.page(ledger, ATTEMPTS)
    return _told(asked, found, transaction_rows(ledger, found), TransactionRow, "transactions")


@router.get("/trades", response_model=Page[TradeRow])
def trades(asked: Filter, ledger: Book) -> Page[TradeRow] | Response:
    """Every plan that the gate let through: its purpose, steps, cost and end."""
    found = asked.page(ledger, PLANS)
    rows = trade_rows(ledger, found, asked.position)
    return _told(asked, found, rows, TradeRow, "trades")


def _told(
    asked: Asked, found: Sequence[Entry], rows: list[RowT], model: type[RowT], name: str
) -> Page[RowT] | Response:
    """Return `rows`, made of `found`, in the form that is asked for."""
    if asked.as_csv:
        return csv_answer(rows, model, f"leverd-{name}")
    return Page(items=rows, next_before=asked.next_before(found))
