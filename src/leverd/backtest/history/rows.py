"""The rows of one source as numbers; whatever is no number is named by its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history import codes
from leverd.backtest.history.cells import Cells, ColumnError, Read
from leverd.backtest.history.chunks import Chunk, FileError, chunks_of
from leverd.backtest.history.description import Source
from leverd.backtest.history.exact import Ints
from leverd.backtest.history.problems import Findings
from leverd.backtest.history.times import LATEST, Times, read_times

Parser: TypeAlias = Callable[[Cells], Read]
"""What makes numbers of a column."""


_LINES, _TS, _WHOLE = "\0lines", "\0ts", "\0whole"  # no column of a file is called that


@dataclass(frozen=True, slots=True)
class Window:
    """Which times are wanted: [since, until), unix seconds."""

    since: int = 0
    until: int = LATEST


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows in the order of the file, all of them numbers."""

    lines: Ints
    ts: Ints
    whole: NDArray[np.bool_]  # whether the file's time was a whole second
    values: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.ts)

    def only(self, mask: NDArray[np.bool_]) -> Rows:
        """Return the rows where `mask` is true."""
        values = {name: each[mask] for name, each in self.values.items()}
        return Rows(self.lines[mask], self.ts[mask], self.whole[mask], values)


def read_rows(
    file: Path, source: Source, parsers: Mapping[str, Parser], window: Window, findings: Findings
) -> Rows | None:
    """Return the rows within `window`, with what each column's parser makes of it.

    What is wrong goes to `findings`; None if the file or a whole column is.
    """
    columns = tuple(dict.fromkeys((source.time, *parsers)))
    try:
        parts = [
            _part(chunk, source, parsers, window, findings)
            for chunk in chunks_of(file, columns, source.where)
        ]
    except FileError as error:
        findings.refuse(error.number, error.message, line=error.line, remedy=error.remedy)
        return None
    except ColumnError as error:
        findings.refuse(codes.COLUMN, str(error))
        return None
    rows = _joined(parts)
    if not len(rows) and not findings.is_refused():
        findings.refuse(codes.EMPTY, "no row is between since and until")
        return None
    return rows


def _part(
    chunk: Chunk,
    source: Source,
    parsers: Mapping[str, Parser],
    window: Window,
    findings: Findings,
) -> Rows:
    times = read_times(chunk.columns[source.time], source.time_format)
    within = (times.seconds >= window.since) & (times.seconds < window.until)
    good = within.copy()
    _note(times.wrong, codes.TIME, source.time, chunk, findings)
    good[list(times.wrong)] = False
    values: dict[str, NDArray[Any]] = {}
    for column, parse in parsers.items():
        read = parse(chunk.columns[column])
        values[column] = read.values
        wrong = {index: said for index, said in read.wrong.items() if within[index]}
        _note(wrong, codes.CELL, column, chunk, findings)
        good[list(wrong)] = False
    return _rows_of(chunk, times, values).only(good)


def _rows_of(chunk: Chunk, times: Times, values: Mapping[str, NDArray[Any]]) -> Rows:
    return Rows(chunk.lines, times.seconds, times.whole, values)


def _note(
    wrong: Mapping[int, str], number: int, column: str, chunk: Chunk, findings: Findings
) -> None:
    for index, said in sorted(wrong.items()):
        findings.refuse(number, f"{column}: {said}", line=int(chunk.lines[index]))


def _joined(parts: list[Rows]) -> Rows:
    """Return all of `parts` as one, and leave none: each column's are let go of as it is joined.

    There is at least one: a file without rows was refused.
    """
    columns: dict[str, list[NDArray[Any]]] = {}
    while parts:
        part = parts.pop(0)
        beside = {_LINES: part.lines, _TS: part.ts, _WHOLE: part.whole}
        for name, each in {**beside, **part.values}.items():
            columns.setdefault(name, []).append(each)
    joined = {name: np.concatenate(columns.pop(name)) for name in list(columns)}
    lines, ts, whole = (joined.pop(name) for name in (_LINES, _TS, _WHOLE))
    return Rows(lines, ts, whole, joined)
