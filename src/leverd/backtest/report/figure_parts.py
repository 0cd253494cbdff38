"""What plots are made of: lines, levels, bands, axes, and numbers as Plotly reads them."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import numpy as np

from leverd.backtest.history.exact import Floats, Ints
from leverd.backtest.report.findings import Findings
from leverd.backtest.report.thinning import kept_rows
from leverd.backtest.report.wording import plain

_DIGITS: Final = 8  # significant, of a number in a plot

_ROOM: Final = 80
"""A time axis is longer by one part in this at either end."""


def label_of(text: str, most: int = 90) -> str:
    """Return a text that is safe in a page, and not too long."""
    clean = plain(text)
    return escape(clean if len(clean) <= most else f"{clean[: most - 1]}…")


def line_of(
    found: Findings,
    name: str,
    values: Floats,
    colour: str,
    *,
    width: float = 1.5,
    dash: str = "solid",
    visible: str | bool = True,
) -> dict[str, Any]:
    """Return a line over the rows of the curve that a plot can show."""
    rows = kept_rows(values)
    return {
        **bare_line(name, colour),
        "x": times_of(found.record.curve.ts[rows]),
        "y": numbers_of(values[rows]),
        "line": {"color": colour, "width": width, "dash": dash},
        "visible": visible,
    }


def bare_line(name: str, colour: str) -> dict[str, Any]:
    """Return a line without its points."""
    return {"type": "scatter", "mode": "lines", "name": name, "line": {"color": colour}}


def level_at(y: float, colour: str, *, dash: str = "dash") -> dict[str, Any]:
    """Return a level across the whole plot."""
    line = {"color": colour, "width": 1, "dash": dash}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": line}


def band_between(low: float, high: float) -> dict[str, Any]:
    """Return a shade across the whole plot."""
    return {
        "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": low, "y1": high,
        "fillcolor": "$band", "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def layout_of(found: Findings, unit: str) -> dict[str, Any]:
    """Return what all plots have in common; margins leave room for the numbers alone."""
    return {
        "xaxis": {
            "type": "date",
            "range": _span(found.record.curve.ts),
            "gridcolor": "$grid",
            "linecolor": "$grid",
            "zeroline": False,
            "automargin": True,
        },
        "yaxis": {
            "title": {"text": escape(unit), "standoff": 6},
            "gridcolor": "$grid",
            "zerolinecolor": "$grid",
            "automargin": True,
        },
        "hovermode": "closest",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "margin": {"l": 10, "r": 10, "t": 32, "b": 42},
    }


def _span(ts: Ints) -> list[int] | None:
    """Return where a time axis begins and ends: a little beyond the rows, for their marks."""
    if len(ts) < 2:  # noqa: PLR2004 -- one row has no span
        return None
    first, last = times_of(ts[[0, -1]])
    room = (last - first) // _ROOM
    return [first - room, last + room]


def times_of(ts: Ints) -> list[int]:
    """Return milliseconds, which Plotly takes for UTC."""
    return [int(at) * 1000 for at in ts.tolist()]


def numbers_of(values: Floats) -> list[float | None]:
    """Return numbers as a plot has them; what is not finite is a gap."""
    return [rounded(each) if np.isfinite(each) else None for each in values.tolist()]


def rounded(value: float) -> float:
    """Return a number with as many digits as a plot can show."""
    return float(f"{value:.{_DIGITS}g}")
