"""A journal that folds what it records, so that memory and disk never disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from leverd.domain.events import Event
from leverd.engine.book import Book
from leverd.engine.state import fold
from leverd.interfaces.journal import Binding, Entry, Journal


class Recorder:
    """Passes every append to `journal` and, once durable, into the `book`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._listeners: list[Callable[[Event], None]] = []
        self.book = Book()

    def bind(self, binding: Binding) -> None:
        """Bind the journal; see `Journal.bind`."""
        self._journal.bind(binding)

    def restore(self) -> None:
        """Fold everything the journal holds, from the beginning."""
        self.book = Book()
        for entry in self._journal.replay():
            self.book = fold(self.book, entry.event, entry.chain_at)

    async def append(self, *events: Event, chain_at: int = 0) -> int:
        """Record `events` durably, then remember them; see `Journal.append`."""
        seq = await self._journal.append(*events, chain_at=chain_at)
        for event in events:
            self.book = fold(self.book, event, chain_at)
        for event in events:
            for hear in self._listeners:
                hear(event)
        return seq

    def listen(self, hear: Callable[[Event], None]) -> None:
        """Have `hear` called with each event from now on, once it is durable and folded."""
        self._listeners.append(hear)

    def replay(self, *, after: int = 0) -> Iterator[Entry]:
        """Yield what the journal holds; see `Journal.replay`."""
        return self._journal.replay(after=after)

    def close(self) -> None:
        """Release the journal."""
        self._journal.close()
