"""What a process holds at a moment, and what a row of such readings says about its growth."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

import psutil

from leverd.adapters.sql_journal.database import wal_path

YEAR = 525_600
"""One-minute turns in a year."""

_WARM_UP = 0.4
"""The share of a row that comes before allocator and caches have found their size."""


@dataclass(frozen=True)
class Reading:
    """One moment of a process."""

    turns: int
    at: float  # chain seconds since the start
    rss: int  # bytes, after a collection where the process is our own
    objects: int  # small allocations of the interpreter, 0 for another process
    handles: int  # open file descriptors
    threads: int
    tasks: int  # of the event loop, 0 for another process
    journal: int  # bytes of database and log
    logs: int  # bytes of all log files


@dataclass(frozen=True)
class Bounds:
    """How much a row may grow."""

    rss_a_turn: float  # bytes
    objects_a_turn: float


@dataclass(frozen=True)
class Growth:
    """What a row says."""

    rss_a_turn: float  # bytes, the median of all pairwise slopes
    objects_a_turn: float
    handles: tuple[int, int]  # fewest and most
    threads: tuple[int, int]
    tasks: tuple[int, int]

    @property
    def mib_a_year(self) -> float:
        """What the slope comes to in a year of one-minute turns, MiB."""
        return self.rss_a_turn * YEAR / 2**20

    def faults(self, bounds: Bounds) -> list[str]:
        """Return what grows beyond `bounds`, in words; nothing if all is well."""
        found = []
        if self.rss_a_turn > bounds.rss_a_turn:
            found.append(f"memory grows by {self.rss_a_turn:.1f} bytes a turn")
        if self.objects_a_turn > bounds.objects_a_turn:
            found.append(f"{self.objects_a_turn:.3f} objects a turn are never released")
        for name in ("handles", "threads", "tasks"):
            fewest, most = getattr(self, name)
            if most > fewest + _SPARE[name]:
                found.append(f"{name} go from {fewest} to {most}")
        return found


_SPARE = {"handles": 1, "threads": 0, "tasks": 1}
"""What may be open for a moment: a log being rotated, a call under way."""


def growth(row: Sequence[Reading]) -> Growth:
    """Return how `row` grows once it is warm."""
    warm = row[int(len(row) * _WARM_UP) :]
    assert len(warm) > 5, "too few readings to say anything"
    return Growth(
        _slope(warm, "rss"),
        _slope(warm, "objects"),
        _range(warm, "handles"),
        _range(warm, "threads"),
        _range(warm, "tasks"),
    )


def read_self(turns: int, at: float, journal: Path, logs: Path) -> Reading:
    """Return what this process holds now."""
    gc.collect()
    process = psutil.Process()
    return Reading(
        turns,
        at,
        process.memory_info().rss,
        sys.getallocatedblocks(),
        process.num_fds(),
        threading.active_count(),
        len(asyncio.all_tasks()),
        journal_bytes(journal),
        log_bytes(logs),
    )


def journal_bytes(journal: Path) -> int:
    """Return the bytes of a database and its log, without what is set aside for a full disk."""
    return sum(path.stat().st_size for path in (journal, wal_path(journal)) if path.exists())


def log_bytes(folder: Path) -> int:
    """Return the bytes of the log files in `folder`."""
    return sum(path.stat().st_size for path in folder.glob("leverd*.log"))


def age(folder: Path, seconds: float) -> None:
    """Let the rotated logs in `folder` be `seconds` older: chain time passes, the disk's does not.

    The file in use is the one most recently written.
    """
    files = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    for path in files[:-1]:
        written = path.stat().st_mtime - seconds
        os.utime(path, (written, written))


def _slope(row: Sequence[Reading], name: str) -> float:
    """Return Theil and Sen's slope: the median over all pairs, which no outlier moves."""
    slopes: list[float] = [
        (getattr(later, name) - getattr(one, name)) / (later.turns - one.turns)
        for one, later in combinations(row, 2)
    ]
    return median(slopes)


def _range(row: Sequence[Reading], name: str) -> tuple[int, int]:
    found = [getattr(reading, name) for reading in row]
    return min(found), max(found)
