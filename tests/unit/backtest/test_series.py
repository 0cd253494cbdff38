"""Series are taken exactly, or refused with the line of everything that is wrong."""

from __future__ import annotations

import pytest
from tests.unit.backtest.described import (
    HOUR,
    START,
    bar_rows,
    bars_source,
    describe,
    loaded_series,
    refused_series,
    series_source,
    write_csv,
)

from leverd.backtest.history import (
    Kind,
    MalformedDataError,
    SeriesKey,
    Side,
    codes,
    load_history,
)

RATE = SeriesKey(Kind.RATE, "aave", "USDC", Side.BORROW)
INDEX = SeriesKey(Kind.INDEX, "aave", "USDC", Side.BORROW)
LST = SeriesKey(Kind.LST_RATE, "aave", "USDC")
FUNDING = SeriesKey(Kind.FUNDING, "aave", "USDC")
GAS = SeriesKey(Kind.GAS, "aave", "", Side.BASE_FEE)
ORACLE = SeriesKey(Kind.ORACLE, "aave", "USDC")

SOURCES = {
    RATE: {"side": "borrow"},
    INDEX: {"side": "borrow"},
    LST: {},
    FUNDING: {"interval_h": 8},
    GAS: {"side": "base_fee"},
    ORACLE: {},
}


def source(key, **said):
    return series_source(key.kind.value, **SOURCES[key], **said)


def rows(*values):
    return [["ts", "value"], *([str(START + i * HOUR), each] for i, each in enumerate(values))]


@pytest.mark.parametrize(
    ("key", "unit", "text", "value"),
    [
        (RATE, "fraction", "0.05", 0.05),
        (RATE, "percent", "5.1", 0.051),
        (RATE, "ray", "51000000000000000000000000", 0.051),
        (INDEX, "ray", "1049439300497381712345678901", 1049439300497381712345678901),
        (INDEX, "one", "1.0494393004973817", 1049439300497381700000000000),
        (LST, "wad", "1170000000000000001", 1170000000000000001),
        (LST, "one", "1.17", 1170000000000000000),
        (FUNDING, "fraction", "-0.0001", -0.0001),
        (FUNDING, "percent", "0.01", 0.0001),
        (GAS, "wei", "12345678901", 12345678901),
        (GAS, "gwei", "11.97", 11970000000),
        (ORACLE, "e8", "300000000001", 300000000001),
        (ORACLE, "usd", "3000.00000001", 300000000001),
    ],
)
def test_a_value_is_exact_in_its_own_unit(tmp_path, key, unit, text, value):
    history = loaded_series(tmp_path, rows(text), source(key, unit=unit)).history
    assert history.as_of(key, START) == value


@pytest.mark.parametrize(
    ("key", "text", "number"),
    [
        (RATE, "-0.01", codes.NEGATIVE),
        (RATE, "nan", codes.CELL),
        (INDEX, "0", codes.PRICE),
        (INDEX, "-1", codes.CELL),
        (INDEX, "9" * 60, codes.CELL),
        (LST, "0", codes.PRICE),
        (LST, "9" * 20, codes.CELL),
        (FUNDING, "x", codes.CELL),
        (GAS, "-1", codes.NEGATIVE),
        (ORACLE, "0", codes.PRICE),
    ],
)
def test_a_value_that_cannot_be_is_named_by_its_line(tmp_path, key, text, number):
    sound = "0.05" if key in {RATE, FUNDING} else "1000000000000000000"
    assert refused_series(tmp_path, rows(sound, text), source(key)) == [(number, 3)]


def test_an_index_that_falls_is_refused(tmp_path):
    found = rows("1000000000000000000000000005", "1000000000000000000000000004")
    assert refused_series(tmp_path, found, source(INDEX)) == [(codes.FALLING, 3)]
    one_lower = rows("2000000000000000000000000000", "1999999999999999999999999999")
    assert refused_series(tmp_path, one_lower, source(INDEX)) == [(codes.FALLING, 3)]


def test_an_answer_from_the_future_of_its_row_is_refused(tmp_path):
    found = [
        ["ts", "value", "at"],
        [str(START), "5", str(START)],
        [str(START + 9), "5", str(START + 10)],
    ]
    assert refused_series(tmp_path, found, source(ORACLE, updated_at="at")) == [(codes.AHEAD, 3)]


def test_an_answer_keeps_when_it_was_given(tmp_path):
    found = [["ts", "value", "at"], [str(START), "5", str(START - 7)]]
    history = loaded_series(tmp_path, found, source(ORACLE, updated_at="at")).history
    assert history.series_of(ORACLE).updated_at.tolist() == [START - 7]
    history = loaded_series(tmp_path, found, source(ORACLE)).history
    assert history.series_of(ORACLE).updated_at.tolist() == [START]


def test_the_interval_of_funding_is_a_column_or_a_number(tmp_path):
    found = [["ts", "value", "h"], [str(START), "0.1", "8"], [str(START + HOUR), "0.1", "4"]]
    by_column = series_source("funding", interval_column="h")
    history = loaded_series(tmp_path, found, by_column).history
    assert history.series_of(FUNDING).interval_h.tolist() == [8, 4]
    for wrong in ("0", "169", "7.5"):
        found[2][2] = wrong
        assert refused_series(tmp_path, found, by_column) == [(codes.CELL, 3)]


def test_a_sub_second_is_rounded_up_so_that_nothing_is_known_too_early(tmp_path):
    found = [["ts", "value"], [str(START * 1000 + 1), "0.05"]]
    history = loaded_series(tmp_path, found, source(RATE) | {"time_format": "unix_ms"}).history
    assert history.series_of(RATE).ts.tolist() == [START + 1]


