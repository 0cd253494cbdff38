"""Files of a report, written whole: whoever opens one sees the old or the new, never a half."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from leverd.errors import OwnerError

UNWRITTEN: Final = 99
"""Number of the `OwnerError` for a file that cannot be written."""


def written(path: Path, content: bytes) -> None:
    """Put `content` at `path`, in place of what was there.

    Raises:
        OwnerError: it cannot be written; what was there is as it was (99).
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> OwnerError:
    return OwnerError(
        f"cannot be written: {error.strerror or error}",
        number=UNWRITTEN,
        place=str(path),
        remedy="name a file in a folder that can be written",
    )
