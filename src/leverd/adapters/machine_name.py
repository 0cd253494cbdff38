"""A name that one process of the machine holds: the kernel's, not a file's.

Services often have a temporary folder of their own, and each user another one; a lock file
there is seen by nobody else. A socket's abstract name (Linux) is seen by every process of the
same network, whatever folders and users it has, and goes when its process goes.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
from typing import Final, Self

from leverd.errors import JournalLockedError

_TAKEN: Final = 8
_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid


class Name:
    """A held name. `release` it, or let the process end."""

    def __init__(self, held: socket.socket | None) -> None:
        self._held = held

    def release(self) -> None:
        """Let go."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def claim(name: str, *, what: str) -> Name:
    """Return `name`, held by this process alone; `what` says for people what it stands for.

    Where the system knows no such names nothing is held, and a file's lock has to do.

    Raises:
        JournalLockedError: another process holds it; its pid is in the message.
    """
    if sys.platform != "linux":
        return Name(None)
    held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        held.bind(f"\0{name}")
        held.listen(1)  # so that the next one can ask who we are
    except OSError as error:
        held.close()
        if error.errno != errno.EADDRINUSE:
            return Name(None)
        pid = _holder(name)
        by = f"process {pid}" if pid else "a process that is not seen from here"
        raise JournalLockedError(
            f"{what} is held by {by}",
            number=_TAKEN,
            place=f"@{name}",
            remedy="stop that process, or send it a request with leverd pause, reduce or unwind",
        ) from None
    return Name(held)


def _holder(name: str) -> int | None:
    """Return the pid of the process that holds `name`, None where it does not show."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)  # noqa: FBT003 -- the socket's own signature
        with contextlib.suppress(OSError):
            asking.connect(f"\0{name}")
            raw = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid: int = _CREDENTIALS.unpack(raw)[0]
            return pid or None
    return None
