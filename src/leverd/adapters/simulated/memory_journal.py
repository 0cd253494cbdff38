"""A journal and a letter box in memory, for simulations and tests; as strict as the real ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leverd.domain.days import Day
from leverd.domain.events import Event
from leverd.errors import JournalForeignError
from leverd.interfaces.clock import Clock
from leverd.interfaces.journal import Binding, Entry
from leverd.interfaces.requests import Request, RequestKind


class MemoryJournal:
    """A `Journal` and its `Ledger`, as durable as the object."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._binding: Binding | None = None
        self._entries: list[Entry] = []

    def bind(self, binding: Binding) -> None:
        """Bind the journal, or check it; see `Journal.bind`."""
        if self._binding not in {None, binding}:
            raise JournalForeignError(f"bound to {self._binding}, not {binding}", number=3)
        self._binding = binding

    async def append(self, *events: Event, chain_at: int = 0) -> int:
        """Record `events`; return the last one's seq."""
        return self.append_now(*events, chain_at=chain_at)

    def append_now(self, *events: Event, chain_at: int = 0) -> int:
        """Record `events` like `append`, where no event loop runs."""
        if not events:
            raise ValueError("nothing to append")
        now = self._clock.now()
        for event in events:
            self._entries.append(Entry(len(self._entries) + 1, now, chain_at, event))
        return len(self._entries)

    def replay(self, *, after: int = 0) -> Iterator[Entry]:
        """Yield every entry past `after`, oldest first."""
        yield from self._entries[after:]

    def binding(self) -> Binding | None:
        """Return what the journal belongs to."""
        return self._binding

    def entries(
        self,
        *,
        kinds: Sequence[str] = (),
        position_id: str = "",
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[Entry]:
        """Return entries that match every filter given; see `Ledger.entries`."""
        found = [
            entry
            for entry in self._entries[after : None if before is None else max(before - 1, 0)]
            if (not kinds or type(entry.event).__name__ in kinds)
            and (not position_id or getattr(entry.event, "position_id", "") == position_id)
        ]
        return (found[::-1] if newest_first else found)[:limit]

    def numbered(self, seqs: Sequence[int]) -> Sequence[Entry]:
        """Return the entries with these numbers; see `Ledger.numbered`."""
        return [entry for entry in self._entries if entry.seq in set(seqs)]

    def pruned_days(self, position_id: str = "") -> tuple[int, Sequence[Day]]:  # noqa: ARG002 -- the seam's
        """Return that nothing was pruned."""
        return 0, ()

    def close(self) -> None:
        """Do nothing: there is no file."""


class MemoryRequests:
    """`Requests` in memory."""

    def __init__(self) -> None:
        self._all: list[Request] = []
        self._taken: set[int] = set()

    def put(self, kind: RequestKind, position_id: str, by: str) -> int:
        """Record a wish and return its id."""
        self._all.append(Request(len(self._all) + 1, kind, position_id, by))
        return len(self._all)

    def pending(self) -> Sequence[Request]:
        """Return wishes not yet taken, oldest first."""
        return [each for each in self._all if each.request_id not in self._taken]

    def taken(self, request_id: int) -> None:
        """Mark a wish as taken."""
        self._taken.add(request_id)
