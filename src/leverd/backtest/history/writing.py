"""A history as files that read back as the same: one a key, and the description of them."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import yaml

from leverd.backtest.history import codes
from leverd.backtest.history.exact import Ints, narrowed
from leverd.backtest.history.history import History
from leverd.backtest.history.keys import BarsKey, Kind, SeriesKey
from leverd.backtest.history.parquet_file import pyarrow
from leverd.backtest.history.series import WIDES, Series
from leverd.errors import DataError

_UNITS: Final = {
    Kind.RATE: "fraction",
    Kind.INDEX: "ray",
    Kind.LST_RATE: "wad",
    Kind.FUNDING: "fraction",
    Kind.GAS: "wei",
    Kind.ORACLE: "e8",
}
_TIMES: Final = frozenset({"ts", "updated_at"})
_RAW_DIGITS: Final = 38  # of a decimal in parquet


def write_history(
    history: History, folder: Path, form: Literal["csv", "parquet"] = "parquet"
) -> Path:
    """Write `history` into `folder` and return its description, which loads as the same again.

    Raises:
        DataError: a file is there already, or cannot be written.
    """
    sources: dict[str, dict[str, object]] = {}
    fill = "drop" if np.any(np.diff(history.ts) != history.bar_s) else "refuse"
    for index, (key, bars) in enumerate(history.bars.items()):
        name = _name(index, f"bars {key.venue} {key.asset}")
        columns: dict[str, Sequence[Any]] = {
            "open": bars.open.tolist(),
            "high": bars.high.tolist(),
            "low": bars.low.tolist(),
            "close": bars.close.tolist(),
        }
        write_columns(folder / f"{name}.{form}", history.ts, columns)
        sources[name] = {**_said(key), "unit": "e8", "fill": fill, **_where(name, form)}
    for index, (series_key, series) in enumerate(history.series.items(), len(history.bars)):
        name = _name(index, str(series_key))
        write_columns(folder / f"{name}.{form}", series.ts, _columns(series))
        sources[name] = {**_said_of(series), **_where(name, form)}
    return _described(history.bar_s, sources, folder / "history.yaml")


def write_columns(file: Path, ts: Ints, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write a new file of times and columns, whole or not at all; ints stay exact.

    Raises:
        DataError: one is there already, or it cannot be written.
    """
    if file.exists():
        raise not_written(file, "a file is there already, and is not overwritten")
    partial = file.with_name(f".{file.name}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".parquet":
            _parquet(partial, ts, columns)
        else:
            _csv(partial, ts, columns)
        _settle(partial)
        partial.replace(file)
    except OSError as error:
        raise not_written(file, f"cannot be written: {error.strerror}") from error


def _settle(file: Path) -> None:
    """Have what is written survive a power cut."""
    with file.open("rb") as written:
        os.fsync(written.fileno())


def not_written(file: Path, reason: str) -> DataError:
    """Return the error for a file that was not written."""
    return DataError(
        reason, number=codes.NOT_WRITTEN, place=str(file), remedy="name another file or folder"
    )


def _csv(file: Path, ts: Ints, columns: Mapping[str, Sequence[Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(["ts", *columns])
        writer.writerows(_rows(ts, columns))


def _rows(ts: Ints, columns: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, ...]]:
    for row in zip(ts.tolist(), *columns.values(), strict=True):
        yield tuple(repr(cell) if isinstance(cell, float) else str(cell) for cell in row)


def _parquet(file: Path, ts: Ints, columns: Mapping[str, Sequence[Any]]) -> None:
    arrow = pyarrow()
    table = arrow.table(
        {
            name: arrow.array(cells, arrow.int64()).cast(arrow.timestamp("s", tz="UTC"))
            if name in _TIMES
            else _typed(arrow, cells)
            for name, cells in {"ts": ts.tolist(), **columns}.items()
        }
    )
    arrow.parquet.write_table(table, file, compression="zstd")


def _typed(arrow: Any, cells: Sequence[Any]) -> Any:
    if cells and isinstance(cells[0], float):
        return arrow.array(cells, arrow.float64())
    try:
        return arrow.array(cells, arrow.int64())
    except OverflowError:
        return arrow.array([str(cell) for cell in cells]).cast(arrow.decimal128(_RAW_DIGITS, 0))


def _columns(series: Series) -> dict[str, Sequence[Any]]:
    wide = series.key.kind in WIDES
    values = [narrowed(pair) for pair in series.values] if wide else series.values.tolist()
    columns: dict[str, Sequence[Any]] = {"value": values}
    if series.interval_h is not None:
        columns["interval_h"] = series.interval_h.tolist()
    if series.updated_at is not None:
        columns["updated_at"] = series.updated_at.tolist()
    return columns


def _said(key: BarsKey) -> dict[str, object]:
    return {"kind": "bars", "venue": key.venue, "asset": key.asset}


def _said_of(series: Series) -> dict[str, object]:
    key: SeriesKey = series.key
    said: dict[str, object] = {"kind": key.kind.value, "venue": key.venue}
    said |= {"asset": key.asset} if key.asset else {}
    said |= {"side": key.side.value} if key.side else {}
    said |= {"value": "value", "unit": _UNITS[key.kind]}
    said |= {"interval_column": "interval_h"} if series.interval_h is not None else {}
    said |= {"updated_at": "updated_at"} if series.updated_at is not None else {}
    return said


def _where(name: str, form: str) -> dict[str, object]:
    return {
        "file": f"{name}.{form}",
        "time": "ts",
        "time_format": "unix_s" if form == "csv" else "timestamp",
    }


def _name(index: int, words: str) -> str:
    return f"{index:02d}-{re.sub(r'[^A-Za-z0-9.]+', '-', words)}"


def _described(bar_s: int, sources: Mapping[str, object], file: Path) -> Path:
    text = yaml.safe_dump({"bar": f"{bar_s}s", "sources": dict(sources)}, sort_keys=False)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise not_written(file, "a file is there already, and is not overwritten") from None
    except OSError as error:
        raise not_written(file, f"cannot be written: {error.strerror}") from error
    return file
