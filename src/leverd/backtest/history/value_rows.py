"""Values of one source that hold until the next: judged by line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from leverd.backtest.history import codes
from leverd.backtest.history.cells import Cells, Read, as_floats, as_scaled, as_wide
from leverd.backtest.history.description import (
    AnySeries,
    FundingSource,
    OracleSource,
    key_of,
)
from leverd.backtest.history.exact import Ints
from leverd.backtest.history.gaps import Gap
from leverd.backtest.history.keys import Kind
from leverd.backtest.history.order import check_order
from leverd.backtest.history.outliers import tell_outliers
from leverd.backtest.history.problems import Findings
from leverd.backtest.history.rows import Parser, Rows, Window, read_rows
from leverd.backtest.history.series import Series
from leverd.backtest.history.times import read_times
from leverd.backtest.history.words import span

_SCALED: Final = {"wad": 0, "one": 18, "wei": 0, "gwei": 9, "e8": 0, "usd": 8}
_WIDE: Final = {"ray": 0, "one": 27}
_FLOAT: Final = {"fraction": 0, "percent": 2, "ray": 27}
_PARSERS: Final[Mapping[Kind, tuple[Callable[[Cells, int], Read], Mapping[str, int]]]] = {
    Kind.RATE: (as_floats, _FLOAT),
    Kind.FUNDING: (as_floats, _FLOAT),
    Kind.INDEX: (as_wide, _WIDE),
    Kind.LST_RATE: (as_scaled, _SCALED),
    Kind.GAS: (as_scaled, _SCALED),
    Kind.ORACLE: (as_scaled, _SCALED),
}
"""What makes numbers of a kind's cells, and how many digits each unit is apart."""

_ABOVE_ZERO: Final = frozenset({Kind.INDEX, Kind.LST_RATE, Kind.ORACLE})
_RATES: Final = frozenset({Kind.RATE, Kind.FUNDING})
_SPIKES: Final = frozenset({Kind.LST_RATE, Kind.ORACLE})
_INTERVAL_H_MAX: Final = 168
_RATE_MAX: Final = 100.0
"""Ten thousand percent: more is another unit, or breaks the arithmetic that grows it."""


@dataclass(frozen=True, slots=True, eq=False)
class ValueRows:
    """One series, how many rows the file has of it, and what was held for long."""

    series: Series
    rows: int
    last_line: int
    longest: Gap  # the longest time a value is held, until the next row or the last bar's end
    gaps: tuple[Gap, ...]


def read_values(
    file: Path, source: AnySeries, window: Window, findings: Findings
) -> ValueRows | None:
    """Return the series of `source`; None if anything in `findings` forbids to use it."""
    rows = read_rows(file, source, _parsers(source), window, findings)
    if rows is None:
        return None
    check_order(rows, findings)
    _check_values(rows, source, findings)
    _check_beside(rows, source, findings)
    if findings.is_refused():
        return None
    series = _series(rows, source)
    _check_course(rows, series, source, findings)
    gaps = _gaps(rows, source, findings)
    if findings.is_refused():
        return None
    return ValueRows(series, len(rows), int(rows.lines[-1]), _longest(rows), gaps)


def held_until(part: ValueRows, source: AnySeries, until: int, findings: Findings) -> ValueRows:
    """Return `part` with its last value held until `until`, where the bars end, and judged so."""
    last = int(part.series.ts[-1])
    if last >= until:
        return part
    held = Gap(part.last_line, last, until)
    longest = max(part.longest, held, key=lambda each: each.seconds)
    if not _is_gap(held, source, findings):
        return replace(part, longest=longest)
    return replace(part, longest=longest, gaps=(*part.gaps, held))


def _parsers(source: AnySeries) -> dict[str, Parser]:
    parse, places = _PARSERS[Kind(source.kind)]
    digits = places[source.unit]
    parsers: dict[str, Parser] = {source.value: lambda cells: parse(cells, digits)}
    if isinstance(source, FundingSource) and source.interval_column is not None:
        parsers[source.interval_column] = as_floats
    if isinstance(source, OracleSource) and source.updated_at is not None:
        parsers[source.updated_at] = partial(_seconds, form=source.time_format)
    return parsers


def _seconds(cells: Cells, form: str) -> Read:
    times = read_times(cells, form)
    return Read(times.seconds, times.wrong)


