"""Only what was known is learnt from, and only skill beyond luck is called skill."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.predictions import HOUR, START
from tests.unit.predict import pasts

from leverd.domain.outcomes import loss as exact_loss
from leverd.domain.prediction import MICRO, Quantity
from leverd.errors import PredictionError
from leverd.predict.models import fit
from leverd.predict.samples import aim_of, base_of, samples_of, value_of
from leverd.predict.scoring import Forecasts, losses, score, standard_errors
from leverd.predict.walk_forward import walk_forward

QUANTITIES = [each for each in Quantity if each is not Quantity.PRICE]


def test_volatility_that_wanders_is_forecast_better_than_by_any_baseline():
    walked = pasts.trained()[1]
    assert walked.scores.skill > 0.05
    assert walked.scores.t > 2
    assert walked.scores.card.surely
    assert abs(walked.scores.coverage - 0.8) < 0.1
    assert list(walked.scores.calibration) == ["50%", "80%", "90%", "95%"]
    assert sorted(walked.scores.calibration.values()) == list(walked.scores.calibration.values())


def test_direction_of_a_walk_is_no_skill():
    found = walk_forward(pasts.samples(quantity=Quantity.DIRECTION), pasts.WALK).scores
    assert not (found.skill > 0 and found.card.surely)


@pytest.mark.parametrize("quantity", [Quantity.BORROW_RATE, Quantity.FUNDING])
def test_rates_that_swing_are_forecast_better_than_as_they_are(quantity):
    found = walk_forward(pasts.samples(quantity=quantity), pasts.WALK).scores
    assert found.skill > 0.1
    assert found.best in {"last", "mean"}


def test_another_future_leaves_every_forecast_before_it_as_it_was():
    bars, cut = pasts.bars(), 1_900
    later = [
        replace(bar, high=bar.high * 3, last=replace(bar.last, price=bar.close * (1 + n % 2)))
        for n, bar in enumerate(bars[cut:])
    ]
    other = samples_of([*bars[:cut], *later], Quantity.VOLATILITY, 6 * HOUR, HOUR)
    one, two = (walk_forward(each, pasts.WALK).forecasts for each in (pasts.samples(), other))
    known = one.at <= bars[cut - 1].at
    assert known.sum() > 300
    assert np.array_equal(one.value[known], two.value[two.at <= bars[cut - 1].at])
    assert not np.array_equal(one.value[~known], two.value[two.at > bars[cut - 1].at])


@pytest.mark.parametrize("quantity", [Quantity.BORROW_RATE, Quantity.FUNDING])
def test_rates_that_begin_after_the_prices_are_learnt_from_where_they_begin(quantity):
    bars, begin = pasts.bars(), 300
    name = {Quantity.BORROW_RATE: "borrow_rate", Quantity.FUNDING: "funding"}[quantity]
    late = [replace(bar, last=replace(bar.last, **{name: None})) for bar in bars[:begin]]
    found = samples_of([*late, *bars[begin:]], quantity, 6 * HOUR, HOUR)
    assert found.at[0] >= bars[begin].at
    assert np.isfinite(base_of(quantity, found.rows)).all()
    assert walk_forward(found, pasts.WALK).scores.skill > 0.1


def test_what_is_learnt_at_a_time_was_known_by_then():
    known = pasts.samples().known_by(START + 500 * HOUR)
    assert int(known.at[-1]) + 6 * HOUR == START + 500 * HOUR
    assert np.isfinite(known.truth).all()


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_forecast_is_the_inverse_of_what_is_learnt(quantity):
    samples = pasts.samples(quantity=quantity)
    known = samples.known_by(10**12)
    again = value_of(quantity, aim_of(known), known.rows, known.horizon_s)
    assert np.allclose(again, np.maximum(known.truth, -10), atol=1e-9)
    assert np.isfinite(base_of(quantity, known.rows)).all()


@pytest.mark.parametrize("quantity", list(Quantity))
def test_losses_are_those_the_journal_counts(quantity):
    rng = np.random.default_rng(3)
    values, truths = rng.uniform(0.01, 2, 50), rng.uniform(0.01, 2, 50)
    if quantity is Quantity.DIRECTION:
        values, truths = values - 1, truths - 1
    for value, truth, found in zip(values, truths, losses(quantity, values, truths), strict=True):
        exact = exact_loss(quantity, round(value * MICRO), round(truth * MICRO))
        assert found == pytest.approx(exact / MICRO, abs=2e-4)


def test_forecasts_that_overlap_count_once():
    at = START + HOUR * np.arange(100)
    ones = np.ones(100)
    found = score(
        Forecasts(Quantity.VOLATILITY, 10 * HOUR, at, ones, ones, ones, ones, {"x": ones * 2}), {}
    )
    assert found.scored == 10
    assert found.skill == 1
    assert found.coverage == 1


def test_a_mean_of_one_or_of_equals_says_nothing():
    assert standard_errors(np.array([1.0])) == 0
    assert standard_errors(np.array([1.0, 1.0])) == 0


def test_too_little_to_learn_from_is_refused():
    few = pasts.samples().part(np.arange(len(pasts.samples())) < 900)
    for teach in (fit, lambda each: walk_forward(each, pasts.WALK)):
        with pytest.raises(PredictionError) as caught:
            teach(few)
        assert caught.value.code == "LVD-PRD-016"
    nothing = few.part(few.at < 0)
    with pytest.raises(PredictionError):
        walk_forward(nothing, pasts.WALK)


def test_a_horizon_as_long_as_the_history_is_refused():
    samples = replace(pasts.samples(), horizon_s=10**9)
    with pytest.raises(PredictionError) as caught:
        fit(samples)
    assert caught.value.code == "LVD-PRD-016"


def test_a_missing_bar_leaves_outcomes_unknown():
    bars = pasts.bars(400)
    found = samples_of([*bars[:200], *bars[203:]], Quantity.VOLATILITY, 6 * HOUR, HOUR)
    assert np.isnan(found.truth[:-6]).sum() >= 6
    assert found.digest() != pasts.samples(400).digest()
