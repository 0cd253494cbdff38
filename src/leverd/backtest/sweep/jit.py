"""Functions compiled by numba, typed as what they were."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from leverd.backtest.sweep import codes
from leverd.errors import SweepError

P = ParamSpec("P")
R = TypeVar("R")

COMPILED: Final = ("jit.py", "lanes.py", "twofold.py", "acts.py", "kernel.py")
"""Files whose functions call one another, or whose constants are compiled in."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` compiled at its first call: no fast maths, so every machine's bits agree.

    Raises:
        SweepError: numba is not installed.
    """
    numba, kept = _numba()
    found: Callable[P, R] = numba.njit(cache=kept, nogil=True, error_model="numpy")(function)
    return found


def source_digest(names: tuple[str, ...] = COMPILED) -> str:
    """Return the SHA-256 of files of this room."""
    room = resources.files("leverd.backtest.sweep")
    return hashlib.sha256(b"".join((room / name).read_bytes() for name in names)).hexdigest()


def rooms_digest(rooms: Sequence[str]) -> str:
    """Return the SHA-256 of all source files of rooms, named as below `leverd`."""
    found = hashlib.sha256()
    for room in rooms:
        files = (each for each in resources.files(f"leverd.{room}").iterdir() if each.is_file())
        for file in sorted(files, key=lambda each: each.name):
            if file.name.endswith(".py"):
                found.update(f"{room}/{file.name}\n".encode() + file.read_bytes())
    return found.hexdigest()


@cache
def _numba() -> tuple[Any, bool]:
    """Return numba, and whether machine code can be kept on disk.

    Its own cache knows the file of a function, not those of what it calls: a change there would
    run old code. So it is kept under the digest of them all.
    """
    try:
        import numba  # noqa: PLC0415 -- half a second, only for those who sweep
    except ImportError as error:
        raise SweepError(
            "a sweep needs numba, which is not installed",
            number=codes.NO_LIBRARY,
            remedy="install leverd[sweep]",
        ) from error
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = base / "leverd" / f"kernel-{source_digest()[:16]}"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no place to write, or no home at all
        return numba, False
    kept = os.access(folder, os.W_OK)
    if kept:
        config: Any = numba.config  # its names are made from the environment
        config.CACHE_DIR = str(folder)
    return numba, kept
