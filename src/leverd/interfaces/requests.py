"""The letter box between people and the one process that signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class RequestKind(StrEnum):
    """What a person may ask of a running daemon."""

    PAUSE = "pause"
    REDUCE = "reduce"
    RESUME = "resume"
    HALT = "halt"
    UNWIND = "unwind"
    UNWIND_NOW = "unwind_now"


@dataclass(frozen=True, slots=True)
class Request:
    """One wish, taken before the daemon's next turn."""

    request_id: int
    kind: RequestKind
    position_id: str  # "" is all
    by: str  # cli | api | signal | file:ID


class Requests(Protocol):
    """A durable queue: put by any process, taken by the daemon only."""

    def put(self, kind: RequestKind, position_id: str, by: str) -> int:
        """Record a wish durably and return its id."""
        ...

    def pending(self) -> Sequence[Request]:
        """Return wishes not yet taken, oldest first."""
        ...

    def taken(self, request_id: int) -> None:
        """Mark a wish as taken; its effect is in the journal already."""
        ...
