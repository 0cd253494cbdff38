"""The year that needs no data: always the same, whole, and with a crash in it."""

from __future__ import annotations

import numpy as np
import pytest

from leverd.backtest.history.keys import BarsKey, Kind, SeriesKey, Side
from leverd.backtest.replay.synthetic import NAME, synthetic
from leverd.backtest.replay.timerange import part_of
from leverd.errors import DataError

ETHER = BarsKey(NAME, "ETH")


def test_the_same_draw_is_the_same_year_and_another_is_another():
    assert synthetic(1).digest() == synthetic(1).digest()
    assert synthetic(1).digest() != synthetic(2).digest()


@pytest.mark.parametrize("draw", range(5))
def test_bars_are_whole_and_the_price_falls_by_two_fifths_within_thirty_hours(draw):
    year = synthetic(draw)
    bars = year.bars_of(ETHER)
    assert len(year) == 8_760
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.open[1:] == bars.close[:-1])
    begins = 8_760 * 2 // 3
    fallen = 1 - bars.close[begins + 29] / bars.close[begins - 1]
    assert fallen == pytest.approx(0.42, abs=0.03)
    assert bars.close[-1] / bars.open[0] == pytest.approx(1.2, abs=0.1)


def test_rates_and_fees_are_within_what_markets_show():
    year = synthetic(3)
    paid = year.series_of(SeriesKey(Kind.RATE, NAME, "USDC", Side.BORROW)).floats()
    earned = year.series_of(SeriesKey(Kind.RATE, NAME, "USDC", Side.SUPPLY)).floats()
    assert np.all((paid >= 0.01) & (paid <= 0.3))
    assert np.all(earned < paid)
    fees = year.series_of(SeriesKey(Kind.GAS, NAME, side=Side.BASE_FEE)).values
    assert 10**9 < fees.min() < fees.max() < 10**11


def test_a_time_range_takes_whole_days_and_may_be_open_at_one_end():
    year = synthetic(1)
    assert len(part_of(year, "20230201-20230203")) == 48
    assert len(part_of(year, "20231231-")) == 24
    assert part_of(year, "-20230102").until == year.since + 86_400
    assert part_of(year, "") is year


@pytest.mark.parametrize("text", ["-", "2023-2024", "20230231-", "20230101", "20220101-20230101"])
def test_a_time_range_that_is_none_or_lies_elsewhere_is_refused(text):
    with pytest.raises(DataError) as refused:
        part_of(synthetic(1), text)
    assert refused.value.code == "LVD-DAT-023"
