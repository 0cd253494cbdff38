"""Stable numbers of what can be wrong with a sweep: LVD-SWP-..."""

from __future__ import annotations

from typing import Final

NO_LIBRARY: Final = 1  # an extra is not installed
GRAMMAR: Final = 2  # a parameter is not said as it must be
UNKNOWN: Final = 3  # no such parameter, search, objective or engine
MISSING: Final = 4  # a parameter without which nothing can run
NOTHING: Final = 5  # no configuration is left that means anything
TOO_MANY: Final = 6  # more configurations than are held
PATH: Final = 7  # a past that no position can be held through
FOREIGN: Final = 8  # the folder belongs to another sweep, or is damaged
NOT_WRITTEN: Final = 9  # the folder cannot be written
WINDOWS: Final = 10  # no window of that length in the past
INEXACT: Final = 11  # the kernel and the exact engine do not agree
CLUSTER: Final = 12  # Ray cannot be reached
WORKER: Final = 13  # a worker died
