"""One mutant in a process of its own, forked from one that has imported everything."""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

MEMORY: Final = 6 * 2**30  # bytes of addresses; a mutant that fills memory dies of it
LATE: Final = frozenset({signal.SIGXCPU, signal.SIGVTALRM, signal.SIGKILL})


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Told:
    """What a forked process told before it ended, None if it was ended."""

    answer: Any
    late: bool


def in_fork(work: Callable[[], Any], *, cpu_s: int, wall_s: float, silent: bool = True) -> Told:
    """Return what `work` returns in a fork, which is killed once it took too long."""
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        os.close(receive)
        if silent:
            _hush()
        _tell(work, send, cpu_s)
    os.close(send)
    try:
        answer = _read(receive, wall_s)
    finally:
        os.close(receive)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if answer is not None:
        return Told(pickle.loads(answer), late=False)
    return Told(None, late=os.WIFSIGNALED(status) and os.WTERMSIG(status) in LATE)


def _tell(work: Callable[[], Any], send: int, cpu_s: int) -> None:
    """Do the work, answer and end: nothing of the parent's is torn down in the child."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        answer = pickle.dumps(work())
        with os.fdopen(send, "wb") as out:
            out.write(len(answer).to_bytes(8) + answer)
        code = 0
    except BaseException:  # noqa: BLE001 -- the end of this process, whatever it is
        traceback.print_exc()
    finally:
        os._exit(code)


def _hush() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _read(receive: int, wall_s: float) -> bytes | None:
    """Return the whole answer; None if it is late or cut short."""
    parts = bytearray()
    while select.select([receive], [], [], wall_s)[0]:
        part = os.read(receive, 2**20)
        parts += part
        if len(parts) >= 8 and len(parts) == 8 + int.from_bytes(parts[:8]):
            return bytes(parts[8:])
        if not part:
            return None
    return None
