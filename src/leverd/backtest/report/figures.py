"""The plots as Plotly reads them: plain mappings, with colours by name for the page's theme.

Colours are words like "$held"; the page puts those of its light or dark theme there. Nothing
here draws: plotly.js does, in the reader's browser.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.report.acts import Act, End
from leverd.backtest.report.books import attribution_of
from leverd.backtest.report.figure_parts import (
    band_between,
    bare_line,
    label_of,
    layout_of,
    level_at,
    line_of,
    numbers_of,
    rounded,
    times_of,
)
from leverd.backtest.report.findings import Findings
from leverd.backtest.report.metrics import drawdowns
from leverd.backtest.report.thinning import kept_rows
from leverd.backtest.report.wording import (
    COSTS,
    LINES,
    day,
    money,
    plain,
    pnl_rows,
    standing_words,
)
from leverd.execution.reconcile import LIQUIDATION

MARKS_MAX: Final = 1_500
"""The most actions that are marked in one plot; a browser draws each by itself."""

MARKS: Final = {
    "open": ("triangle-up", "$raise"),
    "boost": ("triangle-up-open", "$raise"),
    "reduce": ("triangle-down-open", "$lower"),
    "deleverage": ("triangle-down", "$danger"),
    "unwind": ("square", "$lower"),
    "tidy": ("circle-open", "$muted"),
    LIQUIDATION: ("x", "$danger"),
}
"""The mark of each purpose, and its colour by name."""

OTHER: Final = ("diamond-open", "$muted")
REVERTED: Final = ("x-thin-open", "$danger")
_READABLE: Final = 9  # points: numbers that a telephone would draw smaller are left out
_GRAVE: Final = frozenset({"deleverage", "unwind", LIQUIDATION})


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot: what Plotly is given, and what a person reads above it."""

    name: str  # of its element
    title: str
    caption: str
    traces: list[dict[str, Any]]
    layout: dict[str, Any]
    in_time: bool = True  # zooms together with the others


def plots_of(found: Findings) -> tuple[Plot, ...]:
    """Return every plot of a report, in reading order."""
    plots = [_equity(found), _leverage(found), _health(found), _price(found), _drawdown(found)]
    return (*plots, _waterfall(found), _costs(found))


def marked_acts(acts: Sequence[Act], most: int = MARKS_MAX) -> tuple[Act, ...]:
    """Return the acts to mark: all that did or tried something, or the gravest and some others."""
    tried = [act for act in acts if act.mined or act.end is End.REVERTED]
    if len(tried) <= most:
        return tuple(tried)
    grave = [act for act in tried if act.purpose in _GRAVE or act.end is End.REVERTED]
    others = [act for act in tried if not (act.purpose in _GRAVE or act.end is End.REVERTED)]
    chosen = _evenly(grave, most)
    chosen += _evenly(others, most - len(chosen))
    return tuple(sorted(chosen, key=lambda act: act.seq))


