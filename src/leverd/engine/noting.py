"""What a view makes true of orders, and the view once that is remembered. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leverd.domain.view import View
from leverd.engine.book import Book, record_of
from leverd.engine.state import fold
from leverd.engine.turn import Seat
from leverd.interfaces.agent import OrderFact


def facts_of(view: View, seats: Sequence[Seat]) -> tuple[OrderFact, ...]:
    """Return what is to be journaled of orders before anything is decided about `view`."""
    return tuple(fact for seat in seats for fact in seat.facts(view))


def remembering(view: View, book: Book) -> View:
    """Return `view` with its record as `book` has it now; what looks added up to stays."""
    name = view.state.position.mandate.position_id
    seen = view.record
    record = record_of(book, name, view.now, open_slots=seen.open_slots, strange=seen.strange)
    return replace(
        view, record=replace(record, breakers=seen.breakers, health_fall=seen.health_fall)
    )


def noted(view: View, seats: Sequence[Seat], book: Book) -> View:
    """Return the view a daemon would decide from, without writing anything down."""
    for fact in facts_of(view, seats):
        book = fold(book, fact, view.now)
    return remembering(view, book)
