"""The terminal's summary and the PNG."""

from __future__ import annotations

import io
import struct
import sys
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from tests.run_records import curve, played
from tests.unit.backtest.report.test_report_page import hostile

from leverd.backtest.report import summary_of, write_picture
from leverd.backtest.report.picture import picture_of
from leverd.errors import DataError


def printed(record, width=140):
    out = io.StringIO()
    Console(file=out, width=width).print(summary_of(record))
    return out.getvalue()


def test_a_summary_tells_figures_money_and_reasons():
    text = printed(played())
    for part in ("Max drawdown", "Swap fees", "Ended with", "leverage 2.1923 is below 2.2",
                 "Last of 14 actions", "in the next block", "da7ada7a"):  # fmt: skip
        assert part in text


def test_what_names_and_reasons_say_neither_styles_nor_moves_the_cursor():
    text = printed(hostile())
    assert "\x1b" not in text
    assert "<img src=x" in text  # shown as it is


def test_a_run_without_length_or_debt_has_a_summary():
    free = np.full(2, np.inf)
    flat = curve([1, 1], health=free, health_low=free, leverage=np.ones(2))
    assert "nothing was owed" in printed(replace(played(), curve=flat))
    assert "Figures" in printed(replace(played(), curve=curve([])))


def test_a_picture_is_a_png_and_the_same_for_the_same_run(tmp_path):
    write_picture(played(), tmp_path / "run.png")
    content = (tmp_path / "run.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == (1430, 1820)
    assert content == picture_of(played())
    assert b"tEXt" not in content  # neither a time nor a version


def test_hostile_names_are_drawn_as_text():
    assert picture_of(hostile()).startswith(b"\x89PNG")  # no mathtext, no glyph that warns


def test_a_run_of_no_length_has_a_picture():
    assert picture_of(replace(played(), curve=curve([]))).startswith(b"\x89PNG")


def test_without_matplotlib_the_picture_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(DataError, match="matplotlib") as raised:
        picture_of(played())
    assert raised.value.code == "LVD-DAT-026"
