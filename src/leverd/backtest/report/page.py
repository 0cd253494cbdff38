"""One run as one HTML file that needs nothing else: no network, no folder beside it.

plotly.js stands in it whole, from the installed plotly. The page's own policy lets no other
script run and nothing be fetched, so that a name or reason from outside could do nothing even
if it were not escaped. The same record gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from leverd.backtest.history.codes import NO_LIBRARY
from leverd.backtest.report import tables
from leverd.backtest.report.figures import MARKS_MAX, Plot, marked_acts, plots_of
from leverd.backtest.report.files import written
from leverd.backtest.report.findings import Findings, findings_of
from leverd.backtest.report.tables import safe
from leverd.backtest.report.thinning import POINTS_MAX
from leverd.backtest.run_record import RunRecord
from leverd.errors import DataError

_HERE: Final = Path(__file__).parent
_TALL: Final = frozenset({"equity", "leverage"})


def write_page(record: RunRecord, path: Path) -> None:
    """Write the page of `record` to `path`, whole or not at all.

    Raises:
        OwnerError: nothing was marked yet, or the file cannot be written.
        ImpossibleError: the P&L does not add up (33).
        DataError: plotly is not installed (26).
    """
    written(path, page_of(record).encode())


def page_of(record: RunRecord) -> str:
    """Return the page of `record`; raises as `write_page` does."""
    found = findings_of(record)
    plots = plots_of(found)
    scripts = (_plotly_js(), (_HERE / "page.js").read_text("utf-8"))
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"
    )
    title = safe(f"{record.mandate.position_id} · {record.mode}")
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{title} · leverd</title>",
            f"<style>\n{(_HERE / 'page.css').read_text('utf-8')}</style>\n</head>\n<body>\n<main>",
            *_body(found, plots),
            "</main>",
            f'<script type="application/json" id="plots">{_data(plots)}</script>',
            *(f"<script>{script}</script>" for script in scripts),
            "</body>\n</html>\n",
        ]
    )


def _body(found: Findings, plots: tuple[Plot, ...]) -> Iterator[str]:
    record, mandate = found.record, found.record.mandate
    pair = f"{mandate.collateral.symbol} against {mandate.debt.symbol}"
    yield (
        f"<header><div><h1>{safe(mandate.position_id)}</h1>"
        f'<p class="soft">{safe(pair)}, {safe(record.mode)}, counted in '
        f"{safe(mandate.share_class.symbol)}<br>{safe(tables.span_words(found))}</p></div>"
        '<button id="theme" type="button">light / dark</button></header>'
    )
    yield tables.heads(found)
    yield "<noscript><section>The plots need JavaScript; the tables do not.</section></noscript>"
    for plot in plots:
        yield _plot(plot)
        if plot.name == "pnl":
            yield _section(
                "The money", "To the unit; hover for all digits.", tables.money_table(found)
            )
    yield _section("Figures", _conventions(), tables.figures_table(found))
    yield _section("Every action, and why", _act_words(found), tables.acts_table(found))
    if found.notes:
        yield _section("What else was said", "Refusals, orders, alerts, states.", _folded(found))
    yield _section("What this was made from", _thinned(found), _origin(record))
    yield "<footer>Made by leverd. A past is no promise.</footer>"


def _plot(plot: Plot) -> str:
    kind = "plot tall" if plot.name in _TALL else "plot"
    return _section(plot.title, plot.caption, f'<div class="{kind}" id="{plot.name}"></div>')


def _section(title: str, caption: str, body: str) -> str:
    return (
        f'<section><h2>{safe(title)}</h2><p class="soft small">{safe(caption)}</p>{body}</section>'
    )


def _conventions() -> str:
    return (
        "Of the price of a unit, so money brought or taken does not bend them. Annualised from"
        " daily returns and years of 365 days; what cannot be told is left empty."
    )


def _act_words(found: Findings) -> str:
    marked = len(marked_acts(found.acts))
    tried = sum(act.mined or bool(act.gas) for act in found.acts)
    few = f" The plots mark {marked:,d} of them, the gravest first." if tried > MARKS_MAX else ""
    return f"Plans that the gate let through, and what others did to the position.{few}"


def _folded(found: Findings) -> str:
    count = f"{len(found.notes):,d}"
    return f"<details><summary>{count} lines</summary>{tables.notes_table(found.notes)}</details>"


def _thinned(found: Findings) -> str:
    rows = len(found.record.curve)
    if rows <= POINTS_MAX:
        return f"The plots draw every one of the curve's {rows:,d} rows."
    return (
        f"The plots draw about {POINTS_MAX:,d} of the curve's {rows:,d} rows: the first, lowest,"
        " highest and last of each stretch, so every peak and trough is there. Figures are"
        " reckoned from all rows."
    )


def _origin(record: RunRecord) -> str:
    hashes = [
        ("settings", record.settings_hash or "unknown"),
        ("data (SHA-256)", record.data_digest or "a live journal"),
    ]
    models = tables.pairs(record.models.items()) if record.models else ""
    return tables.pairs(hashes, code=True) + models


def _data(plots: tuple[Plot, ...]) -> str:
    """Return the plots as JSON that cannot end the element it stands in."""
    drawn = [
        {"name": each.name, "traces": each.traces, "layout": each.layout, "in_time": each.in_time}
        for each in plots
    ]
    text = json.dumps(drawn, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _plotly_js() -> str:
    """Return plotly.js; raises DataError where plotly is not installed (26)."""
    try:
        from plotly.offline import get_plotlyjs  # noqa: PLC0415 -- an extra, and only for pages
    except ImportError as error:
        raise DataError(
            "the page needs plotly, which is not installed",
            number=NO_LIBRARY,
            remedy="pip install 'leverd[report]'",
        ) from error
    script: str = get_plotlyjs()
    assert "</script" not in script.lower(), "it stands in an element that this would end"
    return script
