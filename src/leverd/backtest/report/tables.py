"""The page's text: headline, figures, money and actions as HTML. Everything is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import Final, TypeVar

from leverd.backtest.report.acts import Act, End
from leverd.backtest.report.figures import MARKS
from leverd.backtest.report.findings import Findings
from leverd.backtest.report.notes import Note
from leverd.backtest.report.wording import (
    LINES,
    NONE,
    UNMARKED,
    day,
    duration,
    metric_rows,
    money,
    percent,
    plain,
    pnl_rows,
    ratio,
    standing_words,
)

ROWS_MAX: Final = 1_000
"""The most rows of a table on the page; all of them are in the JSON."""

_Row = TypeVar("_Row")
_ETHER: Final = 10**18
_KNOWN: Final = frozenset(MARKS)


def safe(text: str) -> str:
    """Return `text` as HTML shows it, and nothing it could do."""
    return escape(plain(text))


def heads(found: Findings) -> str:
    """Return the headline figures."""
    metrics, books = found.metrics, found.books
    fall = metrics.drawdown
    lowest = "nothing owed" if metrics.lowest is None else ratio(metrics.lowest.health, 3)
    held = "" if found.held_return is None else f"held: {percent(found.held_return)}"
    shown = [
        ("Return", percent(metrics.total_return), held),
        ("P&L", money(found.whole(books.total), found.share_class, sign=True), "gas paid"),
        ("Max drawdown", percent(-fall.depth if fall else 0.0), "of a unit"),
        ("Lowest health", lowest, "liquidated below 1"),
        ("Sharpe", ratio(metrics.sharpe), "daily, risk-free 0"),
        ("Actions", f"{sum(act.mined for act in found.acts):,d}", _by_others(found)),
    ]
    cards = (
        f'<div class="head"><span class="soft small">{safe(name)}</span><b>{safe(value)}</b>'
        f'<span class="soft small">{safe(note)}&nbsp;</span></div>'
        for name, value, note in shown
    )
    return f'<div class="heads">{"".join(cards)}</div>'


def _by_others(found: Findings) -> str:
    others = sum(act.mined and act.end is End.OTHERS for act in found.acts)
    return f"carried out, {others:,d} by others" if others else "carried out"


def figures_table(found: Findings) -> str:
    """Return every figure, with what it means."""
    rows = (
        f'<tr><td>{safe(name)}</td><td class="n">{safe(value)}</td>'
        f'<td class="soft">{safe(note)}</td></tr>'
        for name, value, note in metric_rows(found)
    )
    return _slim(rows)


def money_table(found: Findings) -> str:
    """Return the exact way from the first equity to the last."""
    books, share = found.books, found.share_class
    began = day(books.marks[0].snapshot.at)
    rows = [_money_row("Began with", found.whole(books.began), found, note=began)]
    marked = day(books.marks[-1].snapshot.at)
    notes = {
        LINES["gas"]: "paid by the signing key",
        UNMARKED: f"of {marked}; by what, the next one says",
    }
    for name, raw in pnl_rows(books):
        note = notes.get(name, "")
        rows.append(_money_row(name, found.whole(raw), found, sign=True, note=note))
    total = found.whole(books.total)
    rows.append(_money_row("P&L", total, found, sign=True, note="all lines", strong=True))
    if books.flow:
        times = f"{len(books.flows)} flow{'s' if len(books.flows) > 1 else ''} after the first"
        rows.append(_money_row("Brought in", found.whole(books.flow), found, sign=True, note=times))
    gas = found.whole(books.pnl.gas)
    rows.append(
        _money_row(
            "Ended with",
            found.whole(books.equity),
            found,
            note=f"gas of {money(-gas, share)} was paid beside it" if gas else "",
            strong=True,
        )
    )
    return _slim(rows)


def acts_table(found: Findings) -> str:
    """Return every action with its reason, or the first and last of too many."""
    columns = (
        ("time (UTC)", ""), ("what", ""), ("why, and what was done", ""), ("leverage", "n"),
        ("health", "n"), ("price", "n"), ("P&L of the act", "n"), ("gas, native", "n"),
    )  # fmt: skip
    shown, left = _ends(found.acts)
    said = f'<p class="soft small">{left:,d} in between are left out here.</p>' if left else ""
    return said + _table(columns, (_act_row(found, act) for act in shown))


def notes_table(notes: Sequence[Note]) -> str:
    """Return what else happened."""
    shown, left = _ends(notes)
    said = f'<p class="soft small">{left:,d} in between are left out here.</p>' if left else ""
    rows = (
        f'<tr><td class="t">{day(note.at) if note.at else NONE}</td>'
        f'<td><span class="chip">{safe(note.kind)}</span></td>'
        f'<td class="why">{safe(note.text)}</td></tr>'
        for note in shown
    )
    return said + _table((("time (UTC)", ""), ("", ""), ("what was said", "")), rows)


def pairs(values: Iterable[tuple[str, str]], *, code: bool = False) -> str:
    """Return names and values as a list."""
    tag = "code" if code else "span"
    body = (f"<dt>{safe(name)}</dt><dd><{tag}>{safe(value)}</{tag}></dd>" for name, value in values)
    return f"<dl>{''.join(body)}</dl>"


def span_words(found: Findings) -> str:
    """Return from when to when, how long, and in how many rows."""
    ts = found.record.curve.ts
    if not len(ts):
        return "no row"
    first, last = int(ts[0]), int(ts[-1])
    return f"{day(first)} to {day(last)} UTC, {duration(last - first)}, {len(ts):,d} rows"


def _ends(rows: Sequence[_Row]) -> tuple[list[_Row], int]:
    if len(rows) <= ROWS_MAX:
        return list(rows), 0
    half = ROWS_MAX // 2
    return [*rows[:half], *rows[-half:]], len(rows) - 2 * half


def _act_row(found: Findings, act: Act) -> str:
    before, after = standing_words(act.before), standing_words(act.after)
    kind = act.purpose if act.purpose in _KNOWN else ""
    wrong = act.end in {End.REVERTED, End.ABORTED, End.OPEN}
    end = f' <span class="chip reverted">{safe(act.end.value)}</span>' if wrong else ""
    who = f'<span class="soft">{safe(act.agent)}</span> ' if act.agent else ""
    note = f'<div class="down">{safe(act.note)}</div>' if act.note else ""
    gas = f"{Decimal(act.gas) / _ETHER:.6f}" if act.gas else NONE
    done = f'<div class="soft small">{safe("; ".join(act.steps))}</div>' if act.steps else ""
    cells = [
        ("t", day(act.at)),
        ("t", f'<span class="chip {kind}">{safe(act.purpose)}</span>{end}'),
        ("why", f"{who}{safe(act.reason)}{note}{done}"),
        ("n", _change(before[0], after[0])),
        ("n", _change(before[1], after[1])),
        ("n", after[2] if act.after else before[2]),
        ("n", _act_pnl(found, act)),
        ("n", gas),
    ]
    row = "".join(f'<td class="{kind}">{body}</td>' for kind, body in cells)
    return f"<tr>{row}</tr>"


def _act_pnl(found: Findings, act: Act) -> str:
    """Return the sum of an act's own lines, and below it the lines."""
    if not act.lines:
        return NONE
    total = money(found.whole(sum(act.lines.values())), found.share_class, sign=True)
    parts = (
        f"{LINES[line]} {money(found.whole(act.lines.get(line, 0)), found.share_class, sign=True)}"
        for line in LINES
        if act.lines.get(line) and line != "rounding"
    )
    return f'{safe(total)}<div class="soft small">{"<br>".join(map(safe, parts))}</div>'


