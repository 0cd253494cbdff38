"""The durable record of what was decided and done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from leverd.domain.events import Event


@dataclass(frozen=True, slots=True)
class Binding:
    """What a journal belongs to; another binding needs another journal."""

    mode: str  # devnet | fork | paper | live
    chain_id: int
    genesis: str  # genesis block hash, or the deployment's hash on a local chain


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in the global order."""

    seq: int
    written_at: datetime  # wall time, aware UTC
    chain_at: int  # chain time, unix seconds; 0 where none was known
    event: Event


class Journal(Protocol):
    """Append-only and ordered. One writer; readers see whole commits only."""

    def bind(self, binding: Binding) -> None:
        """Bind a new journal, or check an old one.

        Raises:
            JournalForeignError: it is bound to something else.
        """
        ...

    async def append(self, *events: Event, chain_at: int = 0) -> int:
        """Record `events` in one durable commit; return the last one's seq.

        Once this returns, they survive a power cut.

        Raises:
            DiskFullError: nothing of them was recorded.
        """
        ...

    def replay(self, *, after: int = 0) -> Iterator[Entry]:
        """Yield every entry past `after`, oldest first.

        Raises:
            JournalDamagedError: an entry does not parse; what came before it was yielded.
        """
        ...

    def close(self) -> None:
        """Release the file."""
        ...
