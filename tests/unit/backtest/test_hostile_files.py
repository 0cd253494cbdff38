"""Whatever stands in a file is refused by its name; nothing ends in a traceback."""

from __future__ import annotations

import os
import random

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.unit.backtest.described import (
    HOUR,
    START,
    bar_rows,
    bars_source,
    describe,
    refused,
    write_csv,
)

from leverd.backtest.history import MalformedDataError, codes, load_history
from leverd.backtest.history.parquet_file import pyarrow
from leverd.errors import DataError


def refused_file(file, **said):
    folder = file.parent if file.parent.is_dir() else file.parent.parent
    with pytest.raises(MalformedDataError) as caught:
        load_history(describe(folder, price=bars_source(str(file), **said)))
    assert caught.value.exit_code == 2
    return [(each.number, each.place.line) for each in caught.value.problems]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_random_bytes_are_refused(tmp_path, seed, suffix):
    file = tmp_path / f"bars.{suffix}"
    head = b"ts,open,high,low,close\n" if seed % 2 else b""
    file.write_bytes(head + random.Random(seed).randbytes(3000))
    assert refused_file(file)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "ts\n",
        "ts,open,high,low,close\n",
        'ts,open,high,low,close\n"1,2\n3",4,5,6,7\n',
        'ts,open,high,low,close\n"1700002800,100,104,96,103\n',
        "ts,open,high,low,close\n1700002800,100\n",
        "ts,open,high,low,close\n1700002800,100,104,96,103,9\n",
        "ts,open,high,low,close\n1700002800,100,104,96,\0\n",
        "ts,open,high,low,close\n" + "x" * 200_000 + ",1,1,1,1\n",
        "ts,open,high,low,close\n\u0661,1,1,1,1\n",
        "," * 20_000,
    ],
)
def test_a_csv_that_is_none_is_refused(tmp_path, text):
    file = tmp_path / "bars.csv"
    file.write_text(text)
    assert refused_file(file)


def test_a_byte_order_mark_windows_lines_and_empty_lines_do_no_harm(tmp_path):
    file = write_csv(tmp_path / "bars.csv", bar_rows(3))
    lines = file.read_text().splitlines()
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines[:2], "", *lines[2:]]).encode())
    assert len(load_history(describe(tmp_path, price=bars_source())).history) == 3
    lines[2] = "x" + lines[2]
    file.write_text("\n".join([*lines[:2], "", *lines[2:]]))
    assert refused_file(file) == [(codes.TIME, 4)]


def test_a_file_that_is_not_there_or_of_another_kind_is_named(tmp_path):
    assert refused_file(tmp_path / "no.csv") == [(codes.NO_FILE, 0)]
    assert refused_file(tmp_path / "no.parquet") == [(codes.NO_FILE, 0)]
    (tmp_path / "bars.xlsx").write_text("")
    assert refused_file(tmp_path / "bars.xlsx") == [(codes.FOREIGN, 0)]
    (tmp_path / "folder.csv").mkdir()
    assert refused_file(tmp_path / "folder.csv") == [(codes.NO_FILE, 0)]
    os.mkfifo(tmp_path / "pipe.csv")  # nobody will ever write to it
    assert refused_file(tmp_path / "pipe.csv") == [(codes.NO_FILE, 0)]
    assert refused_file(tmp_path / ("x" * 300 + ".csv")) == [(codes.NO_FILE, 0)]
    assert refused_file(tmp_path / "~nobody" / "x.csv") == [(codes.NO_FILE, 0)]


def table(**changed):
    times = pa.array([START, START + HOUR], pa.timestamp("s", tz="UTC"))
    columns = {"ts": times, **{name: [100.0, 100.0] for name in ("open", "high", "low", "close")}}
    return pa.table({**columns, **changed})


def parquet_of(folder, **changed):
    file = folder / "bars.parquet"
    parquet.write_table(table(**changed), file)
    return file


TYPED = {"time_format": "timestamp"}