def _check_values(rows: Rows, source: AnySeries, findings: Findings) -> None:
    values, kind = rows.values[source.value], Kind(source.kind)
    if kind in _RATES:
        far = np.abs(values) > _RATE_MAX
        said = f"{source.value} is beyond {_RATE_MAX * 100:,.0f} %: another unit?"
        findings.refuse_each(codes.CELL, rows.lines[far].tolist(), said)
    if kind is Kind.FUNDING:
        return
    if values.ndim > 1:
        low = (values[:, 0] == 0) & (values[:, 1] == 0)
    else:
        low = values <= 0 if kind in _ABOVE_ZERO else values < 0
    number = codes.PRICE if kind in _ABOVE_ZERO else codes.NEGATIVE
    said = "is not above zero" if kind in _ABOVE_ZERO else "is below zero"
    findings.refuse_each(number, rows.lines[low].tolist(), f"{source.value} {said}")


def _check_beside(rows: Rows, source: AnySeries, findings: Findings) -> None:
    """Check the columns that stand beside the value."""
    if isinstance(source, FundingSource) and source.interval_column is not None:
        hours = rows.values[source.interval_column]
        off = (hours < 1) | (hours > _INTERVAL_H_MAX) | (hours % 1 != 0)
        said = f"{source.interval_column} is not from 1 to {_INTERVAL_H_MAX} whole hours"
        findings.refuse_each(codes.CELL, rows.lines[off].tolist(), said)
    if isinstance(source, OracleSource) and source.updated_at is not None:
        ahead = rows.values[source.updated_at] > rows.ts
        said = f"{source.updated_at} is later than the time of the row"
        findings.refuse_each(codes.AHEAD, rows.lines[ahead].tolist(), said)


def _series(rows: Rows, source: AnySeries) -> Series:
    series = Series(key_of(source), rows.ts, rows.values[source.value])
    if isinstance(source, FundingSource):
        if source.interval_column is not None:
            hours = rows.values[source.interval_column].astype(np.int64)
            return replace(series, interval_h=hours)
        return replace(series, interval_h=np.full(len(rows), source.interval_h, dtype=np.int64))
    if isinstance(source, OracleSource):
        given = rows.values[source.updated_at] if source.updated_at else rows.ts
        return replace(series, updated_at=given)
    return series


def _check_course(rows: Rows, series: Series, source: AnySeries, findings: Findings) -> None:
    """Note indexes that fall, and values that neither side confirms."""
    kind = series.key.kind
    if kind is Kind.INDEX:
        falling = _falls(rows.values[source.value]) + 1
        said = f"{source.value} is below the row before: an index only rises"
        findings.refuse_each(codes.FALLING, rows.lines[falling].tolist(), said)
    if kind in _SPIKES:
        values = series.values
        tell_outliers((values, values, values, values), rows, source, source.value, findings)


def _falls(pairs: Ints) -> Ints:
    """Return the rows after which an index of pairs is lower."""
    high, low = np.diff(pairs[:, 0]), np.diff(pairs[:, 1])
    return np.flatnonzero((high < 0) | ((high == 0) & (low < 0)))


def _gaps(rows: Rows, source: AnySeries, findings: Findings) -> tuple[Gap, ...]:
    if source.gap_max is None:
        return ()
    long = np.flatnonzero(np.diff(rows.ts) > source.gap_max).tolist()
    gaps = (_held(rows, index) for index in long)
    return tuple(gap for gap in gaps if _is_gap(gap, source, findings))


def _is_gap(held: Gap, source: AnySeries, findings: Findings) -> bool:
    """Return whether a value is held for longer than it may be, and note it."""
    if source.gap_max is None or held.seconds <= source.gap_max:
        return False
    said = f"a value is held for longer than {span(source.gap_max)}: {held}"
    remedy = "" if source.fill == "hold" else "Say fill: hold if it may be."
    findings.judge(source.fill, codes.GAP, said, line=held.line, remedy=remedy)
    return True


def _longest(rows: Rows) -> Gap:
    if len(rows) == 1:
        return Gap(int(rows.lines[0]), int(rows.ts[0]), int(rows.ts[0]))
    return _held(rows, int(np.argmax(np.diff(rows.ts))))


def _held(rows: Rows, index: int) -> Gap:
    return Gap(int(rows.lines[index + 1]), int(rows.ts[index]), int(rows.ts[index + 1]))
