"""Bars are taken whole, or refused with the line of everything that is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.backtest.described import (
    CALM,
    HOUR,
    START,
    bar_rows,
    bars_source,
    describe,
    loaded,
    refused,
    write_csv,
)

from leverd.backtest.history import BarsKey, MalformedDataError, codes, load_history

KEY = BarsKey("x", "ETH")


def changed(rows, line, column, text):
    rows[line - 1][column] = text
    return rows


def test_good_bars_are_taken_to_the_last_digit(tmp_path):
    rows = changed(bar_rows(3), 2, 1, "100.00000001")
    history = loaded(tmp_path, rows).history
    assert history.ts.tolist() == [START, START + HOUR, START + 2 * HOUR]
    assert history.bars_of(KEY).open.tolist() == [10_000_000_001, 100 * 10**8, 100 * 10**8]


def test_whole_units_of_the_oracle_are_taken_as_they_are(tmp_path):
    history = loaded(tmp_path, bar_rows(2), unit="e8").history
    assert history.bars_of(KEY).high.tolist() == [104, 104]


@pytest.mark.parametrize(
    ("column", "text", "number"),
    [
        (0, "2023-11-15", codes.TIME),
        (0, "", codes.TIME),
        (0, "12", codes.TIME),
        (0, str(START * 1000), codes.TIME),
        (1, "nan", codes.CELL),
        (1, "", codes.CELL),
        (2, "inf", codes.CELL),
        (3, "1_0", codes.CELL),
        (4, "12 USD", codes.CELL),
        (4, "1e400", codes.CELL),
        (4, "9" * 60, codes.CELL),
        (4, "9" * 5000, codes.CELL),
        (1, "0", codes.PRICE),
        (3, "-1", codes.PRICE),
        (4, "0.000000001", codes.PRICE),
        (2, "80", codes.SHAPE),
        (1, "105", codes.SHAPE),
        (4, "89", codes.SHAPE),
    ],
)
def test_a_bad_cell_is_named_by_its_line(tmp_path, column, text, number):
    assert refused(tmp_path, changed(bar_rows(6), 4, column, text)) == [(number, 4)]


def test_everything_wrong_is_said_at_once(tmp_path):
    rows = bar_rows(9)
    changed(rows, 3, 1, "x")
    changed(rows, 5, 4, "-1")
    changed(rows, 7, 2, "1")
    assert refused(tmp_path, rows) == [(codes.CELL, 3), (codes.PRICE, 5), (codes.SHAPE, 7)]


def test_a_bar_that_opens_beside_the_grid_is_refused(tmp_path):
    rows = changed(bar_rows(4), 3, 0, str(START + HOUR + 1))
    assert refused(tmp_path, rows) == [(codes.MISALIGNED, 3)]


def test_milliseconds_beside_a_second_are_beside_the_grid(tmp_path):
    rows = [["ts", "open", "high", "low", "close"], [f"{START * 1000}", *CALM]]
    assert len(loaded(tmp_path, rows, time_format="unix_ms").history) == 1
    rows[1][0] = f"{START * 1000 - 1}"
    assert refused(tmp_path, rows, time_format="unix_ms") == [(codes.MISALIGNED, 2)]


def test_a_duplicate_names_both_lines(tmp_path):
    rows = bar_rows(4)
    rows.append(list(rows[2]))
    with pytest.raises(MalformedDataError, match="is in line 3 already") as caught:
        loaded(tmp_path, rows)
    assert [(each.number, each.place.line) for each in caught.value.problems] == [
        (codes.DUPLICATE, 6)
    ]


def test_a_row_out_of_order_is_named(tmp_path):
    rows = bar_rows(5)
    rows[2], rows[3] = rows[3], rows[2]
    assert refused(tmp_path, rows) == [(codes.ORDER, 4)]


def test_gaps_are_refused_with_lines_and_a_total(tmp_path):
    rows = bar_rows(10, skip=(2, 5, 6))
    with pytest.raises(MalformedDataError, match="gaps: 2, 3 h in all") as caught:
        loaded(tmp_path, rows)
    problems = caught.value.problems
    assert [(each.number, each.place.line) for each in problems] == [
        (codes.GAP, 0),
        (codes.GAP, 4),
        (codes.GAP, 6),
    ]
    assert "2023-11-15T04:00:00Z to 2023-11-15T06:00:00Z" in problems[2].message


def test_gaps_are_held_where_that_is_said_and_counted(tmp_path):
    found = loaded(tmp_path, bar_rows(10, skip=(2, 5, 6)), fill="hold")
    bars = found.history.bars_of(KEY)
    assert len(found.history) == 10
    assert [int(array[2]) for array in bars.arrays()] == [103 * 10**8] * 4
    assert [int(array[3]) for array in bars.arrays()] == [int(n) * 10**8 for n in CALM]
    record = found.manifest.sources["price"]
    assert (record.rows, record.gaps, record.held, record.dropped) == (7, 2, 3, 0)
    assert [each.number for each in found.warnings] == [codes.GAP, codes.GAP]


def test_gaps_are_left_out_where_that_is_said_and_counted(tmp_path):
    found = loaded(tmp_path, bar_rows(10, skip=(2, 5, 6)), fill="drop")
    assert len(found.history) == 7
    assert (np.diff(found.history.ts) // HOUR).tolist() == [1, 2, 1, 3, 1, 1]
    record = found.manifest.sources["price"]
    assert (record.held, record.dropped) == (0, 3)


def spiked(count=40):
    rows = bar_rows(count)
    for row in rows[1:]:
        row[1:] = ["100", "101", "99", "100"]
    rows[20][1:] = ["100", "150", "99", "100"]
    return rows


def test_a_wick_that_neither_side_confirms_is_worth_a_word(tmp_path):
    found = loaded(tmp_path, spiked())
    assert [(each.number, each.place.line) for each in found.warnings] == [(codes.OUTLIER, 21)]


def test_an_outlier_is_refused_where_that_is_said(tmp_path):
    assert refused(tmp_path, spiked(), outliers="refuse") == [(codes.OUTLIER, 21)]


def test_a_crash_that_stays_is_no_outlier(tmp_path):
    rows = spiked()
    rows[20][1:] = ["100", "101", "59", "60"]
    for row in rows[21:]:
        row[1:] = ["60", "61", "59", "60"]
    assert loaded(tmp_path, rows).warnings == ()


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path):
    with pytest.raises(MalformedDataError, match="no column closed") as caught:
        loaded(tmp_path, bar_rows(3), close="closed")
    assert caught.value.problems[0].remedy == "Did you mean 'close'?"


def test_a_column_that_is_there_twice_is_refused(tmp_path):
    rows = [[*row, row[1]] for row in bar_rows(3)]
    assert refused(tmp_path, rows) == [(codes.COLUMN, 1)]


def test_only_the_rows_that_are_asked_for_are_read(tmp_path):
    rows = [[*row, "ETHUSDT"] for row in bar_rows(4)]
    rows[0][-1] = "symbol"
    rows += [[row[0], "1", "1", "1", "1", "BTCUSDT"] for row in rows[1:]]
    found = loaded(tmp_path, rows, where={"symbol": "ETHUSDT"})
    assert len(found.history) == 4
    with pytest.raises(MalformedDataError, match="no row has symbol ETHUSD") as caught:
        loaded(tmp_path, rows, where={"symbol": "ETHUSD"})
    assert caught.value.problems[0].remedy == "Did you mean 'ETHUSDT'?"


def test_rows_outside_of_the_window_are_not_even_judged(tmp_path):
    rows = changed(bar_rows(6), 2, 1, "x")
    write_csv(tmp_path / "bars.csv", rows)
    file = describe(tmp_path, price=bars_source())
    file.write_text(
        "since: 2023-11-15T01:00:00+01:00\nuntil: 2023-11-15T02:00:00Z\n" + file.read_text()
    )
    assert load_history(file).history.ts.tolist() == [START + HOUR, START + 2 * HOUR]


def test_a_window_without_rows_is_said(tmp_path):
    write_csv(tmp_path / "bars.csv", bar_rows(3))
    file = describe(tmp_path, price=bars_source())
    file.write_text("since: 2030-01-01T00:00:00Z\n" + file.read_text())
    with pytest.raises(MalformedDataError, match="no row is between since and until"):
        load_history(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2023-11-14T23:00:00", "names no offset"),
        ("2023-11-14", "names no offset"),
        ("yesterday", "is no time"),
    ],
)
def test_naive_times_are_refused(tmp_path, text, message):
    rows = changed(bar_rows(1), 2, 0, text)
    with pytest.raises(MalformedDataError, match=message):
        loaded(tmp_path, rows, time_format="iso")


def test_times_with_an_offset_are_taken(tmp_path):
    rows = changed(bar_rows(1), 2, 0, "2023-11-15T00:00:00+01:00")
    assert loaded(tmp_path, rows, time_format="iso").history.since == START


def test_assets_share_the_bars_that_all_of_them_have(tmp_path):
    write_csv(tmp_path / "eth.csv", bar_rows(8, skip=(3,)))
    write_csv(tmp_path / "btc.csv", bar_rows(6))
    file = describe(
        tmp_path,
        eth=bars_source("eth.csv", fill="drop"),
        btc=bars_source("btc.csv", asset="BTC"),
    )
    found = load_history(file)
    assert len(found.history) == 5
    assert found.cut == {"eth": 2, "btc": 1}


def test_assets_without_a_common_bar_are_refused(tmp_path):
    write_csv(tmp_path / "eth.csv", bar_rows(2))
    rows = bar_rows(6)
    write_csv(tmp_path / "btc.csv", [rows[0], *rows[4:]])
    file = describe(tmp_path, eth=bars_source("eth.csv"), btc=bars_source("btc.csv", asset="BTC"))
    with pytest.raises(MalformedDataError, match="no bar is there that all assets have"):
        load_history(file)


def test_two_sources_of_one_thing_are_refused(tmp_path):
    write_csv(tmp_path / "bars.csv", bar_rows(2))
    with pytest.raises(MalformedDataError, match="as source one does"):
        load_history(describe(tmp_path, one=bars_source(), two=bars_source()))


def test_of_a_thousand_problems_fifty_are_named_and_the_rest_counted(tmp_path):
    rows = bar_rows(1000)
    for row in rows[1:]:
        row[1] = "x"
    with pytest.raises(MalformedDataError, match="950 more of the same kind") as caught:
        loaded(tmp_path, rows)
    assert len(caught.value.problems) == 51