def _evenly(acts: list[Act], most: int) -> list[Act]:
    if len(acts) <= most:
        return acts
    return [acts[index * len(acts) // most] for index in range(most)]


def _equity(found: Findings) -> Plot:
    curve, symbol = found.record.curve, plain(found.share_class.symbol)
    net = curve.unit * (curve.equity[0] if len(curve) else 1.0)
    traces = [
        line_of(found, "Held, never levered", curve.holding, "$held", dash="dot"),
        line_of(found, "Equity", curve.equity, "$equity", width=2),
        line_of(found, "Gas paid, flows apart", net, "$muted", width=1, visible="legendonly"),
    ]
    asset = plain(found.record.mandate.collateral.symbol)
    caption = (
        f"In {symbol}, at the lending venue's oracle prices. Held is the same money in {asset}."
        " Gas is paid by the signing key, outside of equity; the third line has it paid."
    )
    layout = {**layout_of(found, symbol), "hovermode": "x unified"}
    return Plot("equity", "Equity against holding", caption, traces, layout)


def _leverage(found: Findings) -> Plot:
    curve, band = found.record.curve, found.record.band
    traces = [line_of(found, "Leverage", curve.leverage, "$equity", width=1.5)]
    traces += _marks(found, "leverage")
    shapes = []
    if band.leverage_low is not None and band.leverage_high is not None:
        shapes.append(band_between(float(band.leverage_low), float(band.leverage_high)))
    if band.leverage_target is not None:
        shapes.append(level_at(float(band.leverage_target), "$held"))
    caption = "Exposure over equity; the band in which the agents leave it alone is shaded."
    layout = {**layout_of(found, "leverage"), "shapes": shapes}
    return Plot("leverage", "Leverage and every action", caption, traces, layout)


def _health(found: Findings) -> Plot:
    curve, trigger = found.record.curve, found.record.band.health_trigger
    traces = [
        line_of(found, "Lowest since the point before", curve.health_low, "$held", width=1),
        line_of(found, "Health", curve.health, "$equity", width=1.5),
    ]
    traces += _marks(found, "health")
    shapes = [level_at(1.0, "$danger", dash="solid")]
    if trigger is not None:
        shapes.append(level_at(float(trigger), "$danger"))
    layout = {**layout_of(found, "health factor"), "shapes": shapes}
    layout["yaxis"] = {**layout["yaxis"], "range": health_range(curve.health_low, curve.health)}
    caption = "Liquidated below 1. Where nothing is owed there is no health, and a gap."
    if trigger is not None:
        caption += f" The guardian acts below {float(trigger):g}, dashed."
    return Plot("health", "Health", caption, traces, layout)


def health_range(low: Floats, health: Floats) -> list[float]:
    """Return where the axis ends: what is far from danger needs no room."""
    finite = health[np.isfinite(health)]
    lowest = low[np.isfinite(low)]
    if not len(finite) or not len(lowest):
        return [0.9, 2.0]
    top = float(min(np.quantile(finite, 0.99), 3.0))
    bottom = float(min(lowest.min(), 1.0))
    return [rounded(bottom - 0.05), rounded(max(top, bottom + 0.3) + 0.1)]


def _price(found: Findings) -> Plot:
    mandate = found.record.mandate
    traces = [line_of(found, "Price", found.record.curve.price, "$held", width=1.5)]
    traces += _marks(found, "price")
    caption = "The lending venue's own price of what the position bets on."
    name = plain(f"{mandate.collateral.symbol}/{mandate.debt.symbol}")
    return Plot("price", "Oracle price", caption, traces, layout_of(found, name))


def _drawdown(found: Findings) -> Plot:
    line = line_of(found, "Drawdown", drawdowns(found.record.curve), "$danger", width=1)
    traces = [{**line, "fill": "tozeroy", "fillcolor": "$danger_soft"}]
    layout = layout_of(found, "")
    layout["yaxis"] = {**layout["yaxis"], "tickformat": ".4~%"}  # a fall of a hundredth has ticks
    layout["hovermode"] = "x unified"
    caption = "How far a unit is below its best so far."
    return Plot("drawdown", "Drawdown", caption, traces, layout)


def _waterfall(found: Findings) -> Plot:
    books, share = found.books, found.share_class
    lines = pnl_rows(books)
    names = [*(name for name, _ in lines), "P&L"]
    raws = [*(raw for _, raw in lines), books.total]
    trace = {
        "type": "waterfall",
        "x": names,
        "y": [rounded(float(found.whole(raw))) for raw in raws],
        "measure": ["relative"] * len(lines) + ["total"],
        "text": [escape(money(found.whole(raw), share, sign=True)) for raw in raws],
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "x+text",
        "increasing": {"marker": {"color": "$raise"}},
        "decreasing": {"marker": {"color": "$danger"}},
        "totals": {"marker": {"color": "$equity"}},
        "connector": {"line": {"color": "$grid", "width": 1}},
    }
    layout = layout_of(found, plain(share.symbol))
    layout["xaxis"] = {"type": "category", "fixedrange": True, "automargin": True}
    layout["yaxis"] = {**layout["yaxis"], "fixedrange": True}
    layout["hovermode"] = "closest"
    layout["showlegend"] = False
    layout["uniformtext"] = {"minsize": _READABLE, "mode": "hide"}  # the money's table has them
    caption = (
        "Each line is reckoned by itself, from balances, indexes, prices and fills; only"
        " rounding balances, by at most a unit of each leg and event."
    )
    return Plot("pnl", "Where the P&L came from", caption, [trace], layout, in_time=False)


def _costs(found: Findings) -> Plot:
    marks = found.books.marks
    lines = [attribution_of(mark).lines for mark in marks]
    ts = np.array([mark.snapshot.at for mark in marks], dtype=np.int64)
    traces = []
    for name, colour in zip(COSTS, ("$c1", "$c2", "$c3", "$c4", "$danger"), strict=True):
        raws = np.array([float(found.whole(-line[name])) for line in lines])
        if raws.any():
            rows = kept_rows(np.cumsum(raws))
            traces.append(
                {
                    **bare_line(LINES[name], colour),
                    "x": times_of(ts[rows]),
                    "y": numbers_of(np.cumsum(raws)[rows]),
                    "line": {"color": colour, "width": 1.5, "shape": "hv"},
                }
            )
    caption = "What it cost up to each moment, by the journal's marks."
    layout = {**layout_of(found, plain(found.share_class.symbol)), "hovermode": "x unified"}
    return Plot("costs", "Costs, added up", caption, traces, layout)


def _marks(found: Findings, of: str) -> Iterator[dict[str, Any]]:
    """Yield a trace for each purpose: where it ended, or where it stood if it did nothing."""
    groups: dict[str, list[Act]] = {}
    for act in marked_acts(found.acts):
        reverted = act.end is End.REVERTED
        groups.setdefault("reverted" if reverted else act.purpose, []).append(act)
    for purpose, acts in sorted(groups.items(), key=lambda group: _rank(group[0])):
        symbol, colour = REVERTED if purpose == "reverted" else MARKS.get(purpose, OTHER)
        yield {
            "type": "scatter",
            "mode": "markers",
            "name": escape(plain(purpose)),
            "legendgroup": escape(plain(purpose)),
            "x": times_of(np.array([act.at for act in acts], dtype=np.int64)),
            "y": [_height(act, of) for act in acts],
            "text": [_hover(found, act) for act in acts],
            "hovertemplate": "%{text}<extra></extra>",
            "cliponaxis": False,
            "marker": {
                "symbol": symbol,
                "size": 10,
                "color": colour,
                "line": {"width": 1.5, "color": colour},
            },
        }


def _rank(purpose: str) -> tuple[int, str]:
    names = list(MARKS)
    return (names.index(purpose) if purpose in MARKS else len(names), purpose)


def _height(act: Act, of: str) -> float | None:
    standing = act.after or act.before
    value = getattr(standing, of) if standing is not None else None
    return None if value is None else rounded(float(value))


def _hover(found: Findings, act: Act) -> str:
    before, after = standing_words(act.before), standing_words(act.after)
    lines = [
        f"<b>{label_of(act.purpose)}</b> {day(act.at)}",
        *(label_of(step) for step in act.steps[:6]),
    ]
    lines.append(f"leverage {before[0]} → {after[0]}, health {before[1]} → {after[1]}")
    cost = -sum(act.lines.get(line, 0) for line in ("swap_fees", "price_impact", "gas"))
    if cost:
        lines.append(f"cost {label_of(money(found.whole(cost), found.share_class))}")
    if act.reason:
        who = f"{label_of(act.agent)}: " if act.agent else ""
        lines.append(f"<i>{who}{label_of(act.reason, 160)}</i>")
    if act.note:
        lines.append(f"{act.end.value}: {label_of(act.note, 160)}")
    return "<br>".join(lines)
