"""A kernel lock: it goes when its process goes, however that ends."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from typing import Final, Self

from leverd.adapters.sql_journal.unusable import unusable
from leverd.errors import JournalLockedError

_TRIES: Final = 6
_TRIES_WITH_LOOKERS: Final = 200
_PAUSE_S: Final = 0.05
"""A look by `holder` takes the lock for microseconds, or longer on a busy machine; a start must
not fail on it. Who looks shares the lock and who holds it does not, so they are told apart."""


class Lock:
    """A held lock file. `release` it, or let the process end."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let go. The file stays: removing it would let two holders hold two files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def acquire_lock(path: Path, *, what: str = "") -> Lock:
    """Return the lock at `path`, held by this process alone; `what` names it for people.

    Raises:
        JournalLockedError: another process holds it; its pid is in the message.
        JournalError: nothing can be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unusable(error, path, what=what or str(path)) from error
    try:
        is_ours = _held(descriptor)
    except OSError as error:
        os.close(descriptor)
        raise unusable(error, path, what=what or str(path)) from error
    if is_ours:
        return Lock(path, descriptor)
    os.close(descriptor)
    raise JournalLockedError(
        f"{what or path} is held by process {_named_in(path) or 'unknown'}",
        number=4,
        place=str(path),
        remedy="stop that process, or send it a request with leverd pause, reduce or unwind",
    )


def holder(path: Path) -> int | None:
    """Return the pid that holds the lock at `path`, None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        free = _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)
    return None if free else _named_in(path)


def lock_path(journal: Path) -> Path:
    """Return where the lock of the journal file `journal` is."""
    return journal.with_name(f"{journal.name}.lock")


def _held(descriptor: int) -> bool:
    """Return whether the lock is ours now; our pid is in its file then."""
    refused = 0
    for _ in range(_TRIES_WITH_LOOKERS):
        if _try(descriptor, fcntl.LOCK_EX):
            pid = f"{os.getpid()}\n".encode()
            os.pwrite(descriptor, pid, 0)  # over what is there: a full disk has no other block
            os.ftruncate(descriptor, len(pid))
            return True
        refused += not _try(descriptor, fcntl.LOCK_SH)
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        if refused == _TRIES:
            break
        threading.Event().wait(_PAUSE_S)
    return False


def _try(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _named_in(path: Path) -> int | None:
    text = path.read_text(encoding="ascii", errors="replace").strip()
    return int(text) if text.isdigit() else None
