"""A file's rows, a few thousand at a time, whatever kind of file it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leverd.backtest.history import codes
from leverd.backtest.history.cells import Cells
from leverd.backtest.history.exact import Ints
from leverd.settings.problems import nearest

ROWS: Final = 32_768
"""Rows of a chunk: enough to be quick, few enough to be small."""

_VALUES_NAMED: Final = 12


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows: the line of each, and the columns that were asked for."""

    lines: Ints  # of a CSV, where its header is line 1; of parquet the row, the first is 1
    columns: Mapping[str, Cells]


class FileError(Exception):
    """A file cannot be read further: the number, what is said, where. It stays in this package."""

    def __init__(self, number: int, message: str, *, line: int = 0, remedy: str = "") -> None:
        super().__init__(message)
        self.number = number
        self.message = message
        self.line = line
        self.remedy = remedy


def chunks_of(file: Path, columns: Sequence[str], where: Mapping[str, str]) -> Iterator[Chunk]:
    """Yield the rows of `file` that are as `where` says, with `columns`.

    Raises:
        FileError: it is not there, no file of its kind, damaged, or lacks a column.
    """
    if not is_file(file):
        said = "it is no file" if is_there(file) else "no such file"
        raise FileError(codes.NO_FILE, f"cannot be read: {said}")
    match file.suffix.lower():
        case ".csv":
            from leverd.backtest.history.csv_file import csv_chunks  # noqa: PLC0415 -- as used

            yield from csv_chunks(file, columns, where)
        case ".parquet":
            from leverd.backtest.history.parquet_file import (  # noqa: PLC0415 -- as used
                parquet_chunks,
            )

            yield from parquet_chunks(file, columns, where)
        case _:
            raise FileError(codes.FOREIGN, "is neither a .csv nor a .parquet")


def is_file(file: Path) -> bool:
    """Return whether `file` is one: neither a folder, nor a pipe that would be waited for."""
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False


def is_there(file: Path) -> bool:
    """Return whether anything is at `file`: a folder, perhaps, or a pipe."""
    try:
        return file.exists()
    except (OSError, ValueError):
        return False


def check_columns(there: Sequence[str], wanted: Sequence[str]) -> None:
    """Check that each column that is wanted is there once.

    Raises:
        FileError: one is not.
    """
    for name in wanted:
        count = there.count(name)
        if count > 1:
            raise FileError(codes.COLUMN, f"the column {name} is there {count} times", line=1)
        if not count:
            hint = nearest(name, [each for each in there if each.isprintable()])
            raise FileError(codes.COLUMN, f"there is no column {name}", line=1, remedy=hint)


class Filter:
    """Remembers what the rows that `where` leaves out say, to tell of it if none is left."""

    def __init__(self, where: Mapping[str, str]) -> None:
        self._where = where
        self._others: dict[str, set[str]] = {name: set() for name in where}
        self.kept = 0

    def saw(self, column: str, values: set[str]) -> None:
        """Note what stands in a column of `where`."""
        others = self._others[column]
        if len(others) < _VALUES_NAMED:
            others.update(sorted(values)[:_VALUES_NAMED])

    def check(self) -> None:
        """Check that a row was kept.

        Raises:
            FileError: none was.
        """
        if self.kept:
            return
        for name, value in self._where.items():
            if value not in self._others[name]:
                hint = nearest(value, [each for each in self._others[name] if each.isprintable()])
                raise FileError(codes.EMPTY, f"no row has {name} {value}", remedy=hint)
        said = " and ".join(f"{name} {value}" for name, value in self._where.items())
        raise FileError(codes.EMPTY, f"no row has {said}" if said else "there is no row")
