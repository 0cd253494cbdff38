"""Rows of a CSV with a header, by the standard library."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any, Final

import numpy as np

from leverd.backtest.history import codes
from leverd.backtest.history.cells import Texts
from leverd.backtest.history.chunks import ROWS, Chunk, FileError, Filter, check_columns

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
    header = next(_rows(reader, 1), [])
    if not header:
        raise FileError(codes.EMPTY, "there is no header", line=1)
    if len(header[0][1]) > _COLUMNS_MAX:
        raise FileError(codes.FOREIGN, "over ten thousand columns", line=1)
    names = header[0][1]
    wanted = tuple(dict.fromkeys((*columns, *where)))
    check_columns(names, wanted)
    at = {name: names.index(name) for name in wanted}
    kept = Filter(where)
    for batch in _rows(reader, ROWS):
        lines = np.fromiter((line for line, _ in batch), dtype=np.int64, count=len(batch))
        _check_widths(batch, len(names))
        cells = list(zip(*(row for _, row in batch), strict=True))
        found = {name: cells[place] for name, place in at.items()}
        for name in where:
            kept.saw(name, set(found[name]))
        if where:
            mask = _mask(found, where, len(batch))
            lines = lines[np.array(mask, dtype=np.bool_)]
            found = {name: tuple(compress(found[name], mask)) for name in columns}
        kept.kept += len(lines)
        yield Chunk(lines, {name: Texts(found[name]) for name in columns})
    kept.check()


def _mask(found: Mapping[str, tuple[str, ...]], where: Mapping[str, str], count: int) -> list[bool]:
    mask = [True] * count
    for name, value in where.items():
        mask = [good and cell == value for good, cell in zip(mask, found[name], strict=True)]
    return mask


def _rows(reader: Any, most: int) -> Iterator[list[tuple[int, list[str]]]]:
    """Yield lists of up to `most` rows, each with the line it ends in; empty lines are none."""
    batch: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            if row:
                batch.append((reader.line_num, row))
            if len(batch) == most:
                yield batch
                batch = []
    except csv.Error as error:
        raise FileError(codes.FOREIGN, f"no CSV: {error}", line=reader.line_num) from error
    if batch:
        yield batch


def _check_widths(batch: list[tuple[int, list[str]]], width: int) -> None:
    if {len(row) for _, row in batch} == {width}:
        return
    line, row = next((line, row) for line, row in batch if len(row) != width)
    raise FileError(codes.COLUMN, f"{len(row)} cells where the header has {width}", line=line)