def test_shuffled_and_doubled_rows_are_named(tmp_path):
    found = rows("0.1", "0.2", "0.3")
    found[1], found[2] = found[2], found[1]
    found.append(list(found[3]))
    assert refused_series(tmp_path, found, source(RATE)) == [
        (codes.ORDER, 3),
        (codes.DUPLICATE, 5),
    ]


def test_a_value_that_is_held_too_long_is_a_gap(tmp_path):
    found = rows("0.1", "0.2")
    found[2][0] = str(START + 100 * HOUR)
    assert loaded_series(tmp_path, found, source(RATE)).parts["series"].longest.line == 3
    assert refused_series(tmp_path, found, source(RATE, gap_max="1d")) == [(codes.GAP, 3)]
    held = loaded_series(tmp_path, found, source(RATE, gap_max="1d", fill="hold"))
    assert [each.number for each in held.warnings] == [codes.GAP]
    assert held.manifest.sources["series"].held == 1


def test_the_last_value_is_not_held_for_ever(tmp_path):
    """A file that ends while the bars go on says nothing of what came after."""
    found = rows("0.1", "0.2")
    until = START + 48 * HOUR
    for fits in (found, [*found, [str(until - 24 * HOUR), "0.3"]]):
        last = int(fits[-1][0])
        told = loaded_series(tmp_path, fits, source(RATE), bars=48).parts["series"]
        assert (told.longest.since, told.longest.until, told.gaps) == (last, until, ())
    in_time = loaded_series(tmp_path, fits, source(RATE, gap_max="24h"), bars=48)
    assert in_time.warnings == ()
    held = loaded_series(tmp_path, found, source(RATE, gap_max="24h", fill="hold"), bars=48)
    assert [(each.number, each.place.line) for each in held.warnings] == [(codes.GAP, 3)]
    assert held.manifest.sources["series"].held == 1
    with pytest.raises(MalformedDataError, match="held for longer than 1 d") as caught:
        loaded_series(tmp_path, found, source(RATE, gap_max="24h"), bars=48)
    assert [(each.number, each.place.line) for each in caught.value.problems] == [(codes.GAP, 3)]


def test_a_series_that_begins_late_is_worth_a_word(tmp_path):
    found = rows("0.1")
    found[1][0] = str(START + 1)
    warnings = loaded_series(tmp_path, found, source(RATE)).warnings
    assert [each.number for each in warnings] == [codes.LATE]


def test_what_holds_when_the_first_bar_opens_is_older_than_since(tmp_path):
    write_csv(tmp_path / "bars.csv", bar_rows(5))
    write_csv(tmp_path / "series.csv", rows("0.1"))
    file = describe(tmp_path, price=bars_source(), series=source(RATE))
    file.write_text("since: 2023-11-15T02:00:00Z\n" + file.read_text())
    found = load_history(file)
    assert found.warnings == ()
    assert found.history.as_of(RATE, found.history.since) == 0.1


def test_a_spike_of_the_oracle_is_worth_a_word(tmp_path):
    found = rows(*(["100"] * 10), "200", *(["100"] * 10))
    warnings = loaded_series(
        tmp_path,
        found,
        source(ORACLE),
    ).warnings
    assert [(each.number, each.place.line) for each in warnings] == [(codes.OUTLIER, 12)]


def test_series_alone_are_no_history(tmp_path):
    write_csv(tmp_path / "series.csv", rows("0.1"))
    with pytest.raises(MalformedDataError, match="a history is counted in bars"):
        load_history(describe(tmp_path, series=source(RATE)))


@pytest.mark.parametrize("key", [RATE, FUNDING])
@pytest.mark.parametrize("value", ["100.1", "5e300"])
def test_a_rate_of_another_unit_is_refused_with_its_line(tmp_path, key, value):
    found = refused_series(tmp_path, rows("0.05", value, "100"), source(key))
    assert found == [(codes.CELL, 3)]


def test_of_a_file_that_serves_several_sources_each_problem_names_its_source(tmp_path):
    write_csv(tmp_path / "bars.csv", bar_rows(3))
    write_csv(tmp_path / "series.csv", rows("0.05", "0.04", "-1"))
    both = {name: series_source("rate", side=name, gap_max="1h") for name in ("borrow", "supply")}
    with pytest.raises(MalformedDataError) as caught:
        load_history(describe(tmp_path, price=bars_source(), **both))
    said = [each.message for each in caught.value.problems]
    assert said == ["source borrow: value is below zero", "source supply: value is below zero"]


def test_a_folder_where_a_file_is_named_is_not_called_missing(tmp_path):
    (tmp_path / "bars.csv").mkdir()
    with pytest.raises(MalformedDataError, match="cannot be read: it is no file"):
        load_history(describe(tmp_path, price=bars_source()))


def test_problems_that_are_only_counted_count(tmp_path):
    late = [["ts", "value"], *([str(START + i), "-1"] for i in range(200))]
    write_csv(tmp_path / "bars.csv", bar_rows(3))
    write_csv(tmp_path / "series.csv", late)
    with pytest.raises(MalformedDataError) as caught:
        load_history(describe(tmp_path, price=bars_source(), borrowed=source(RATE)))
    assert "200 problems in the data" in str(caught.value)
    assert len(caught.value.problems) == 51
    assert caught.value.problems[-1].message == "150 more of the same kind are not named"
