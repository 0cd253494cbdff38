"""Nothing is told before it was known."""

from __future__ import annotations

import numpy as np
import pytest

from leverd.backtest.history import (
    Bars,
    BarsKey,
    History,
    Kind,
    Series,
    SeriesKey,
    Side,
)
from leverd.errors import DataError

ETH = BarsKey("x", "ETH")
RATE = SeriesKey(Kind.RATE, "aave", "USDC", Side.BORROW)
INDEX = SeriesKey(Kind.INDEX, "aave", "USDC", Side.BORROW)
T0 = 1_700_002_800


def ints(*values):
    return np.array(values, dtype=np.int64)


def history():
    ts = ints(T0, T0 + 3600, T0 + 7200)
    bars = Bars(ints(10, 11, 12), ints(13, 14, 15), ints(7, 8, 9), ints(11, 12, 13))
    rate = Series(RATE, ints(T0 - 60, T0 + 5, T0 + 4000), np.array([0.01, 0.02, 0.03]))
    index = Series(INDEX, ints(T0), np.array([[10**9, 7]], dtype=np.int64))
    return History(3600, ts, {ETH: bars}, {RATE: rate, INDEX: index})


@pytest.mark.parametrize(
    ("at", "value"),
    [(T0 - 60, 0.01), (T0 + 4, 0.01), (T0 + 5, 0.02), (T0 + 3999, 0.02), (T0 + 4000, 0.03)],
)
def test_a_value_is_known_from_its_own_second_on(at, value):
    assert history().as_of(RATE, at) == value


def test_before_its_first_row_nothing_is_known_of_a_series():
    with pytest.raises(DataError, match="nothing is known") as caught:
        history().as_of(RATE, T0 - 61)
    assert caught.value.code == "LVD-DAT-025"


def test_a_close_is_known_when_its_bar_is_over_and_not_before():
    found = history()
    with pytest.raises(DataError):
        found.close_as_of(ETH, T0 + 3599)
    assert found.close_as_of(ETH, T0 + 3600) == 11
    assert found.close_as_of(ETH, T0 + 7199) == 11
    assert found.close_as_of(ETH, T0 + 7200) == 12


def test_a_bar_has_opened_in_its_own_second_and_not_before():
    found = history()
    assert [found.opened_at(at) for at in (T0 - 1, T0, T0 + 3599, T0 + 3600)] == [-1, 0, 0, 1]


def test_an_index_comes_back_to_the_last_digit():
    assert history().as_of(INDEX, T0) == 10**27 + 7


def test_many_rows_are_found_as_each_alone():
    series = history().series_of(RATE)
    times = ints(T0 - 61, T0 - 60, T0 + 5, T0 + 10**6)
    assert series.rows_at(times).tolist() == [series.row_at(int(at)) for at in times]


def test_a_slice_keeps_what_already_holds_when_it_begins():
    part = history().slice(T0 + 3600, T0 + 7200)
    assert part.ts.tolist() == [T0 + 3600]
    assert part.bars_of(ETH).close.tolist() == [12]
    assert part.as_of(RATE, T0 + 3600) == 0.02
    assert len(part.series_of(RATE)) == 2  # T0 + 4000 is within, T0 - 60 holds no more


def test_a_slice_does_not_hold_what_comes_after_it():
    part = history().slice(T0, T0 + 3600)
    assert part.as_of(RATE, T0 + 10**6) == 0.02


@pytest.mark.parametrize(
    ("since", "until"),
    [(T0 - 1, T0 + 3600), (T0, T0 + 10_801), (T0 + 3600, T0 + 3600), (T0 + 3600, T0)],
)
def test_a_time_outside_of_the_data_is_refused_with_what_is_there(since, until):
    with pytest.raises(DataError, match="is not within the data") as caught:
        history().slice(since, until)
    assert "2023-11-14T23:00:00Z" in caught.value.remedy


def test_a_hole_that_was_left_out_is_no_slice():
    ts = ints(T0, T0 + 36_000)
    found = History(3600, ts, {ETH: Bars(*(ints(1, 1) for _ in range(4)))}, {})
    with pytest.raises(DataError, match="they are left out"):
        found.slice(T0 + 3600, T0 + 7200)


def test_what_is_not_there_is_refused_with_what_is():
    with pytest.raises(DataError, match="no bars x BTC") as caught:
        history().bars_of(BarsKey("x", "BTC"))
    assert "bars x ETH" in caught.value.remedy
    with pytest.raises(DataError, match="no gas"):
        history().series_of(SeriesKey(Kind.GAS, "ethereum", "", Side.TIP))


def test_no_array_can_be_written():
    found = history()
    for array in (found.ts, found.bars_of(ETH).low, found.series_of(RATE).values):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_digest_tells_every_number_apart():
    one, other = history(), history()
    assert one.digest() == other.digest()
    moved = Bars(ints(10, 11, 12), ints(13, 14, 15), ints(7, 8, 9), ints(11, 12, 14))
    assert History(3600, one.ts, {ETH: moved}, one.series).digest() != one.digest()
    assert History(1800, one.ts, one.bars, one.series).digest() != one.digest()


def test_floats_are_whole_units():
    found = history()
    assert found.series_of(INDEX).floats().tolist() == [1.0]
    assert found.series_of(RATE).floats().tolist() == [0.01, 0.02, 0.03]
    lst = Series(
        SeriesKey(Kind.LST_RATE, "lido", "wstETH"), ints(T0), ints(1_170_000_000_000_000_000)
    )
    assert lst.floats().tolist() == [1.17]
