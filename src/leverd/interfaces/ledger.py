"""Questions people ask of the journal, without writing to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

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
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[Entry]:
        """Return entries that match every filter given."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...
