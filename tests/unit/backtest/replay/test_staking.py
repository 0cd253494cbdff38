"""A staked token in a replay: what its rate earned is told apart from what its price did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import replays

from leverd.backtest.history.keys import Kind, SeriesKey
from leverd.backtest.history.series import Series
from leverd.backtest.report.books import books_of
from leverd.domain.fixed_point import WAD

HOURS = 600
KEY = SeriesKey(Kind.LST_RATE, "there", "WETH")


def books(growth, closes):
    """Return the books of a run whose collateral's rate grows by `growth` to the end."""
    ts = replays.SINCE + replays.HOUR * np.arange(HOURS + 1, dtype=np.int64)
    steps = [WAD + int(growth * WAD) * hour // HOURS for hour in range(HOURS + 1)]
    rates = Series(KEY, ts, np.array(steps, dtype=np.int64))
    past = replays.history(closes)
    past = replace(past, series={**past.series, KEY: rates})
    listings = dict(replays.LISTINGS)
    listings[replays.WETH] = replace(listings[replays.WETH], staked_at="there")
    run = replays.replay(past, models=replace(replays.MODELS, listings=listings))
    return books_of(run.entries, replays.MANDATE)


def test_a_rate_that_grows_under_a_price_that_stands_is_all_the_gain():
    still = np.full(HOURS, 2_000 * 10**8, dtype=np.int64)
    found = books(0.02, still)
    assert found.marks[-1].snapshot.staking == {"WETH": pytest.approx(1.02 * WAD, rel=1e-9)}
    held = found.marks[2].snapshot.supplied["WETH"] / WAD
    assert found.pnl.staking / 10**8 == pytest.approx(held * 2_000 * 0.02, rel=0.01)
    assert abs(found.pnl.price) < found.pnl.staking / 10**6  # the oracle has eight places


def test_a_price_that_moves_under_a_rate_that_stands_has_no_staking_in_it():
    closes = replays.prices(HOURS)
    found = books(0, closes)
    assert found.pnl.staking == 0
    assert found.pnl.price != 0


def test_the_lines_move_and_the_sum_does_not():
    closes = replays.prices(HOURS)
    found = books(0.02, closes)
    assert found.pnl.staking > 0
    assert found.began + found.pnl.total - found.pnl.gas + found.flow == found.equity
