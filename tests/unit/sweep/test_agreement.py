"""What agreement is, and that a number which is none is none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.sweep.pasts import PLAIN, walk
from tests.unit.sweep.runs import exact, fast, put_in, zeros

from leverd.backtest.sweep import chunk, kernel
from leverd.backtest.sweep.agreement import disagreement
from leverd.backtest.sweep.bare import bare
from leverd.backtest.sweep.blocks import ground
from leverd.backtest.sweep.checking import sampled
from leverd.backtest.sweep.configuration import rows
from leverd.backtest.sweep.outcome import COLUMNS

PAST = walk(400, seed=2, period=24)
EDGE, SHALLOW = COLUMNS.index("edge"), COLUMNS.index("shallow")


@pytest.mark.parametrize("name", ["equity", "health_low", "fees", "boosts", "drawdown", "mean"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_number_agrees_with_nothing(name, value):
    ours, theirs = fast(PLAIN, PAST), exact(PLAIN, PAST)
    assert disagreement(ours, theirs, put_in(PAST)) == ""
    assert name in disagreement(replace(ours, **{name: value}), theirs, put_in(PAST))


def test_a_health_that_nothing_is_owed_against_agrees_with_itself():
    ours, theirs = (replace(each(PLAIN, PAST), health_low=math.inf) for each in (fast, exact))
    assert disagreement(ours, theirs, put_in(PAST)) == ""


def test_what_is_allowed_beside_is_allowed_of_equity_and_not_of_counts():
    ours, theirs = fast(PLAIN, PAST), exact(PLAIN, PAST)
    off = replace(theirs, equity=theirs.equity * (1 + 5e-8))
    assert "equity" in disagreement(ours, off, put_in(PAST))
    assert disagreement(ours, off, put_in(PAST), loose=1e-7) == ""
    more = replace(theirs, boosts=theirs.boosts + 1)
    assert "boosts" in disagreement(ours, more, put_in(PAST), loose=1.0)


def test_a_row_without_a_distance_is_run_exactly(monkeypatch):
    over, table = ground(PAST, zeros(PAST)), rows([PLAIN, PLAIN])
    sweep = kernel.sweep

    def spoilt(*given):
        sweep(*given)
        given[-1][0] = math.nan

    monkeypatch.setattr(kernel, "sweep", spoilt)
    one, other = chunk.results_of(table, over, bare)
    assert np.isnan(one[EDGE])
    assert one[0] == other[0] == exact(PLAIN, PAST).equity


def test_what_met_too_shallow_a_pool_is_in_no_sample():
    over = ground(PAST, zeros(PAST))
    thin = replace(PLAIN, depth=20_000 * 10**8)
    table = rows([PLAIN, thin])
    results = chunk.results_of(table, over, bare)
    assert (results[0, SHALLOW], results[1, SHALLOW] > 0) == (0, True)
    assert sampled(results, 2) == [0]
    assert exact(thin, PAST).shallow == results[1, SHALLOW]
