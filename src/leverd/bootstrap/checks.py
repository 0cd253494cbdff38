"""What one check of the surroundings found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad it is."""

    GOOD = "good"
    NOTE = "note"
    """Worth knowing; nothing to do."""

    BAD = "bad"
    """The agent cannot work, or not safely, until the remedy is done."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of `leverd doctor`, with what to do about it."""

    code: str
    status: Status
    message: str
    remedy: str = ""
    place: str = ""
