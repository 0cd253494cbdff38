"""Rows of a CSV with a header, by the standard library."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from leverd.backtest.history import codes
from leverd.backtest.history.cells import Texts
from leverd.backtest.history.chunks import ROWS, Chunk, FileError, Filter, check_columns
from leverd.backtest.history.exact import Ints

_COLUMNS_MAX: Final = 10_000


def csv_chunks(file: Path, columns: Sequence[str], where: Mapping[str, str]) -> Iterator[Chunk]:
    """Yield the rows of `file`; see `chunks_of`."""
    try:
        # Bytes that are no UTF-8 become cells that are no numbers, named by their line.
        with file.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as lines:
            yield from _chunks(csv.reader(lines, strict=True), columns, where)
    except OSError as error:
        raise FileError(codes.NO_FILE, f"cannot be read: {error.strerror}") from error


def _chunks(reader: Any, columns: Sequence[str], where: Mapping[str, str]) -> Iterator[Chunk]:
    names = _header(reader)
    wanted = tuple(dict.fromkeys((*columns, *where)))
    check_columns(names, wanted)
    at = {name: names.index(name) for name in wanted}
    kept = Filter(where)
    while batch := _batch(reader, len(names)):
        lines, rows = batch
        cells = list(zip(*rows, strict=True)) or [()] * len(names)
        found = {name: cells[place] for name, place in at.items()}
        for name in where:
            kept.saw(name, set(found[name]))
        if where:
            mask = _mask(found, where, len(rows))
            lines = lines[np.array(mask, dtype=np.bool_)]
            found = {name: tuple(compress(found[name], mask)) for name in columns}
        kept.kept += len(lines)
        yield Chunk(lines, {name: Texts(found[name]) for name in columns})
    kept.check()


def _header(reader: Any) -> list[str]:
    try:
        names: list[str] = next(reader, [])
    except csv.Error as error:
        raise FileError(codes.FOREIGN, f"no CSV: {error}", line=1) from error
    if not names:
        raise FileError(codes.EMPTY, "there is no header", line=1)
    if len(names) > _COLUMNS_MAX:
        raise FileError(codes.FOREIGN, f"over {_COLUMNS_MAX} columns", line=1)
    return names


def _batch(reader: Any, width: int) -> tuple[Ints, list[list[str]]] | None:
    """Return some rows and the line of each, None at the end; empty lines are none."""
    before = reader.line_num
    try:
        rows = list(islice(reader, ROWS))
    except csv.Error as error:
        raise FileError(codes.FOREIGN, f"no CSV: {error}", line=reader.line_num) from error
    if not rows:
        return None
    if reader.line_num - before != len(rows):
        at = next(
            index for index, row in enumerate(rows) if "\n" in "".join(row).replace("\r", "\n")
        )
        raise FileError(codes.FOREIGN, "a cell runs over several lines", line=before + 1 + at)
    lines: Ints = np.arange(before + 1, reader.line_num + 1, dtype=np.int64)
    if set(map(len, rows)) != {width}:
        lines = lines[np.fromiter(map(bool, rows), dtype=np.bool_)]
        rows = [row for row in rows if row]
        for line, row in zip(lines.tolist(), rows, strict=True):
            if len(row) != width:
                said = f"{len(row)} cells where the header has {width}"
                raise FileError(codes.COLUMN, said, line=line)
    return lines, rows


def _mask(found: Mapping[str, tuple[str, ...]], where: Mapping[str, str], count: int) -> list[bool]:
    mask = [True] * count
    for name, value in where.items():
        mask = [good and cell == value for good, cell in zip(mask, found[name], strict=True)]
    return mask
