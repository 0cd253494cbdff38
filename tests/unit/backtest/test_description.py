"""A description is refused with file, line and the nearest right name."""

from __future__ import annotations

import pytest
from tests.unit.backtest.described import bar_rows, write_csv

from leverd.backtest.history import load_history, starter
from leverd.errors import DataError
from leverd.settings import MalformedError


def problems_of(tmp_path, text):
    file = tmp_path / "history.yaml"
    file.write_text(text)
    with pytest.raises(MalformedError) as caught:
        load_history(file)
    assert f"in {file}" in str(caught.value)
    return [(each.code, each.place.line, each.remedy) for each in caught.value.problems]


def test_the_template_is_right_as_it_is_and_with_every_comment_taken_in(tmp_path):
    write_csv(tmp_path / "eth_1h.csv", bar_rows(3))
    file = tmp_path / "history.yaml"
    file.write_text(starter())
    assert len(load_history(file).history) == 3
    taken = [
        line.replace("  # ", "  ", 1) if line.startswith("  #") else line
        for line in starter().splitlines()
    ]
    file.write_text("\n".join(taken))
    with pytest.raises(DataError) as caught:
        load_history(file)
    assert caught.value.code == "LVD-DAT-001"  # its form is right: only the files are missing
    assert str(caught.value).count("cannot be read") == 6


@pytest.mark.parametrize(
    ("line", "code", "remedy"),
    [
        ("    opens: open", "LVD-CFG-002", "Did you mean 'open'?"),
        ("    unit: gwei", "LVD-CFG-004", "Known here: e8, usd."),
        ("    fill: hodl", "LVD-CFG-004", "Did you mean 'hold'?"),
        ("    time_format: 5", "LVD-CFG-004", "Known here: iso, timestamp, unix_ms, unix_s."),
    ],
)
def test_a_mistake_in_a_source_is_named(tmp_path, line, code, remedy):
    text = (
        "bar: 1h\nsources:\n  eth:\n    kind: bars\n    venue: x\n    asset: ETH\n"
        f"    file: a.csv\n{line}\n"
    )
    assert problems_of(tmp_path, text) == [(code, 8, remedy)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("bar: 7h", 1),
        ("bar: 60", 1),
        ("bar: 0h", 1),
        ("bar: 1h\nsince: 2024-01-01", 2),
        ("bar: 1h\nsince: 2024-01-01T00:00:00", 2),
        ("bar: 1h\nuntil: soon", 2),
    ],
)
def test_a_bar_or_time_that_is_none_is_named(tmp_path, text, line):
    text += "\nsources: {e: {kind: bars, venue: x, asset: ETH, file: a.csv}}\n"
    assert [each[1] for each in problems_of(tmp_path, text)] == [line]


@pytest.mark.parametrize(
    "source",
    [
        "{kind: bras, venue: x, asset: ETH, file: a.csv}",
        "{venue: x, asset: ETH, file: a.csv}",
        "{kind: funding, venue: x, asset: E, file: a.csv, value: v}",
        "{kind: funding, venue: x, asset: E, file: a.csv, value: v, interval_h: 0}",
        "{kind: funding, venue: x, asset: E, file: a, value: v, interval_h: 1, interval_column: h}",
        "{kind: rate, venue: x, asset: ETH, file: a.csv, value: v}",
        "{kind: bars, venue: 'x y', asset: ETH, file: a.csv}",
        '{kind: bars, venue: x, asset: "\\x1b[31m", file: a.csv}',
        "5",
    ],
)
def test_a_source_that_cannot_be_is_named(tmp_path, source):
    text = f"bar: 1h\nsources:\n  e: {source}\n"
    assert {each[1] for each in problems_of(tmp_path, text)} == {3}


@pytest.mark.parametrize(
    "text", ["", "bar: 1h\n", "[]", "bar: 1h\nsources: {}\n", "\0", "a: [", "&a [*a]"]
)
def test_what_is_no_description_is_refused(tmp_path, text):
    assert problems_of(tmp_path, text)


def test_no_source_at_all_is_said_plainly(tmp_path):
    file = tmp_path / "history.yaml"
    file.write_text("bar: 1h\nsources: {}\n")
    with pytest.raises(MalformedError, match=r"history.yaml:2: sources: is empty"):
        load_history(file)


def test_a_description_that_is_not_there_or_is_the_data_is_refused_with_a_way_on(tmp_path):
    for name in ("nothing.yaml", "bars.csv", "bars.parquet"):
        with pytest.raises(DataError) as caught:
            load_history(tmp_path / name)
        assert "leverd data new" in caught.value.remedy
