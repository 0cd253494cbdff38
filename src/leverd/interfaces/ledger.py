"""Questions people ask of the journal, without writing to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from leverd.domain.days import Day
from leverd.interfaces.journal import Binding, Entry


class Ledger(Protocol):
    """A read-only door to a journal, safe while a daemon writes it."""

    def binding(self) -> Binding | None:
        """Return what the journal belongs to, None before the first start."""
        ...

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
        """Return entries that match every filter given: seq above `after`, below `before`."""
        ...

    def numbered(self, seqs: Sequence[int]) -> Sequence[Entry]:
        """Return the entries with these numbers, oldest first; what was pruned is left out."""
        ...

    def pruned_days(self, position_id: str = "") -> tuple[int, Sequence[Day]]:
        """Return (seq, days): what entries up to `seq` came to by day, kept when they were pruned.

        Entries above `seq` are in none of them; (0, ()) where nothing was pruned.
        """
        ...

    def close(self) -> None:
        """Release the file."""
        ...
