"""Keep the memory that holds a key out of core files and away from debuggers."""

from __future__ import annotations

import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def undumpable() -> None:
    """Let no core of this process be written, nor its memory be read by others of its user.

    The limit alone does not hold where cores are piped to a program; the flag does. Where a
    system knows no such flag, the limit is what there is.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 -- only who opens a key pays for it

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
