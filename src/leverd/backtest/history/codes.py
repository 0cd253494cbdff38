"""Stable numbers of what can be wrong with recorded history: LVD-DAT-..."""

from __future__ import annotations

from typing import Final

NO_FILE: Final = 1  # it is not there, or cannot be read
FOREIGN: Final = 2  # it is no such file, or damaged
COLUMN: Final = 3  # a column is missing, there twice, or of another type
CELL: Final = 4  # a value is empty, no number, or does not fit
TIME: Final = 5  # a time is naive, no time, or of another unit
MISALIGNED: Final = 6  # a bar does not open on a multiple of the bar
ORDER: Final = 7  # a row is earlier than the one before
DUPLICATE: Final = 8  # two rows of one time
PRICE: Final = 9  # not above zero
SHAPE: Final = 10  # open or close outside of low and high
GAP: Final = 11  # bars are missing, or a value is held too long
OUTLIER: Final = 12  # far from what stands on either side
NEGATIVE: Final = 13  # a rate or fee below zero
FALLING: Final = 14  # an index that falls
AHEAD: Final = 15  # an answer that was given after its row says it was known
EMPTY: Final = 16  # no row is left
TOO_MANY: Final = 17  # more bars than are held
TWICE: Final = 18  # two sources of one thing
DISJOINT: Final = 19  # no bar that all assets have
LATE: Final = 20  # a series begins after the first bar
CHANGED: Final = 21  # a file is not the one its manifest names
MANIFEST: Final = 22  # the manifest cannot be read
OUTSIDE: Final = 23  # asked for a time that is not in the data
UNKNOWN: Final = 24  # asked for something that is not in the data
TOO_EARLY: Final = 25  # asked for what was not known yet
NO_LIBRARY: Final = 26  # an extra is not installed
NOT_WRITTEN: Final = 27  # a file could not be written, or one is there already
EXCHANGE: Final = 28  # an exchange said no, or answered nonsense
RESUME: Final = 29  # a partial download belongs to another request
REQUEST: Final = 30  # a download cannot be done as asked
