"""The end of a log file, as it may be shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from leverd.interfaces.veil import redacted

_READ: Final = 256 * 1024
_LINE: Final = 1000


def tail(path: Path | None, lines: int) -> Sequence[str]:
    """Return the newest `lines` of the file at `path`, without secrets."""
    if path is None:
        return ()
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _READ, 0))
            raw = file.read(_READ)
    except OSError:
        return ()
    found = raw.decode("utf-8", "replace").splitlines()
    if size > _READ:
        found = found[1:]  # begins somewhere within a line
    return [redacted(line)[:_LINE] for line in found[-lines:]]
