"""One run as one PNG, by matplotlib: it needs no browser, as Plotly's own export would.

The same record gives the same bytes with the same matplotlib.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leverd.backtest.history.codes import NO_LIBRARY
from leverd.backtest.history.exact import Floats
from leverd.backtest.report.acts import End
from leverd.backtest.report.figures import MARKS, OTHER, REVERTED, health_range, marked_acts
from leverd.backtest.report.files import written
from leverd.backtest.report.findings import Findings, findings_of
from leverd.backtest.report.metrics import drawdowns
from leverd.backtest.report.thinning import kept_rows
from leverd.backtest.report.wording import day, money, percent, plain, pnl_rows, ratio
from leverd.backtest.run_record import RunRecord
from leverd.errors import DataError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK: Final = "#1a2130"
_SOFT: Final = "#5b6577"
_GRID: Final = "#e3e7ee"
_EQUITY: Final = "#2457d6"
_HELD: Final = "#8a94a6"
_RAISE: Final = "#0d8a5f"
_LOWER: Final = "#b7791f"
_DANGER: Final = "#c8303f"
_COLOURS: Final = {"$raise": _RAISE, "$lower": _LOWER, "$danger": _DANGER, "$muted": _HELD}
_SYMBOLS: Final = {
    "triangle-up": "^",
    "triangle-up-open": "^",
    "triangle-down": "v",
    "triangle-down-open": "v",
    "square": "s",
    "circle-open": "o",
    "diamond-open": "D",
    "x": "X",
    "x-thin-open": "x",
}
"""matplotlib's marks for the page's, by Plotly's names."""

_STYLE: Final[dict[Any, Any]] = {
    "font.family": "DejaVu Sans", "font.size": 9, "text.color": _INK, "axes.labelcolor": _SOFT,
    "axes.edgecolor": _GRID, "xtick.color": _SOFT, "ytick.color": _SOFT, "axes.grid": True,
    "grid.color": _GRID, "grid.linewidth": 0.8, "axes.axisbelow": True, "axes.spines.top": False,
    "axes.spines.right": False, "text.parse_math": False, "axes.titlesize": 11,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "legend.frameon": False,
}  # fmt: skip


def write_picture(record: RunRecord, path: Path) -> None:
    """Write the plots of `record` as a PNG to `path`, whole or not at all.

    Raises:
        OwnerError: nothing was marked yet, or the file cannot be written.
        ImpossibleError: the P&L does not add up (33).
        DataError: matplotlib is not installed (26).
    """
    written(path, picture_of(record))


def picture_of(record: RunRecord) -> bytes:
    """Return the PNG; raises as `write_picture` does."""
    found = findings_of(record)
    try:
        import matplotlib as mpl  # noqa: PLC0415 -- an extra, and only for pictures
        from matplotlib.figure import Figure  # noqa: PLC0415 -- as above
    except ImportError as error:
        raise DataError(
            "the picture needs matplotlib, which is not installed",
            number=NO_LIBRARY,
            remedy="pip install 'leverd[report]'",
        ) from error
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(11, 14), dpi=130, layout="constrained", facecolor="#ffffff")
        rows = figure.subplots(5, 1, height_ratios=[3, 2, 2, 1.4, 2])
        figure.suptitle(_title(found), x=0.02, ha="left", fontsize=12, linespacing=1.5)
        _equity(rows[0], found)
        _leverage(rows[1], found)
        _health(rows[2], found)
        _drawdown(rows[3], found)
        _waterfall(rows[4], found)
        _one_time(rows[:4])
        content = BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _one_time(rows: Sequence[Axes]) -> None:
    """Give `rows` one time axis, told below the last of them."""
    from matplotlib import dates  # noqa: PLC0415 -- an extra, and only for pictures

    ticks = dates.AutoDateLocator(maxticks=9, tz=UTC)  # type: ignore[no-untyped-call]  # matplotlib's
    words = dates.ConciseDateFormatter(ticks, tz=UTC)  # type: ignore[no-untyped-call]  # as above
    rows[0].xaxis.set_major_locator(ticks)
    rows[0].xaxis.set_major_formatter(words)
    for each in rows[1:]:
        each.sharex(rows[0])
    for each in rows[:-1]:
        each.tick_params(labelbottom=False)
        each.xaxis.get_offset_text().set_visible(False)


