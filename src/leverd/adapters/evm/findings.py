"""What is found wrong before anything is signed: how grave it is, and for which positions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leverd.errors import LeverdError, NonsenseError


class Severity(StrEnum):
    """What a finding means for a start."""

    ERROR = "error"
    """Nothing may be signed."""

    REDUCING = "reducing"
    """No new risk; open positions may still be lowered."""

    NOTE = "note"
    """For the owner to know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    severity: Severity
    error: LeverdError
    positions: frozenset[str] | None = None  # whom it is about; None: what all of them share
    watchable: bool = False  # they can be looked at for all that, and lowered as far as it goes

    @property
    def code(self) -> str:
        """The stable code, e.g. `LVD-CHN-002`."""
        return self.error.code


def placed(error: NonsenseError, place: str) -> NonsenseError:
    """Return `error`, which is about `place` where it says no other."""
    error.place = error.place or place
    return error
