"""A few MiB set aside, so that the journal can still say what happened on a full disk."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

SIZE: Final = 4 * 1024 * 1024
"""Bytes: thousands of entries, enough to close what is open and to stop."""


class Reserve:
    """The reserve file beside a journal."""

    def __init__(self, journal: Path, size: int = SIZE) -> None:
        self.path = journal.with_name(f"{journal.name}.reserve")
        self._size = size

    def hold(self) -> bool:
        """Return whether the space is set aside, which it tries to see to."""
        if self.path.exists() and self.path.stat().st_size >= self._size:
            return True
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(bytes(self._size))  # not sparse: the blocks are ours
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.free()
            return False
        return True

    def free(self) -> bool:
        """Return whether there was a reserve to give back; it is gone now."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
            return True
        return False
