"""The journal of a replay, folded as it is written, as a daemon does."""

from __future__ import annotations

from datetime import UTC, datetime

from leverd.domain.events import Event
from leverd.domain.view import Portfolio, Record
from leverd.engine.book import Book, Page, portfolio_of, record_of
from leverd.engine.state import fold
from leverd.interfaces.journal import Entry


class Books:
    """Everything that one position's run has journaled, and what is remembered of it."""

    def __init__(self, position_id: str) -> None:
        self._name = position_id
        self.book = Book()
        self.entries: list[Entry] = []

    @property
    def page(self) -> Page:
        """What is remembered of the position."""
        return self.book.page(self._name)

    def record(self, at: int, *events: Event) -> None:
        """Journal `events` as of chain time `at`, which is also when they are written."""
        written = datetime.fromtimestamp(at, UTC)
        for event in events:
            self.entries.append(Entry(len(self.entries) + 1, written, at, event))
            self.book = fold(self.book, event, at)

    def remembered(self, at: int, *, flying: bool) -> Record:
        """Return the position's record at chain time `at`."""
        return record_of(self.book, self._name, at, open_slots=int(flying))

    def used(self, at: int, *, active: int, flying: bool) -> Portfolio:
        """Return what of the day's budgets is used at chain time `at`."""
        return portfolio_of(self.book, at, active=active, open_slots=int(flying))
