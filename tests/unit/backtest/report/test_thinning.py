"""Fewer points for a plot, with every peak and trough of the whole curve kept."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leverd.backtest.report.thinning import POINTS_MAX, kept_rows

FLOATS = st.floats(-1e6, 1e6) | st.sampled_from([np.inf, np.nan, -np.inf])


def test_a_short_curve_is_drawn_whole():
    assert kept_rows(np.arange(POINTS_MAX, dtype=float)).tolist() == list(range(POINTS_MAX))


def test_a_year_of_minutes_keeps_one_minute_of_terror():
    values = np.sin(np.arange(525_600) / 5_000)
    values[300_123], values[77_777] = -9.0, 9.0
    rows = kept_rows(values)
    assert len(rows) <= POINTS_MAX
    assert {0, 77_777, 300_123, 525_599} <= set(rows.tolist())


@given(st.lists(FLOATS, min_size=1, max_size=300), st.integers(8, 64))
def test_what_is_kept_is_in_order_and_reaches_as_far_up_and_down(values, most):
    values = np.array(values)
    rows = kept_rows(values, most)
    assert (np.diff(rows) > 0).all()
    assert rows[0] == 0
    assert rows[-1] == len(values) - 1
    assert len(rows) <= max(most, 4)
    finite, kept = values[np.isfinite(values)], values[rows][np.isfinite(values[rows])]
    if len(finite):
        assert (kept.min(), kept.max()) == (finite.min(), finite.max())