def test_a_truncated_parquet_is_refused_at_every_length(tmp_path):
    file = parquet_of(tmp_path)
    whole = file.read_bytes()
    for length in range(0, len(whole), 97):
        file.write_bytes(whole[:length])
        assert refused_file(file, **TYPED) == [(codes.FOREIGN, 0)]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ts": pa.array([START, START + HOUR], pa.timestamp("s"))}, "naive"),
        ({"ts": pa.array([START, START + HOUR], pa.timestamp("s", tz="Asia/Tokyo"))}, "UTC is"),
        ({"ts": ["a", "b"]}, "no times of time_format timestamp"),
        ({"ts": [1.5, 2.5]}, "no times of time_format timestamp"),
        ({"close": pa.array([START, START], pa.timestamp("s", tz="UTC"))}, "typed as times"),
        ({"close": [[1], [2]]}, "neither numbers, times nor text"),
        ({"close": [True, False]}, "neither numbers, times nor text"),
    ],
)
def test_a_column_of_another_type_is_named(tmp_path, changed, said):
    parquet_of(tmp_path, **changed)
    with pytest.raises(MalformedDataError, match=said) as caught:
        load_history(describe(tmp_path, price=bars_source("bars.parquet", **TYPED)))
    assert [each.number for each in caught.value.problems] == [codes.COLUMN]


@pytest.mark.parametrize(
    ("cells", "number"),
    [
        ([100.0, None], codes.CELL),
        ([100.0, float("nan")], codes.CELL),
        ([100.0, float("inf")], codes.CELL),
        (pa.array([100, 2**63 - 1], pa.int64()), codes.CELL),
        (pa.array([100, 2**64 - 1], pa.uint64()), codes.CELL),
        (pa.array([100, -(2**63)], pa.int64()), codes.CELL),
        (["100", "x"], codes.CELL),
    ],
)
def test_a_bad_cell_of_parquet_is_named_by_its_row(tmp_path, cells, number):
    assert refused_file(parquet_of(tmp_path, close=cells), **TYPED) == [(number, 2)]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([100, 100], pa.int8()),
        pa.array([100, 100], pa.uint64()),
        pa.array([100.0, 100.0], pa.float32()),
        pa.array(["100", "100.0"]).dictionary_encode(),
        pa.array(["100", "100"]).cast(pa.decimal128(20, 3)),
    ],
)
def test_every_type_of_number_is_taken(tmp_path, cells):
    parquet_of(tmp_path, close=cells)
    found = load_history(describe(tmp_path, price=bars_source("bars.parquet", **TYPED))).history
    assert [next(iter(found.bars.values())).close.tolist()] == [[100 * 10**8] * 2]


def test_rows_of_parquet_can_be_chosen_too(tmp_path):
    parquet_of(tmp_path, symbol=pa.array(["A", None]).dictionary_encode())
    said = bars_source("bars.parquet", where={"symbol": "A"}, **TYPED)
    assert len(load_history(describe(tmp_path, price=said)).history) == 1


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(DataError) as caught:
        pyarrow()
    assert "leverd[data]" in caught.value.remedy
    assert caught.value.exit_code == 2


def test_a_century_that_would_be_held_is_not(tmp_path):
    rows = bar_rows(2)
    rows[2][0] = str(START + 60 * 25_000_000)
    source = bars_source(fill="hold")
    write_csv(tmp_path / "bars.csv", rows)
    with pytest.raises(MalformedDataError) as caught:
        load_history(describe(tmp_path, "1m", price=source))
    assert [each.number for each in caught.value.problems] == [codes.TOO_MANY]


def test_shuffled_rows_by_the_thousand_are_told_quickly_and_in_part(tmp_path):
    rows = bar_rows(2000)
    body = rows[1:]
    random.Random(1).shuffle(body)
    problems = refused(tmp_path, [rows[0], *body])
    assert {number for number, _ in problems} == {codes.ORDER}
    assert len(problems) == 51
