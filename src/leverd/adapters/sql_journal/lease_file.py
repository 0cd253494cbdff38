"""How a daemon stands to the lease, in a file beside its journal: for people who ask from here."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

HOLDER: Final = "holder"
"""It acts, and renews the lease."""

STANDBY: Final = "standby"
"""Another acts; it follows the journal, and signs nothing."""

WITHOUT: Final = "without"
"""The server does not answer: it guards as far as the chain itself lets only one act."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one daemon knows of the lease."""

    state: str  # holder | standby | without
    epoch: int  # the last one it knows of
    holder: str  # who has it, as far as it knows; "" for nobody


class LeaseFile:
    """Replaced at every word of it; no record, and never synced."""

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(f"{journal.name}.lease")

    def say(self, standing: Standing) -> None:
        """Tell how things stand now; what cannot be told ends nothing."""
        half = self._path.with_name(f"{self._path.name}.half")
        with contextlib.suppress(OSError):
            descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                json.dump(asdict(standing), file)
            half.replace(self._path)

    def last(self) -> tuple[Standing, datetime] | None:
        """Return what was told last and when (wall time, UTC), None if nothing was."""
        try:
            said = Standing(**json.loads(self._path.read_text("ascii")))
            return said, datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except (OSError, ValueError, TypeError):
            return None
