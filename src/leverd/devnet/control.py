"""Starting, finding and ending a devnet that is a process of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from leverd.devnet import wall
from leverd.devnet.directory import Directory, Endpoint
from leverd.errors import OwnerError, UnreachableError

_MAIN: Final = "from leverd.cli.main import main; main()"
_START_S: Final = 60.0
_STOP_S: Final = 30.0


def running(directory: Directory) -> Endpoint | None:
    """Return where the folder's devnet answers, None if none runs or it is not up yet."""
    return directory.endpoint() if directory.is_held() else None


def ensure_running(folder: Path, arguments: Sequence[str] = ()) -> tuple[Endpoint, bool]:
    """Return where a devnet answers, and whether it had to be started; it outlives the caller.

    `arguments` are those of `leverd devnet up`, and count only if none runs.

    Raises:
        OwnerError: it ended at once; the message is its own.
        UnreachableError: it did not come up.
    """
    directory = Directory(folder).make()
    found = running(directory)
    if found:
        return found, False
    command = [sys.executable, "-c", _MAIN, "devnet", "up", "--dir", str(folder)]
    with directory.log.open("ab") as log:
        began = log.tell()
        pid = _spawn([*command, *arguments], log.fileno())
    deadline = wall.monotonic() + _START_S
    while wall.monotonic() < deadline:
        found = running(directory)
        if found and found.pid == pid:
            return found, True
        if os.waitpid(pid, os.WNOHANG)[0]:
            return _lost_race(directory, began), False
        wall.pause(0.05)
    os.kill(pid, signal.SIGTERM)
    raise UnreachableError(f"the devnet did not come up; see {directory.log}", number=42)


def end(folder: Path) -> bool:
    """Have the folder's devnet save and end; return whether one ran.

    Raises:
        UnreachableError: it did not end in time.
    """
    directory = Directory(folder)
    if not directory.is_held():
        return False
    deadline = wall.monotonic() + _STOP_S
    asked = False
    while wall.monotonic() < deadline:
        if not directory.is_held():
            return True
        endpoint = directory.endpoint()
        if endpoint and not asked:
            asked = True
            os.kill(endpoint.pid, signal.SIGTERM)
        wall.pause(0.05)
    raise UnreachableError(f"the devnet in {folder} does not end", number=43)


def reset(folder: Path) -> bool:
    """End the folder's devnet and forget its chain; return whether one ran.

    Raises:
        OwnerError: somebody started another meanwhile.
    """
    ran = end(folder)
    directory = Directory(folder).make()
    with directory.locked():
        directory.clear()
    return ran


def _lost_race(directory: Directory, began: int) -> Endpoint:
    """Return another starter's devnet, if that is why ours ended."""
    found = running(directory)
    if found:
        return found
    with directory.log.open("rb") as log:
        log.seek(began)
        told = log.read().decode(errors="replace").strip()
    raise OwnerError(f"the devnet ended at once: {told or 'it said nothing'}", number=53)


def _spawn(command: list[str], log: int) -> int:
    """Return the pid of `command`, running in a session of its own.

    It is meant to outlive us, so there is no handle on it that would mourn it when dropped, and
    Ctrl-C in our terminal is not meant for it.
    """
    quiet = os.open(os.devnull, os.O_RDONLY)
    actions = [(os.POSIX_SPAWN_DUP2, quiet, 0), *((os.POSIX_SPAWN_DUP2, log, to) for to in (1, 2))]
    try:
        return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)
    finally:
        os.close(quiet)
