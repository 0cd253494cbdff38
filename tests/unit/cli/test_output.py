"""What programs are answered is JSON by the book."""

from __future__ import annotations

import json
import re

from rich.console import Console

from leverd.cli import output
from leverd.cli.output import emit_json, progress, table


def test_what_is_no_number_is_null(capsys):
    emit_json({"a": float("inf"), "b": [float("nan"), 0.5], "c": float("-inf")})
    found = json.loads(capsys.readouterr().out, parse_constant=lambda name: name)
    assert found == {"a": None, "b": [None, 0.5], "c": None}


def test_a_bar_leaves_nothing_where_nobody_looks(capsys):
    with progress("waiting") as advance:
        advance(1, 2)
    assert capsys.readouterr() == ("", "")


ROWS = (("Covid, March 2020", "liquidated, 1,313", ""), ("LUNA, May 2022", "12,514", "target 2.1"))
COLUMNS = ("crash", "left alone", "what would have lived")


def told(monkeypatch, capsys, width):
    monkeypatch.setattr(output, "_console", lambda: Console(width=width, force_terminal=True))
    table(COLUMNS, ROWS, title="eth-loop")
    found = capsys.readouterr().out
    return re.sub(r"\x1b\[[0-9;]*m", "", found)


def test_a_narrow_terminal_never_breaks_a_word(monkeypatch, capsys):
    shown = told(monkeypatch, capsys, 40)
    assert "┃" in shown
    assert {"liquidated,", "target", "2.1"} <= set(shown.split())


def test_a_terminal_too_narrow_for_the_words_gets_a_cell_a_line(monkeypatch, capsys):
    lines = told(monkeypatch, capsys, 30).splitlines()
    assert lines[:3] == [
        "eth-loop",
        "  crash       Covid, March 2020",
        "  left alone  liquidated, 1,313",
    ]
    assert "  what would have lived  target 2.1" in lines
    assert max(map(len, lines)) < 45
