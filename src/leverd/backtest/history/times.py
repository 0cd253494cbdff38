"""Times of a file as whole unix seconds; never a second earlier than written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history.cells import Cells, ColumnError, Numbers, Stamps, Texts
from leverd.backtest.history.exact import Ints

EARLIEST: Final = 1_230_768_000  # 2009: before any chain
LATEST: Final = 4_102_444_800  # 2100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND: Final = {"unix_s": 1, "unix_ms": 1000}
_DIGITS_MAX: Final = 18


class Naive(ValueError):  # noqa: N818 -- it never leaves this package
    """A time without an offset: nobody knows when it was."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each row, whether each was a whole one, and which rows have no time."""

    seconds: Ints  # rounded up, so that nothing is known too early
    whole: NDArray[np.bool_]
    wrong: dict[int, str]


def iso_seconds(text: str) -> int:
    """Return an ISO 8601 time as unix seconds, rounded up.

    Raises:
        Naive: it has no offset.
        ValueError: it is no time.
    """
    return -(-_iso_microseconds(text) // 10**6)


def read_times(cells: Cells, form: str) -> Times:
    """Return the times in a column written as `form` (see `description.TimeFormat`).

    Raises:
        ColumnError: the column is of another type.
    """
    match cells:
        case Stamps() if form == "timestamp":
            return _bounded(cells, cells.values, cells.per_second, _empty(cells))
        case Stamps():
            raise ColumnError("the column is typed as timestamps: say time_format: timestamp")
        case Texts() if form == "iso":
            return _iso(cells)
        case Texts() if form in _PER_SECOND:
            counts, wrong = _counted(cells)
            return _bounded(cells, counts, _PER_SECOND[form], wrong)
        case Numbers() if form in _PER_SECOND and cells.values.dtype.kind == "i":
            counts = cells.values.astype(np.int64)
            return _bounded(cells, counts, _PER_SECOND[form], _empty(cells))
        case _:
            wanted = "unix_s, unix_ms or iso" if form == "timestamp" else "another one"
            raise ColumnError(f"the column holds no times of time_format {form}: say {wanted}")


def _iso(cells: Texts) -> Times:
    counts: Ints = np.zeros(len(cells), dtype=np.int64)
    wrong: dict[int, str] = {}
    for index, text in enumerate(cells.values):
        try:
            counts[index] = _iso_microseconds(text)
        except Naive:
            wrong[index] = f"{cells.shown(index)} names no offset from UTC"
        except (ValueError, OverflowError):
            wrong[index] = f"{cells.shown(index)} is no time"
    return _bounded(cells, counts, 10**6, wrong)


def _iso_microseconds(text: str) -> int:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise Naive(text)
    passed = found - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 10**6 + passed.microseconds


def _counted(cells: Texts) -> tuple[Ints, dict[int, str]]:
    texts: Sequence[str] = cells.values
    wrong: dict[int, str] = {}
    joined = "".join(texts)
    longest = max(map(len, texts), default=0)
    if not (joined.isascii() and joined.isdigit() and longest <= _DIGITS_MAX and all(texts)):
        wrong = {i: f"{cells.shown(i)} is no time" for i, t in enumerate(texts) if not _is_count(t)}
        texts = ["0" if index in wrong else text for index, text in enumerate(texts)]
    return np.fromiter(map(int, texts), dtype=np.int64, count=len(texts)), wrong


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX


def _bounded(cells: Cells, counts: Ints, per_second: int, wrong: dict[int, str]) -> Times:
    seconds = -(-counts // per_second)
    off = (seconds < EARLIEST) | (seconds >= LATEST)
    for index in np.flatnonzero(off).tolist():
        wrong.setdefault(index, f"{cells.shown(index)} is not between 2009 and 2100: another unit?")
    return Times(seconds, counts % per_second == 0, wrong)


def _empty(cells: Numbers | Stamps) -> dict[int, str]:
    return dict.fromkeys(np.flatnonzero(cells.empty).tolist(), "an empty cell is no time")
