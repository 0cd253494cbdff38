"""A run on one screen of a terminal: figures, money, the last actions with their reasons."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from leverd.backtest.report.acts import Act, End
from leverd.backtest.report.findings import Findings, findings_of
from leverd.backtest.report.wording import (
    day,
    duration,
    metric_rows,
    money,
    plain,
    pnl_rows,
    standing_words,
)
from leverd.backtest.run_record import RunRecord

_ACTS: Final = 10


def summary_of(record: RunRecord) -> RenderableType:
    """Return what Rich prints of `record`; no name or reason can style it or move the cursor.

    Raises:
        OwnerError: nothing was marked yet, or the journal counts in another currency.
        ImpossibleError: the P&L does not add up (33).
    """
    found = findings_of(record)
    parts: list[RenderableType] = [_head(found), _figures(found), _money(found)]
    if found.acts:
        parts.append(_acts(found))
    return Group(*parts)


def _head(found: Findings) -> Text:
    record, ts = found.record, found.record.curve.ts
    mandate = record.mandate
    name = plain(mandate.position_id)
    pair = plain(f"{mandate.collateral.symbol} against {mandate.debt.symbol}")
    text = Text.assemble((name, "bold"), f"  {pair}, {plain(record.mode)}")
    if len(ts):
        first, last = int(ts[0]), int(ts[-1])
        text.append(f"\n{day(first)} to {day(last)} UTC, {duration(last - first)}")
    text.append(f"\nsettings {plain(record.settings_hash) or 'unknown'}")
    if record.data_digest:
        text.append(f", data {plain(record.data_digest)[:16]}")
    for model, words in record.models.items():
        text.append(f"\n{plain(model)}: {plain(words)}", style="dim")
    return text


def _figures(found: Findings) -> Table:
    grid = _grid("figure", ("value", "right"), "", title="Figures")
    for name, value, note in metric_rows(found):
        grid.add_row(Text(name), Text(value), Text(note, style="dim"))
    return grid


def _money(found: Findings) -> Table:
    books, share = found.books, found.share_class
    grid = _grid("money", (plain(share.symbol), "right"), title="Where it came from")
    grid.add_row(Text("Began with"), Text(money(found.whole(books.began), share)))
    for name, raw in pnl_rows(books):
        style = "green" if raw > 0 else "red"
        value = money(found.whole(raw), share, sign=True)
        grid.add_row(Text(name), Text(value, style=style))
    total = money(found.whole(books.total), share, sign=True)
    grid.add_row(Text("P&L", style="bold"), Text(total, style="bold"))
    if books.flow:
        flow = money(found.whole(books.flow), share, sign=True)
        grid.add_row(Text("Brought in"), Text(flow))
    ended = money(found.whole(books.equity), share)
    beside = " (gas was paid beside it)" if books.pnl.gas else ""
    grid.add_row(Text(f"Ended with{beside}"), Text(ended))
    return grid


def _acts(found: Findings) -> Table:
    shown = found.acts[-_ACTS:]
    title = "Actions" if len(shown) == len(found.acts) else f"Last of {len(found.acts):,d} actions"
    grid = _grid("time (UTC)", "what", "leverage", "health", "P&L of it", "why", title=title)
    for act in shown:
        grid.add_row(*_act(found, act))
    return grid


def _act(found: Findings, act: Act) -> list[Text]:
    before, after = standing_words(act.before), standing_words(act.after)
    ended = "" if act.end is End.DONE else f" ({act.end.value})"
    pnl = money(found.whole(sum(act.lines.values())), found.share_class, sign=True)
    why = plain(f"{act.reason} {act.note}").strip()
    return [
        Text(day(act.at)),
        Text(f"{plain(act.purpose)}{ended}"),
        Text(f"{before[0]} → {after[0]}"),
        Text(f"{before[1]} → {after[1]}"),
        Text(pnl if act.lines else "", justify="right"),
        Text(why),
    ]


def _grid(*columns: str | tuple[str, str], title: str) -> Table:
    grid = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        if isinstance(column, tuple):
            grid.add_column(column[0], justify="right", overflow="fold")
        else:
            grid.add_column(column, overflow="fold")
    return grid
