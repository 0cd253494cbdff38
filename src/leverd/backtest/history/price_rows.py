"""Bars of one source: judged by line, and put on their grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history import codes
from leverd.backtest.history.cells import as_scaled
from leverd.backtest.history.description import BarsSource
from leverd.backtest.history.exact import E8, Ints
from leverd.backtest.history.gaps import Gap
from leverd.backtest.history.history import Bars
from leverd.backtest.history.order import check_order
from leverd.backtest.history.outliers import tell_outliers
from leverd.backtest.history.problems import Findings
from leverd.backtest.history.rows import Rows, Window, read_rows
from leverd.backtest.history.words import moment, span

BARS_MAX: Final = 20_000_000
_DIGITS: Final = {"usd": E8, "e8": 0}
_SAID: Final = {
    "refuse": "missing",
    "hold": "missing, held at the close before",
    "drop": "missing, left out",
}


@dataclass(frozen=True, slots=True, eq=False)
class PriceRows:
    """One asset's bars, and what was missing."""

    ts: Ints
    bars: Bars
    rows: int  # in the file
    held: int  # bars that were filled
    gaps: tuple[Gap, ...]


def read_prices(
    file: Path, source: BarsSource, bar_s: int, window: Window, findings: Findings
) -> PriceRows | None:
    """Return the bars of `source`; None if anything in `findings` forbids to use them."""
    parse = partial(as_scaled, digits=_DIGITS[source.unit])
    rows = read_rows(file, source, dict.fromkeys(source.prices, parse), window, findings)
    if rows is None:
        return None
    _check_grid(rows, bar_s, findings)
    check_order(rows, findings)
    _check_prices(rows, source, findings)
    if findings.is_refused():
        return None
    columns = _columns(rows, source)
    tell_outliers(columns, rows, source, "a low or high of this bar", findings)
    gaps = _gaps(rows, bar_s, source, findings)
    if findings.is_refused():
        return None
    return _filled(rows, source, bar_s, gaps, findings)


def _check_grid(rows: Rows, bar_s: int, findings: Findings) -> None:
    off = (rows.ts % bar_s != 0) | ~rows.whole
    for index in np.flatnonzero(off).tolist():
        at = moment(int(rows.ts[index]))
        findings.refuse(
            codes.MISALIGNED,
            f"{at} is no multiple of {span(bar_s)}",
            line=int(rows.lines[index]),
            remedy="Bars carry the time they open." if not np.any(~off) else "",
        )


def _check_prices(rows: Rows, source: BarsSource, findings: Findings) -> None:
    good = np.ones(len(rows), dtype=np.bool_)
    for name in source.prices:
        wrong = rows.values[name] <= 0
        good &= ~wrong
        findings.refuse_each(codes.PRICE, rows.lines[wrong].tolist(), f"{name} is not above zero")
    opened, high, low, close = _columns(rows, source)
    lines = rows.lines
    _shape(good & (high < low), lines, "high is below low", findings)
    good &= high >= low
    for name, each in ((source.open, opened), (source.close, close)):
        out = good & ((each < low) | (each > high))
        _shape(out, lines, f"{name} is outside of low and high", findings)


def _shape(mask: NDArray[np.bool_], lines: Ints, said: str, findings: Findings) -> None:
    findings.refuse_each(codes.SHAPE, lines[mask].tolist(), said)


def _gaps(rows: Rows, bar_s: int, source: BarsSource, findings: Findings) -> tuple[Gap, ...]:
    """Return the holes between the bars; refused unless the source says how they are filled."""
    steps = np.diff(rows.ts)
    gaps = tuple(
        Gap(
            int(rows.lines[index + 1]),
            int(rows.ts[index]) + bar_s,
            int(rows.ts[index + 1]),
            int(steps[index]) // bar_s - 1,
        )
        for index in np.flatnonzero(steps > bar_s).tolist()
    )
    for gap in gaps:
        said = f"bars {_SAID[source.fill]}: {gap.bars}, {gap}"
        findings.judge(source.fill, codes.GAP, said, line=gap.line)
    if gaps and source.fill == "refuse":
        total = span(sum(gap.seconds for gap in gaps))
        findings.sum_up(
            codes.GAP,
            f"gaps: {len(gaps)}, {total} in all",
            remedy="Say fill: hold (at the close before) or fill: drop (leave them out).",
        )
    return gaps


def _filled(
    rows: Rows, source: BarsSource, bar_s: int, gaps: tuple[Gap, ...], findings: Findings
) -> PriceRows | None:
    columns = _columns(rows, source)
    if source.fill != "hold" or not gaps:
        return PriceRows(rows.ts, Bars(*columns), len(rows), 0, gaps)
    count = (int(rows.ts[-1]) - int(rows.ts[0])) // bar_s + 1
    if count > BARS_MAX:
        findings.refuse(codes.TOO_MANY, f"{count} bars with those that are held: over {BARS_MAX}")
        return None
    grid: Ints = np.arange(rows.ts[0], rows.ts[-1] + bar_s, bar_s, dtype=np.int64)
    at = np.searchsorted(rows.ts, grid, side="right") - 1
    held = rows.ts[at] != grid
    close = columns[3][at]
    filled = Bars(*(np.where(held, close, each[at]) for each in columns))
    return PriceRows(grid, filled, len(rows), int(held.sum()), gaps)


def _columns(rows: Rows, source: BarsSource) -> tuple[Ints, Ints, Ints, Ints]:
    opened, high, low, close = (rows.values[name] for name in source.prices)
    return opened, high, low, close
