"""When the daemon last finished a turn, for people who ask from another process."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path


class Heartbeat:
    """A file beside the journal whose time is that of the last finished turn."""

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(f"{journal.name}.turn")

    def beat(self, now: datetime) -> None:
        """Say that a turn ended at `now`; costs no sync, for it is no record.

        Where it cannot be said the turns go on, and who asks hears how long nothing was.
        """
        with contextlib.suppress(OSError):
            self._path.touch(mode=0o600)
            os.utime(self._path, (now.timestamp(), now.timestamp()))

    def last(self) -> datetime | None:
        """Return when the last turn ended, None if none ever did."""
        try:
            return datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except (FileNotFoundError, NotADirectoryError):
            return None
