"""Models and simple forecasts as predictors: bar by bar, honest about what they do not know."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest
from tests.predictions import HOUR
from tests.unit.predict import pasts

from leverd.domain.bars import Past
from leverd.domain.prediction import MICRO, Quantity, refusal
from leverd.errors import PredictionError
from leverd.predict.drift import Drift
from leverd.predict.model_predictor import ModelPredictor
from leverd.predict.retraining import AtOnce, Beside
from leverd.predict.simple import Simple
from leverd.predict.store import opened
from leverd.predict.walk_forward import Walk


def after(bars):
    return Past("WETH", HOUR, bars)


def asked(predictor, bars, since):
    """Return what a predictor says at each bar from `since` on: predictions or error codes."""
    said = []
    for end in range(since, len(bars) + 1):
        try:
            said.append(predictor.predict(after(bars[max(end - 2_000, 0) : end])))
        except PredictionError as error:
            said.append(error.code)
    return said


def model(**how):
    how.setdefault("stored", pasts.trained()[0])
    return ModelPredictor("eth-vol", pasts.PURPOSE, **how)


def later(count=2_600):
    return pasts.bars(count)


def test_it_says_what_the_model_says_of_the_row_of_now():
    bars = later()
    found = model().predict(after(bars))
    stored = pasts.trained()[0]
    row = pasts.samples(2_600).rows[-1:]
    value, low, high = opened(stored).forecast(row, 0.8)
    assert found.value == round(float(value[0]) * MICRO)
    assert (found.interval.low, found.interval.high) == (
        round(float(low[0]) * MICRO),
        round(float(high[0]) * MICRO),
    )
    assert found.confidence == 800_000
    assert found.source == "eth-vol"
    assert found.model_version == stored.version
    assert refusal(found, now=bars[-1].at) is None


def test_bar_by_bar_is_the_same_as_all_at_once():
    bars, slow = later(), model()
    said = asked(slow, bars, 2_450)
    assert said[-1] == model().predict(after(bars[-2_000:]))


def test_what_came_before_its_model_is_not_predicted():
    assert asked(model(), pasts.bars()[:300], 299) == ["LVD-PRD-018", "LVD-PRD-018"]


def test_its_card_is_its_score_out_of_sample():
    predictor = model()
    assert predictor.card == pasts.trained()[1].scores.card
    assert (predictor.subject, predictor.quantity, predictor.horizon_s, predictor.name) == (
        "WETH",
        Quantity.VOLATILITY,
        6 * HOUR,
        "eth-vol",
    )
    predictor.close()


def test_too_few_bars_say_so():
    bars = later()[-20:]
    assert asked(model(), bars, 20) == ["LVD-PRD-016"]


def test_a_world_it_does_not_know_is_drift():
    wild = [
        replace(
            bar,
            high=bar.high * 2,
            last=replace(bar.last, price=bar.close * (1 + n % 2), borrow_rate=10**7),
        )
        for n, bar in enumerate(later()[-200:])
    ]
    assert asked(model(), wild, 200) == ["LVD-PRD-015"]


def test_drift_is_usual_where_nothing_is_known():
    empty = Drift(())
    empty.note(np.zeros(3))
    assert not empty.is_far
    known = Drift([(0.0, 1.0)] * 3)
    known.note(np.array([5.0, np.nan, 0.5]))
    assert known.share == 0.5
    assert known.is_far


def test_without_a_model_it_learns_until_there_is_one():
    bars, learner = later(), model(stored=None, bench=AtOnce(), walk=pasts.WALK)
    said = asked(learner, bars[:2_000], 1)
    codes = [each for each in said if isinstance(each, str)]
    assert set(codes) == {"LVD-PRD-016"}
    first = next(each for each in said if not isinstance(each, str))
    known = first.made_at
    assert learner.card is not None
    assert isinstance(said[-1].value, int)
    assert known > bars[1_000].at
    versions = {each.model_version for each in said if not isinstance(each, str)}
    assert len(versions) >= 2


def test_what_it_learns_as_it_goes_never_knows_the_future():
    cut = 1_700
    bars = later()
    other = [*bars[:cut], *(replace(bar, high=bar.high * 2) for bar in bars[cut:2_000])]
    one, two = (
        asked(model(stored=None, bench=AtOnce(), walk=pasts.WALK), each[:2_000], 1)
        for each in (bars, other)
    )
    assert one[:cut] == two[:cut]
    assert one[cut:] != two[cut:]


class Slow:
    """A bench whose answers come when the test says so."""

    def __init__(self):
        self.jobs = []
        self.closed = False

    def begin(self, samples, subject, walk):
        self.jobs.append((samples, subject, walk, Future()))
        return self.jobs[-1][-1]

    def close(self):
        self.closed = True


def test_the_old_model_speaks_while_the_new_one_is_made_and_if_it_fails():
    bench, bars = Slow(), later()
    walk = Walk(learn_s=60 * pasts.DAY, step_s=pasts.DAY)
    predictor = model(bench=bench, walk=walk)
    old = pasts.trained()[0].version
    said = asked(predictor, bars, 2_500)
    assert {each.model_version for each in said} == {old}
    assert not bench.jobs[0][-1].done()
    assert len(bench.jobs) == 1
    bench.jobs[0][-1].set_exception(MemoryError())
    more = pasts.bars(2_700)
    assert {each.model_version for each in asked(predictor, more, 2_601)} == {old}
    assert len(bench.jobs) == 2
    predictor.close()
    assert bench.closed


def test_one_that_never_learnt_says_why():
    bench = Slow()
    learner = model(stored=None, bench=bench, walk=pasts.WALK)
    asked(learner, later()[:1_300], 1_000)
    bench.jobs[0][-1].set_exception(PredictionError("all is noise", number=16))
    with pytest.raises(PredictionError, match="all is noise"):
        learner.predict(after(later()[:1_301]))


def test_a_worker_process_makes_the_model_that_would_be_made_here():
    bench = Beside()
    try:
        stored = bench.begin(pasts.samples(), "WETH", pasts.WALK).result()
    finally:
        bench.close()
    assert stored.card.data == pasts.trained()[0].card.data
    assert stored.card.scores == pasts.trained()[0].card.scores


def test_a_worker_that_finds_nothing_says_so_and_one_that_is_ended_is_no_model():
    bench = Beside()
    begun = bench.begin(pasts.samples(200), "WETH", pasts.WALK)
    with pytest.raises(PredictionError, match="no model was fitted"):
        begun.result()
    ended = bench.begin(pasts.samples(), "WETH", pasts.WALK)
    assert not ended.done()
    ended._process.kill()
    ended._process.join()
    assert ended.done()
    with pytest.raises(PredictionError, match="died"):
        ended.result()
    bench.close()
    bench.close()


def test_a_stop_does_not_wait_for_a_fit():
    bench = Beside()
    begun = bench.begin(pasts.samples(), "WETH", pasts.WALK)
    bench.close()
    assert not begun._process.is_alive()


def test_at_once_an_error_is_kept_for_whoever_asks():
    begun = AtOnce().begin(pasts.samples(200), "WETH", pasts.WALK)
    assert isinstance(begun.exception(), PredictionError)
    AtOnce().close()


@pytest.mark.parametrize("quantity", [Quantity.VOLATILITY, Quantity.BORROW_RATE])
def test_the_simplest_forecast_says_that_what_is_goes_on(quantity):
    simple = Simple("ewma", "WETH", quantity, 6 * HOUR)
    assert simple.card is None
    said = asked(simple, pasts.bars()[:400], 1)
    codes = {each for each in said if isinstance(each, str)}
    assert codes <= {"LVD-PRD-016", "LVD-PRD-001"}
    last = said[-1]
    assert refusal(last, now=pasts.bars()[399].at) is None
    assert last.interval.low < last.value < last.interval.high
    simple.close()
