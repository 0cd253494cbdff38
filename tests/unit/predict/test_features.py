"""Features know nothing of the future, and are the same live as in training."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.predictions import HOUR
from tests.unit.predict import pasts

from leverd.predict import estimators
from leverd.predict.features import BARS_MIN, NAMES, Features


def rows(bars):
    features = Features(HOUR)
    return [features.update(bar) for bar in bars]


def same(one, other):
    return one is other is None or np.array_equal(one, other, equal_nan=True)


@settings(max_examples=20, deadline=None)
@given(cut=st.integers(60, 400), seed=st.integers(2, 9))
def test_another_future_leaves_every_row_before_it_as_it_was(cut, seed):
    one, other = pasts.bars(420), pasts.bars(420, seed)
    mixed = [*one[:cut], *other[cut:]]
    for a, b in zip(rows(one)[:cut], rows(mixed)[:cut], strict=True):
        assert same(a, b)
    assert not same(rows(one)[-1], rows(mixed)[-1])


def test_a_row_depends_on_the_newest_bars_only_however_long_it_ran():
    long = rows(pasts.bars(6_000))[-1]
    short = rows(pasts.bars(6_000)[-240:])[-1]
    assert np.allclose(long, short, equal_nan=True, rtol=1e-12)


def test_there_is_nothing_to_say_of_two_days_and_then_a_number_for_each_name():
    found = rows(pasts.bars(300))
    assert all(each is None for each in found[: BARS_MIN - 1])
    assert all(each is not None and len(each) == len(NAMES) for each in found[BARS_MIN - 1 :])
    assert np.isfinite(found[-1]).sum() == len(NAMES) - 1  # nobody says what the basis is


def test_a_hole_begins_anew_and_a_short_one_does_not():
    bars = pasts.bars(200)
    assert rows([*bars[:100], *bars[102:]])[100] is not None
    assert rows([*bars[:100], *bars[104:]])[100] is None


def test_an_older_bar_adds_nothing():
    features, bars = Features(HOUR), pasts.bars(60)
    for bar in bars:
        features.update(bar)
    assert features.update(bars[-1]) is None


def test_what_nobody_says_is_no_number():
    bars = [
        replace(bar, last=replace(bar.last, borrow_rate=None, base_fee=None))
        for bar in pasts.bars(60)
    ]
    found = dict(zip(NAMES, rows(bars)[-1], strict=True))
    assert math.isnan(found["borrow_rate"])
    assert math.isnan(found["gas_to_usual"])
    assert math.isfinite(found["supply_rate"])


def test_a_price_that_stands_still_has_finite_features():
    still = pasts.bars(60)[0]
    bars = [
        replace(
            still,
            at=still.at + HOUR * n,
            open=10**8,
            high=10**8,
            low=10**8,
            last=replace(still.last, price=10**8),
        )
        for n in range(300)
    ]
    assert np.isfinite(rows(bars)[-1]).sum() == len(NAMES) - 1


@pytest.mark.parametrize("volatility", [0.3, 1.2])
def test_each_estimator_finds_the_volatility_of_a_walk(volatility):
    rng = np.random.default_rng(7)
    count, steps = 4_000, 60
    each = volatility / math.sqrt(365 * 24 * steps)
    path = np.cumsum(rng.normal(0, each, (count, steps)).reshape(-1)).reshape(count, steps)
    closes = path[:, -1]
    opens = np.concatenate([[0.0], closes[:-1]])
    highs = np.maximum(opens, path.max(axis=1))
    lows = np.minimum(opens, path.min(axis=1))
    found = {
        "close": estimators.close_close(np.diff(closes), HOUR),
        "weighted": estimators.weighted(np.diff(closes), 0.999, HOUR),
        "parkinson": estimators.parkinson(highs, lows, HOUR),
        "garman klass": estimators.garman_klass(opens, highs, lows, closes, HOUR),
        "yang zhang": estimators.yang_zhang(opens, highs, lows, closes, HOUR),
    }
    for name, value in found.items():
        assert value == pytest.approx(volatility, rel=0.12), name


def test_ranges_of_nothing_have_no_volatility():
    flat = np.zeros(5)
    assert estimators.garman_klass(flat, flat, flat, flat, HOUR) == 0
    assert estimators.yang_zhang(flat, flat, flat, flat, HOUR) == 0
