"""What a report draws of a replay agrees with what the replay's journal says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import replays

from leverd.backtest.replay.curves import record_of
from leverd.backtest.replay.models import Walk
from leverd.backtest.report.findings import findings_of

HOURS = 900


def found(walk, **chain):
    """Return what a report tells of a run, and the run."""
    closes = replays.prices(HOURS)
    bars = None if walk is Walk.CLOSE else replays.walked(closes)
    models = replace(replays.MODELS, walk=walk, chain=replace(replays.FREE, **chain))
    kept = replays.rules()
    run = replays.replay(replays.history(closes, bars=bars), kept, models=models)
    return findings_of(record_of(run, kept, "", "")), run


@pytest.mark.parametrize("walk", [Walk.CLOSE, Walk.WORST_FIRST])
@pytest.mark.parametrize("base_fee", [0, 10**11])
def test_the_return_is_what_a_unit_gained_with_the_opening_paid(walk, base_fee):
    told, run = found(walk, delay_s=24, base_fee=base_fee)
    curve, marks = told.record.curve, told.books.marks
    assert curve.ts[0] == marks[0].snapshot.at == run.world.points.at[0]
    assert curve.unit[0] == 1
    assert told.metrics.total_return == pytest.approx(marks[-1].unit_price / 10**8 - 1, abs=2e-8)


def test_the_most_leverage_is_what_an_act_found_and_not_what_it_left():
    told, _ = found(Walk.WORST_FIRST)
    met = [float(act.before.leverage) for act in told.acts if act.agent]
    rows = told.record.curve.leverage
    assert max(met) > rows[np.isfinite(rows)].max() + 0.01
    assert told.metrics.leverage_max >= max(met) * (1 - 1e-9)


def test_every_row_tells_of_the_points_since_the_row_before():
    told, run = found(Walk.WORST_FIRST)
    curve = told.record.curve
    assert len(curve) == HOURS + 1
    assert curve.health_low.min() == pytest.approx(run.lowest_health / 10**18, rel=1e-9)
    assert (curve.health_low <= curve.health).all()
    assert (curve.leverage_high >= curve.leverage).all()