def _title(found: Findings) -> str:
    record, metrics, ts = found.record, found.metrics, found.record.curve.ts
    span = f"{day(int(ts[0]))} to {day(int(ts[-1]))} UTC" if len(ts) else "no row"
    fall = percent(-metrics.drawdown.depth if metrics.drawdown else 0.0)
    health = "none owed" if metrics.lowest is None else ratio(metrics.lowest.health, 3)
    return (
        f"{plain(record.mandate.position_id)} · {plain(record.mode)} · {span}\n"
        f"return {percent(metrics.total_return)} (held {percent(found.held_return)}),"
        f" max drawdown {fall}, lowest health {health}, Sharpe {ratio(metrics.sharpe)}"
    )


def _equity(axes: Axes, found: Findings) -> None:
    symbol = plain(found.share_class.symbol)
    _line(axes, found, found.record.curve.holding, _HELD, label="held, never levered", ls=":")
    _line(axes, found, found.record.curve.equity, _EQUITY, label="equity", lw=1.6)
    axes.set_title(f"Equity against holding, {symbol}")
    axes.legend(loc="best")


def _leverage(axes: Axes, found: Findings) -> None:
    band = found.record.band
    if band.leverage_low is not None and band.leverage_high is not None:
        axes.axhspan(float(band.leverage_low), float(band.leverage_high), color=_EQUITY, alpha=0.08)
    _line(axes, found, found.record.curve.leverage, _EQUITY)
    _marks(axes, found)
    axes.set_title("Leverage and every action")


def _health(axes: Axes, found: Findings) -> None:
    curve, trigger = found.record.curve, found.record.band.health_trigger
    _line(axes, found, curve.health_low, _HELD, lw=0.8)
    _line(axes, found, curve.health, _EQUITY)
    axes.set_ylim(*health_range(curve.health_low, curve.health))
    axes.axhline(1.0, color=_DANGER, lw=1)
    if trigger is not None:
        axes.axhline(float(trigger), color=_DANGER, lw=1, ls="--")
    axes.set_title("Health; liquidated below 1")


def _drawdown(axes: Axes, found: Findings) -> None:
    fallen = drawdowns(found.record.curve) * 100
    rows = kept_rows(fallen)
    axes.fill_between(_times(found, rows), fallen[rows], color=_DANGER, alpha=0.15, lw=0)
    _line(axes, found, fallen, _DANGER, lw=0.8)
    axes.set_title("Drawdown of a unit, %")


def _waterfall(axes: Axes, found: Findings) -> None:
    names: list[str] = []
    below = 0.0
    for name, raw in [*pnl_rows(found.books), ("P&L", found.books.total)]:
        height = float(found.whole(raw))
        start = 0.0 if name == "P&L" else below
        colour = _EQUITY if name == "P&L" else _RAISE if raw > 0 else _DANGER
        axes.bar(len(names), height, bottom=start, color=colour, width=0.7)
        label = money(found.whole(raw), found.share_class, sign=True)
        top = max(start, start + height)
        axes.annotate(
            label, (len(names), top), xytext=(0, 3), textcoords="offset points", ha="center",
            fontsize=8,
        )  # fmt: skip
        below += height
        names.append(name)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(visible=False, axis="x")
    low, high = axes.get_ylim()
    axes.set_ylim(low if low == 0 else low - 0.05 * (high - low), high + 0.15 * (high - low))
    axes.axhline(0, color=_GRID, lw=1)
    axes.set_title(f"Where the P&L came from, {plain(found.share_class.symbol)}")


def _line(
    axes: Axes,
    found: Findings,
    values: Floats,
    colour: str,
    *,
    label: str | None = None,
    lw: float = 1.2,
    ls: str = "-",
) -> None:
    rows = kept_rows(values)
    shown = np.where(np.isfinite(values[rows]), values[rows], np.nan)
    axes.plot(_times(found, rows), shown, color=colour, label=label, lw=lw, ls=ls)


def _times(found: Findings, rows: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.datetime64]:
    return found.record.curve.ts[rows].astype("datetime64[s]")


def _marks(axes: Axes, found: Findings) -> None:
    for act in marked_acts(found.acts):
        standing = act.after or act.before
        if standing is None or standing.leverage is None:
            continue
        mark, colour = MARKS.get(act.purpose, OTHER)
        mark, colour = REVERTED if act.end is End.REVERTED else (mark, colour)
        place = np.datetime64(act.at, "s"), float(standing.leverage)
        axes.plot(*place, _SYMBOLS[mark], color=_COLOURS[colour], ms=6)