def _change(before: str, after: str) -> str:
    return before if after in {before, NONE} else f"{before} → {after}"


def _money_row(
    name: str,
    whole: Decimal,
    found: Findings,
    *,
    sign: bool = False,
    note: str = "",
    strong: bool = False,
) -> str:
    value = safe(money(whole, found.share_class, sign=sign))
    way = ("up" if whole > 0 else "down") if sign and whole else "n"
    shown = f"<b>{value}</b>" if strong else f'<span class="{way}">{value}</span>'
    title = f"<b>{safe(name)}</b>" if strong else safe(name)
    return (
        f'<tr><td>{title}</td><td class="n" title="{whole:f}">{shown}</td>'
        f'<td class="soft">{safe(note)}</td></tr>'
    )


def _slim(rows: Iterable[str]) -> str:
    """Return a table of names, values and notes, no wider than it needs."""
    body = "\n".join(rows)
    return f'<div class="wide"><table class="slim"><tbody>{body}</tbody></table></div>'


def _table(columns: Sequence[tuple[str, str]], rows: Iterable[str]) -> str:
    head = "".join(
        f'<th class="{kind}">{safe(name)}</th>' if kind else f"<th>{safe(name)}</th>"
        for name, kind in columns
    )
    body = "\n".join(rows)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
