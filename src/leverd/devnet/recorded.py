"""Price paths from a file the owner names: CSV or parquet with a time and a price column."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from leverd.devnet.path import UNIT, PricePath
from leverd.errors import OwnerError

_MILLISECONDS_FROM: Final = 10**11  # a later second lies beyond the year 5000
_BAR: Final = ("open", "low", "high", "close")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns and rows of the file make the path."""

    time: str = "ts"
    price: str = "close"  # or `bar`: open, low, high and close of each bar, in that order
    where: Mapping[str, str] = field(default_factory=dict)  # rows to keep, by column
    since: int | None = None  # unix seconds
    until: int | None = None


def recorded(file: Path, columns: Columns) -> PricePath:
    """Return the path in `file`.

    Raises:
        OwnerError: it is not there, of another kind, lacks a column, or is no path.
    """
    if not file.is_file():
        raise OwnerError(f"no price path at {file}", number=46)
    rows = _parquet_rows(file, columns) if file.suffix == ".parquet" else _csv_rows(file)
    try:
        points = sorted(_points(rows, columns))
    except KeyError as error:
        raise OwnerError(f"{file} has no column {error}", number=47) from error
    except (ValueError, InvalidOperation, TypeError) as error:
        raise OwnerError(f"{file}: a time or price does not parse: {error}", number=48) from error
    return PricePath.of(points)


def _points(rows: Iterator[Mapping[str, Any]], columns: Columns) -> Iterator[tuple[int, int]]:
    kept: list[tuple[int, Mapping[str, Any]]] = []
    for row in rows:
        if any(str(row[name]) != value for name, value in columns.where.items()):
            continue
        at = _seconds(row[columns.time])
        if (columns.since or at) <= at <= (columns.until or at):
            kept.append((at, row))
    if columns.price != "bar":
        yield from ((at, _price(row[columns.price])) for at, row in kept)
        return
    kept.sort(key=lambda pair: pair[0])
    length = min((right[0] - left[0] for left, right in pairwise(kept)), default=4)
    for at, row in kept:
        for place, name in enumerate(_BAR):
            yield at + place * length // len(_BAR), _price(row[name])


def _price(value: Any) -> int:
    return int(Decimal(str(value)) * UNIT)


def _seconds(value: Any) -> int:
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    text = str(value).strip()
    if text.isdigit():
        number = int(text)
        return number // 1000 if number > _MILLISECONDS_FROM else number
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _csv_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    with file.open(newline="") as lines:
        yield from csv.DictReader(lines)


def _parquet_rows(file: Path, columns: Columns) -> Iterator[Mapping[str, Any]]:
    try:
        from pyarrow import parquet  # noqa: PLC0415 -- an extra, loaded only when used
    except ImportError as error:
        raise OwnerError(
            "reading parquet needs pyarrow", number=49, remedy="install leverd[data]"
        ) from error
    table = parquet.ParquetFile(file)
    wanted = {columns.time, *columns.where} | (
        set(_BAR) if columns.price == "bar" else {columns.price}
    )
    missing = wanted - set(table.schema_arrow.names)
    if missing:
        raise KeyError(min(missing))
    for batch in table.iter_batches(columns=sorted(wanted)):
        yield from batch.to_pylist()
