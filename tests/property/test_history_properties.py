"""What is written is read back; nothing is known early; what is out of place is named."""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.backtest.described import HOUR, bar_rows, bars_source, refused, write_csv

from leverd.backtest.history import (
    Bars,
    BarsKey,
    History,
    Kind,
    Series,
    SeriesKey,
    Side,
    codes,
    load_history,
    write_history,
)
from leverd.backtest.history.exact import INT64_MAX, WIDE_MAX, widened
from leverd.backtest.history.series import FLOATS
from leverd.errors import DataError
from leverd.settings import MalformedError

NAMES = st.sampled_from(["aave", "x:y", "A.b-c", "0"])
KEYS = (
    st.builds(SeriesKey, st.sampled_from([Kind.LST_RATE, Kind.FUNDING, Kind.ORACLE]), NAMES, NAMES)
    | st.builds(
        SeriesKey,
        st.sampled_from([Kind.RATE, Kind.INDEX]),
        NAMES,
        NAMES,
        st.sampled_from([Side.SUPPLY, Side.BORROW]),
    )
    | st.builds(
        SeriesKey, st.just(Kind.GAS), NAMES, st.just(""), st.sampled_from([Side.BASE_FEE, Side.TIP])
    )
)
STARTS = st.integers(400_000, 1_000_000)


def ints(values):
    return np.array(values, dtype=np.int64)


@st.composite
def series(draw, key, since):
    offsets = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=8, unique=True))
    ts = ints([since, *(since + each for each in sorted(offsets))])
    count = len(ts)

    def many(values):
        return draw(st.lists(values, min_size=count, max_size=count))

    if key.kind in FLOATS:
        low = 0.0 if key.kind is Kind.RATE else -1.0
        values = np.array(many(st.floats(low, 10.0)), dtype=np.float64) + 0.0  # no minus nought
    elif key.kind is Kind.INDEX:
        values = widened(sorted(many(st.integers(1, WIDE_MAX))))
    else:
        values = ints(many(st.integers(1, INT64_MAX)))
    interval = ints(many(st.integers(1, 168))) if key.kind is Kind.FUNDING else None
    given_at = ts - ints(many(st.integers(0, 1000))) if key.kind is Kind.ORACLE else None
    return Series(key, ts, values, interval, given_at)


@st.composite
def histories(draw):
    bar_s = draw(st.sampled_from([60, HOUR, 86_400]))
    first = draw(STARTS) * 3600 // bar_s * bar_s
    steps = draw(st.lists(st.integers(1, 3), max_size=12))
    ts = ints([first, *(first + bar_s * n for n in np.cumsum(steps).tolist())])
    bars = {}
    for asset in draw(st.sets(NAMES, min_size=1, max_size=3)):
        rows = draw(
            st.lists(
                st.lists(st.integers(1, INT64_MAX), min_size=4, max_size=4).map(sorted),
                min_size=len(ts),
                max_size=len(ts),
            )
        )
        low, opened, close, high = (ints([row[i] for row in rows]) for i in range(4))
        bars[BarsKey("x", asset)] = Bars(opened, high, low, close)
    keys = draw(st.sets(KEYS, max_size=4))
    return History(bar_s, ts, bars, {key: draw(series(key, first)) for key in sorted(keys)})


@pytest.mark.parametrize("form", ["csv", "parquet"])
@settings(max_examples=40, deadline=None)
@given(history=histories())
def test_what_is_written_is_read_back(form, history):
    last = history.until
    within = {key: each.between(history.since, last) for key, each in history.series.items()}
    history = History(history.bar_s, history.ts, history.bars, within)
    with tempfile.TemporaryDirectory() as folder:
        found = load_history(write_history(history, Path(folder), form)).history
    assert found.digest() == history.digest()
    assert found.ts.tolist() == history.ts.tolist()
    assert found.bars.keys() == history.bars.keys()
    for key, each in history.series.items():
        other = found.series_of(key)
        assert [other.value(row) for row in range(len(other))] == [
            each.value(row) for row in range(len(each))
        ]


@settings(max_examples=60, deadline=None)
@given(history=histories(), after=st.integers(-10, 3 * 10**6))
def test_nothing_is_told_before_its_own_time(history, after):
    at = history.since + after
    for each in history.series.values():
        row = each.row_at(at)
        assert row == bisect_right(each.ts.tolist(), at) - 1
        assert row < 0 or each.ts[row] <= at
        assert row == len(each) - 1 or each.ts[row + 1] > at
    row = history.closed_at(at)
    assert row < 0 or history.ts[row] + history.bar_s <= at
    assert row == len(history) - 1 or history.ts[row + 1] + history.bar_s > at


@settings(max_examples=40, deadline=None)
@given(history=histories(), after=st.integers(0, 10**6), noise=st.integers(1, 10**6))
def test_another_future_does_not_change_what_was_known(history, after, noise):
    at = history.since + after

    def altered(each):
        later = each.ts > at
        values = each.values.copy()
        values[later] = values[later] + noise if each.key.kind in FLOATS else 1
        return Series(each.key, each.ts.copy(), values, each.interval_h, each.updated_at)

    unlike = {key: altered(each) for key, each in history.series.items()}
    bars = {}
    for key, each in history.bars.items():
        over = history.ts + history.bar_s <= at
        bars[key] = Bars(*(np.where(over, array, 1) for array in each.arrays()))
    other = History(history.bar_s, history.ts, bars, unlike)
    for key in history.series:
        assert other.as_of(key, at) == history.as_of(key, at)
    for key in history.bars:
        if history.closed_at(at) >= 0:
            assert other.close_as_of(key, at) == history.close_as_of(key, at)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(3, 30))
def test_a_row_out_of_place_is_named_by_its_line(data, count):
    rows = bar_rows(count)
    line = data.draw(st.integers(3, count + 1))
    row = rows[line - 1]
    fault = data.draw(st.sampled_from(["swapped", "doubled", "misaligned"]))
    if fault == "swapped":
        rows[line - 2], rows[line - 1] = row, rows[line - 2]
        expected = (codes.ORDER, line)
    elif fault == "doubled":
        rows.insert(line, list(row))
        expected = (codes.DUPLICATE, line + 1)
    else:
        row[0] = str(int(row[0]) + data.draw(st.integers(1, HOUR - 1)))
        expected = (codes.MISALIGNED, line)
    with tempfile.TemporaryDirectory() as folder:
        assert refused(Path(folder), rows) == [expected]


SCALARS: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats() | st.just([])
)
NAMED = st.sampled_from(
    [
        "kind",
        "venue",
        "asset",
        "file",
        "time",
        "time_format",
        "where",
        "unit",
        "fill",
        "open",
        "value",
    ]
)
HINTS = st.sampled_from(
    ["bars", "rate", "gas", "oracle", "bars.csv", "../bars.csv", "ts", "close", "~x"]
)


@settings(max_examples=150, deadline=None)
@given(
    whole=st.dictionaries(st.sampled_from(["bar", "since", "until", "source", "sources"]), SCALARS),
    source=st.dictionaries(NAMED, SCALARS | HINTS),
)
def test_no_description_ends_in_anything_but_a_history_or_a_refusal(whole, source):
    valid = {"bar": "1h", "sources": {"p": {**bars_source(), **source}}}
    with tempfile.TemporaryDirectory() as folder:
        write_csv(Path(folder) / "bars.csv", bar_rows(3))
        for each in (valid, {**valid, **whole}, whole):
            file = Path(folder) / "history.yaml"
            file.write_text(yaml.safe_dump(each))
            with suppress(DataError, MalformedError):
                assert len(load_history(file).history) == 3
