"""A daemon with predictors: heard when they earned it, and otherwise as if there were none."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.predictions import FREE, Scripted, bars, constant
from tests.unit.engine.daemons import LOOP, Stage

from leverd.agents.storm import StormParams
from leverd.domain.events import DecisionTaken
from leverd.domain.plan_events import PlanApproved
from leverd.domain.prediction_events import (
    BarSeen,
    PredictionIgnored,
    PredictionMade,
    PredictionScored,
)
from leverd.engine.admission import Leave
from leverd.engine.foreseeing import recall
from leverd.engine.foresight import Appointed, Foresight
from leverd.engine.outlook import standing
from leverd.engine.recorder import Recorder

STORMY = LOOP.model_copy(update={"storm": StormParams()})
MINUTE = 60
FORETOLD = (BarSeen, PredictionMade, PredictionScored, PredictionIgnored)


def staged(predictor=None, leave=FREE, loop=STORMY):
    stage = Stage()
    stage.loop = loop
    if predictor is not None:
        stage.foresight = Foresight([Appointed(predictor, leave)], MINUTE)
        since = stage.state.at // MINUTE * MINUTE - 40 * MINUTE
        seen = [3_000 * 10**8 + n % 2 for n in range(36)]
        stage.foresight.recall(
            "WETH", [replace(each, at=since + MINUTE * n) for n, each in enumerate(bars(seen))]
        )
    return stage


def without_predictions(stage):
    events = [entry.event for entry in stage.journal.replay()]
    return [each for each in events if not isinstance(each, FORETOLD)]


async def test_a_storm_ahead_lowers_what_it_opens_at():
    stage = staged(constant(3.0))
    await stage.live(25)
    made = stage.events(PredictionMade)
    assert made
    assert all(each.admitted for each in made)
    assert stage.leverage == pytest.approx(Decimal("1.9"), abs=Decimal("0.01"))
    reasons = [each.reason for each in stage.events(DecisionTaken)]
    assert any("storm 4/4: somebody expects volatility 3.00" in each for each in reasons)
    assert stage.foresight is not None
    assert stage.journal


@pytest.mark.parametrize("how", ["shadow", "broken", "no storm section", "nobody"])
async def test_who_is_not_heard_changes_nothing(how):
    plain = staged(None, loop=LOOP)
    await plain.live(25)

    def fail(_past):
        raise RuntimeError("boom")

    stage = {
        "shadow": lambda: staged(constant(3.0), Leave()),
        "broken": lambda: staged(Scripted(fail)),
        "no storm section": lambda: staged(constant(3.0), loop=LOOP),
        "nobody": staged,
    }[how]()
    await stage.live(25)
    assert without_predictions(stage) == without_predictions(plain)
    assert bool(stage.events(*FORETOLD)) == (how != "nobody")


async def test_a_restart_remembers_what_was_predicted_and_lets_predictors_go():
    predictor = constant(3.0)
    stage = staged(predictor)
    await stage.live(10)
    assert predictor.closed
    recorder = Recorder(stage.journal)
    recorder.restore()
    newest = stage.events(PredictionMade)[-1].prediction
    assert standing(recorder.book.outlook, newest.made_at) == (newest,)
    await stage.live(3)
    assert len(stage.events(PlanApproved)) == 1


async def test_a_restart_goes_on_from_the_bars_that_were_seen():
    stage = staged(constant(3.0))
    await stage.live(10)
    known = stage.foresight.bars("WETH")
    over = [each for each in known if each.at > known[35].at]
    assert len(stage.events(BarSeen)) == len(over) > 3
    again = Foresight([Appointed(constant(3.0), FREE)], MINUTE)
    recall(again, stage.events(BarSeen), MINUTE)
    assert list(again.bars("WETH")) == over
    other = Foresight([Appointed(constant(3.0), FREE)], 2 * MINUTE)
    recall(other, stage.events(BarSeen), 2 * MINUTE)
    assert not other.bars("WETH"), "bars of another length are no past of its own"
    stage.foresight = again
    await stage.live(5)
    ends = [each.at for each in stage.events(BarSeen)]
    assert ends == sorted(set(ends)), "no bar is told twice"


async def test_bars_of_another_scale_are_not_recalled():
    foresight = Foresight([Appointed(constant(3.0), FREE)], MINUTE)
    old = [replace(each, at=MINUTE * n) for n, each in enumerate(bars([5 * 10**8] * 3))]
    new = [replace(each, at=MINUTE * (n + 3)) for n, each in enumerate(bars([3_000 * 10**8] * 2))]
    foresight.recall("WETH", [*old, *new])
    assert list(foresight.bars("WETH")) == new
