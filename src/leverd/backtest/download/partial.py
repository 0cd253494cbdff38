"""A file that is still being downloaded: kill it anywhere, and the same request goes on."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from leverd.backtest.history import codes
from leverd.backtest.history.writing import not_written, write_columns
from leverd.errors import DataError

Column: TypeAlias = Literal["int", "float"]
Row: TypeAlias = tuple[int | float, ...]
"""A time in unix seconds, then a value for each column."""

_SUFFIXES: Final = frozenset({".csv", ".parquet"})


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for; a partial file belongs to one request and no other."""

    what: str
    said: Mapping[str, str | int]
    columns: Mapping[str, Column]

    def line(self) -> str:
        """Return it as the first line of a partial file."""
        return json.dumps({"what": self.what, **self.said, "columns": dict(self.columns)})


class Written(NamedTuple):
    """What a whole download holds: fewer rows than asked for, where fewer were to be had."""

    rows: int
    first: int  # time of the first row, unix seconds
    last: int


class Partial:
    """Rows on their way to `file`, kept in `file.part` until all are there."""

    def __init__(self, file: Path, request: Request) -> None:
        """Open what an earlier run left, or begin.

        Raises:
            DataError: `file` is there already or cannot be written, another download writes
                it, or what was left is of another request.
        """
        if file.suffix not in _SUFFIXES:
            raise not_written(file, "is neither a .csv nor a .parquet")
        if file.exists():
            raise not_written(file, "a file is there already, and is not overwritten")
        self.file = file
        self.part = file.with_name(f"{file.name}.part")
        self._request = request
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._opened = self.part.open("a+", encoding="utf-8", newline="")
        except OSError as error:
            raise not_written(self.part, f"cannot be written: {error.strerror}") from error
        _lock(self._opened, self.part)
        try:
            self.last = self._resumed()
        except BaseException:
            self.close()
            raise

    def append(self, rows: Sequence[Row]) -> None:
        """Keep `rows`, which are later than any before, through a power cut."""
        if not rows:
            return
        text = "".join(",".join(_text(cell) for cell in row) + "\n" for row in rows)
        try:
            self._opened.write(text)
            self._opened.flush()
            os.fsync(self._opened.fileno())
        except OSError as error:
            raise not_written(self.part, f"cannot be written: {error.strerror}") from error
        self.last = rows[-1]

    def finish(self, beside: Callable[[list[int]], dict[str, list[int]]] | None = None) -> Written:
        """Put all rows into the file, and what `beside` tells by their times; return what it holds.

        Raises:
            DataError: there are none, or it cannot be written.
        """
        rows = self._rows()
        if not rows:
            raise DataError(
                "nothing was found in that time",
                number=codes.EMPTY,
                place=str(self.file),
                remedy="check names and times",
            )
        ts = np.array([row[0] for row in rows], dtype=np.int64)
        columns = {
            name: [row[at] for row in rows] for at, name in enumerate(self._request.columns, 1)
        }
        more = beside(ts.tolist()) if beside is not None else {}
        write_columns(self.file, ts, {**columns, **more})
        self.part.unlink()
        return Written(len(rows), int(ts[0]), int(ts[-1]))

    def close(self) -> None:
        """Let others have it."""
        self._opened.close()

    def _resumed(self) -> Row | None:
        """Return the last whole row that an earlier run left; what it left of another is cut."""
        self._opened.seek(0)
        try:
            lines = self._opened.readlines()
        except UnicodeDecodeError as error:
            raise self._damaged() from error
        whole = [line for line in lines if line.endswith("\n")]
        if not whole:
            self._opened.truncate(0)
            self._opened.write(self._request.line() + "\n")
            self._opened.flush()
            return None
        if whole[0].rstrip("\n") != self._request.line():
            raise DataError(
                "an unfinished download of another request is there",
                number=codes.RESUME,
                place=str(self.part),
                remedy="ask for the same again to go on with it, or remove it",
            )
        if len(whole) < len(lines):
            self._opened.truncate(sum(len(line.encode()) for line in whole))
        return self._row(whole[-1]) if len(whole) > 1 else None

    def _rows(self) -> list[Row]:
        self._opened.seek(0)
        self._opened.readline()
        return [self._row(line) for line in self._opened]

    def _row(self, line: str) -> Row:
        cells = line.rstrip("\n").split(",")
        kinds: Iterable[Column] = ("int", *self._request.columns.values())
        try:
            return tuple(_number(cell, kind) for cell, kind in zip(cells, kinds, strict=True))
        except ValueError as error:
            raise self._damaged() from error

    def _damaged(self) -> DataError:
        return DataError(
            "what an earlier download left is damaged",
            number=codes.RESUME,
            place=str(self.part),
            remedy="remove it, and begin again",
        )


def _lock(opened: IO[str], part: Path) -> None:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        opened.close()
        raise not_written(part, "another download writes it") from None


def _text(cell: float) -> str:
    return repr(cell)


def _number(text: str, kind: Column) -> int | float:
    return int(text) if kind == "int" else float(text)
