"""What the system says of a file or folder that cannot be used, and what an owner can do."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from leverd.errors import DiskFullError, JournalError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_PROTECTED: Final = frozenset({errno.EACCES, errno.EPERM})
_UNUSABLE: Final = 7


def unusable(error: OSError, path: Path, *, what: str = "the journal") -> JournalError:
    """Return why `path`, which is `what` to people, cannot be used, and what the owner can do."""
    if error.errno in _FULL:
        return DiskFullError(
            "the disk is full; nothing of this was recorded",
            number=5,
            place=str(path),
            remedy="free some space, then start again",
        )
    return JournalError(
        f"cannot use {what}: {error}", number=_UNUSABLE, place=str(path), remedy=remedy(error)
    )


def remedy(error: OSError) -> str:
    """Return what the owner can do about a place that the system refused."""
    at = error.filename or "that place"
    match error.errno:
        case number if number in _PROTECTED:
            both = f"{Path(str(at)).parent} {at}"  # what is not there yet, its folder keeps out
            return f"ls -ld {both} shows whose it is: be that user, or let this one use it"
        case errno.EROFS:
            return (
                f"the file system of {at} is read-only: mount it to be written (or ReadWritePaths=)"
            )
        case errno.ENOTDIR | errno.EEXIST:
            return f"a file stands where {at} wants a folder: move it away, or name another place"
        case errno.EISDIR:
            return f"a folder stands where the file {at} is to be: move it away"
        case _:
            return f"see to it that {at} can be written, then start again"
