"""What came true is told from bars, and not told where bars are missing."""

from __future__ import annotations

import math

import pytest
from tests.predictions import DAY, HOUR, START, bars

from leverd.domain.outcomes import YEAR_S, baseline, ewma, loss, outcome, volatility
from leverd.domain.prediction import MICRO, Quantity

PRICES = [100 * 10**8 + (number % 2) * 10**8 for number in range(25)]
KNOWN = bars(PRICES, borrow_rate=50_000, funding=7)
SINCE = START + HOUR


def told(quantity, known=None):
    known = KNOWN if known is None else known
    return outcome(quantity, known, made_at=SINCE, until=SINCE + DAY, bar_s=HOUR)


def test_volatility_is_the_root_of_squares_a_year():
    hourly = math.log(1.01)
    expected = hourly * math.sqrt(YEAR_S / HOUR)
    assert told(Quantity.VOLATILITY) == pytest.approx(expected * MICRO, abs=1)
    assert volatility([100, 100], HOUR) == 0


def test_each_quantity_has_its_truth():
    rising = bars([100 * 10**8 + number * 10**8 for number in range(25)], borrow_rate=9)
    assert told(Quantity.DIRECTION, rising) == round(math.log(1.24) * MICRO)
    assert told(Quantity.PRICE, rising) == 124 * MICRO
    assert told(Quantity.BORROW_RATE) == 50_000
    assert told(Quantity.FUNDING) == 7
    assert told(Quantity.FUNDING, rising) is None


@pytest.mark.parametrize(
    "known", [[], KNOWN[1:], KNOWN[:-1], [*KNOWN[:5], *KNOWN[15:]]], ids=str.__class__
)
def test_nothing_is_true_where_bars_are_missing(known):
    assert told(Quantity.VOLATILITY, known) is None


def test_baselines_are_the_simplest_forecasts():
    assert baseline(Quantity.DIRECTION, KNOWN, HOUR) == 1
    assert baseline(Quantity.PRICE, KNOWN, HOUR) == PRICES[-1] // 100
    assert baseline(Quantity.BORROW_RATE, KNOWN, HOUR) == 50_000
    assert baseline(Quantity.FUNDING, KNOWN, HOUR) == 7
    steady = math.log(1.01) * math.sqrt(YEAR_S / HOUR) * MICRO
    assert baseline(Quantity.VOLATILITY, KNOWN, HOUR) == pytest.approx(steady, abs=1)


def test_a_day_of_returns_is_the_least_there_must_be():
    assert ewma([100] * 24, HOUR) is None
    assert ewma([100] * 25, HOUR) == 0


def test_recent_moves_weigh_more():
    calm = [100.0] * 50
    assert ewma([*calm, 110], HOUR) > ewma([110, *calm], HOUR)


def test_losses_grow_with_the_miss_and_are_nothing_when_right():
    for quantity in Quantity:
        assert loss(quantity, 500, 500) == 0
    assert loss(Quantity.VOLATILITY, 2 * MICRO, MICRO) == round(math.log(2) * MICRO)
    assert loss(Quantity.PRICE, MICRO, 2 * MICRO) == round(math.log(2) * MICRO)
    assert loss(Quantity.DIRECTION, -1, 300) == 300
    assert loss(Quantity.DIRECTION, 1, 300) == 0
    assert loss(Quantity.BORROW_RATE, 5, 9) == loss(Quantity.FUNDING, 9, 5) == 4
    assert loss(Quantity.VOLATILITY, 0, 0) == 0
