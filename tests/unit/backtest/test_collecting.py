"""The collector is asked rarely while a replay runs, and as before after it."""

from __future__ import annotations

import gc

import pytest

from leverd.backtest.replay.collecting import rarely


@pytest.fixture
def threshold():
    """Return how to set the collector's thresholds, which are put back."""
    before = gc.get_threshold()
    yield gc.set_threshold
    gc.set_threshold(*before)


def test_it_looks_rarely_until_the_end(threshold):
    threshold(700, 10, 10)
    with rarely():
        assert gc.get_threshold() == (50_000, 10, 10)
    assert gc.get_threshold() == (700, 10, 10)


def test_it_looks_as_before_after_a_failure(threshold):
    threshold(700, 10, 10)
    with pytest.raises(ZeroDivisionError), rarely():
        1 / 0  # noqa: B018 -- the failure
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("first", [0, 60_000])
def test_whoever_asks_for_less_keeps_it(threshold, first):
    threshold(first, 10, 10)
    with rarely():
        assert gc.get_threshold() == (first, 10, 10)
