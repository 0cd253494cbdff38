"""Predictors are asked once a bar, scored by the truth, and heard when they have earned it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.predictions import (
    DAY,
    FREE,
    GOOD,
    HOUR,
    START,
    Scripted,
    bars,
    constant,
    predicted,
    ticks,
)

from leverd.domain.bars import Tick
from leverd.domain.prediction import MICRO, Interval, Measures, Quantity, Why
from leverd.domain.prediction_events import PredictionIgnored, PredictionMade, PredictionScored
from leverd.engine.admission import Leave, evidence_of
from leverd.engine.foresight import Appointed, Foresight
from leverd.engine.outlook import Skill, fold_prediction, standing
from leverd.errors import PredictionError


def walk(count, volatility=0.8, seed=1):
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, volatility / 8_760**0.5, count)
    return [round(each) for each in 3_000e8 * np.exp(np.cumsum(moves))]


def begun(*predictors, leave=FREE):
    """Return a foresight that has seen a day and a half before START."""
    foresight = Foresight([Appointed(each, leave) for each in predictors], HOUR)
    foresight.recall("WETH", bars(walk(36, seed=9), since=START - 35 * HOUR))
    return foresight


def lived(predictor, prices, leave=FREE, since=START + HOUR):
    """Return every fact of a life of hourly looks, and the outlook at its end."""
    return went(begun(predictor, leave=leave), ticks(prices, since))


def went(foresight, looks, outlook=None):
    facts, outlook = [], outlook or {}
    for tick in looks:
        for fact in foresight.look({"WETH": tick}, outlook):
            facts.append(fact)
            outlook = fold_prediction(outlook, fact)
    return facts, outlook


def of(facts, kind):
    return [each for each in facts if isinstance(each, kind)]


def codes(facts):
    return [each.code for each in of(facts, PredictionIgnored)]


def test_one_prediction_a_bar_is_written_down_whole():
    facts, _ = lived(constant(), walk(10))
    made = of(facts, PredictionMade)
    assert [each.prediction.made_at for each in made] == [START + HOUR * n for n in range(1, 10)]
    assert all(each.admitted and each.skill == GOOD.skill for each in made)


def test_looks_within_a_bar_ask_nobody():
    predictor = constant()
    lived(predictor, walk(100), since=START + 1)
    seen = len(predictor.seen)
    within = [Tick(START + 1 + 30 * n, 3_000 * 10**8) for n in range(100)]
    other = constant()
    went(begun(other), within)
    assert (seen, len(other.seen)) == (99, 0)


def test_a_track_is_scored_by_what_came_true():
    facts, outlook = lived(constant(0.8), walk(24 * 12))
    scored = of(facts, PredictionScored)
    assert len(scored) == 11
    assert [each.scored for each in scored] == list(range(1, 12))
    assert {each.made_at for each in scored} == {START + HOUR + DAY * n for n in range(11)}
    (track,) = outlook.values()
    assert track.skill.scored == 11
    assert track.skill.loss == sum(each.loss for each in scored)
    assert track.skill.inside == sum(600_000 <= each.truth <= 1_000_000 for each in scored)


def test_its_own_record_counts_more_than_its_card_once_it_shows_no_skill():
    asked = replace(FREE, scored_min=5)
    facts, _ = lived(constant(9.0, half=0.001), walk(24 * 8), asked)
    assert of(facts, PredictionMade)[0].admitted
    last = of(facts, PredictionMade)[-1]
    assert not last.admitted
    assert last.skill < 0
    assert codes(facts) == [Why.UNSKILLED.code]


def test_a_short_record_that_is_no_worse_does_not_take_the_place_of_a_long_card():
    own = Skill(scored=30, loss=290, baseline=300, square=30 * 100, inside=24)
    assert not own.surely
    assert evidence_of(own, GOOD, FREE).scored == GOOD.scored
    assert evidence_of(replace(own, scored=GOOD.scored), GOOD, FREE).skill == own.value
    assert evidence_of(own, None, FREE).skill == own.value


def test_a_short_record_without_skill_does():
    own = Skill(scored=30, loss=300, baseline=300, square=30 * 100, inside=24)
    assert evidence_of(own, GOOD, FREE).skill == 0
    assert evidence_of(replace(own, scored=29), GOOD, FREE).skill == GOOD.skill


def test_without_a_past_it_begins_in_shadow_and_is_heard_once_it_has_earned_it():
    known = walk(24 * 40, volatility=0.8)

    def knows(past):
        ahead = np.log(np.array(known[len(past.bars) - 37 : len(past.bars) - 12]) / 1e8)
        real = float(np.sqrt((np.diff(ahead) ** 2).sum() * 365))
        return predicted(
            real,
            half=0.0001,
            made_at=past.now,
            valid_until=past.now + DAY,
            confidence=MICRO,
        )

    feed = Scripted(knows, card=None)
    facts, _ = lived(feed, known, replace(FREE, scored_min=20))
    made = of(facts, PredictionMade)[:-24]  # of the last day it does not know everything
    assert not made[0].admitted
    assert codes(facts)[0] == Why.UNPROVEN.code
    assert made[-1].admitted
    first = next(each for each in made if each.admitted)
    assert first.scored >= 20


@pytest.mark.parametrize(
    ("leave", "card", "expected"),
    [
        (Leave(), GOOD, Why.IN_SHADOW),
        (FREE, None, Why.UNPROVEN),
        (FREE, replace(GOOD, skill=0), Why.UNSKILLED),
        (FREE, replace(GOOD, surely=False), Why.UNSKILLED),
        (FREE, replace(GOOD, coverage=MICRO // 2), Why.UNCALIBRATED),
        (replace(FREE, confidence_min=MICRO * 9 // 10), GOOD, Why.NO_CONFIDENCE),
        (replace(FREE, width_max=MICRO // 10), GOOD, Why.NO_CONFIDENCE),
    ],
)
def test_what_has_not_earned_it_is_scored_but_not_heard_and_said_once(leave, card, expected):
    predictor = constant()
    predictor.card = card
    facts, outlook = lived(predictor, walk(60), leave)
    assert codes(facts) == [expected.code]
    assert len(of(facts, PredictionMade)) == 59
    assert of(facts, PredictionScored)
    assert standing(outlook, START + 60 * HOUR) == ()


def test_an_interval_of_disagreement_is_not_judged_by_outcomes():
    spread = Interval(MICRO - 1, MICRO + 1, Measures.DISAGREEMENT.value)
    feed = constant(interval=spread)
    feed.card = replace(GOOD, coverage=0)
    facts, _ = lived(feed, walk(5))
    assert codes(facts) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"made_at": 10**11, "valid_until": 10**12}, Why.FROM_THE_FUTURE),
        ({"valid_until": START}, Why.STALE),
        ({"value": 9 * MICRO}, Why.DISORDERED),
        ({"source": "an impostor"}, Why.OUT_OF_RANGE),
    ],
)
def test_nonsense_is_never_written_down_as_a_prediction(changes, expected):
    def say(past):
        return replace(predicted(made_at=past.now, valid_until=past.now + HOUR), **changes)

    facts, _ = lived(Scripted(say), walk(5))
    assert codes(facts) == [expected.code]
    assert of(facts, PredictionMade) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PredictionError("too few bars", number=Why.TOO_LITTLE_HISTORY), "LVD-PRD-016"),
        (PredictionError("no interval", number=Why.NO_INTERVAL), "LVD-PRD-001"),
        (ZeroDivisionError("boom"), "LVD-PRD-020"),
    ],
)
def test_one_that_fails_is_named_once_and_the_others_go_on(error, expected):
    def fail(_past):
        raise error

    broken = Scripted(fail, name="broken")
    fine = constant(name="fine")
    foresight = begun(broken, fine)
    facts, outlook = went(foresight, ticks(walk(6)))
    assert codes(facts) == [expected]
    assert len(of(facts, PredictionMade)) == 5
    (found,) = standing(outlook, START + 6 * HOUR)
    assert found.source == "fine"


def test_a_price_a_hundred_times_another_is_no_price():
    prices = walk(6)
    looks = ticks([*prices, prices[-1] * 200, *walk(6, seed=2)])
    facts, _ = went(begun(constant()), looks)
    assert codes(facts) == [Why.PRICE_JUMPED.code]
    assert of(facts, PredictionMade)[-1].admitted
    assert len(of(facts, PredictionMade)) == 11


def test_a_first_price_far_from_the_recalled_past_is_no_price():
    prices = walk(6)
    facts, _ = went(begun(constant()), ticks([prices[0] * 500, *prices]))
    assert codes(facts) == [Why.PRICE_JUMPED.code]
    assert len(of(facts, PredictionMade)) == 5


def test_where_looks_agree_on_another_level_it_was_the_first_that_was_wrong():
    """One wrong price at the start must not make every right one a jump for ever."""
    prices = walk(60)
    foresight = Foresight([Appointed(constant(), FREE)], HOUR)
    facts, _ = went(foresight, ticks([prices[0] * 500, *prices]))
    assert codes(facts) == [Why.PRICE_JUMPED.code, Why.TOO_LITTLE_HISTORY.code]
    clean, _ = went(Foresight([Appointed(constant(), FREE)], HOUR), ticks(prices[2:]))
    assert len(of(facts, PredictionMade)) == len(of(clean, PredictionMade)) > 10


def test_odd_prices_that_do_not_agree_are_never_believed():
    prices = walk(4)
    odd = [prices[-1] * 200, prices[-1] * 40_000, prices[-1] * 200, 0, 0, 0, 0]
    facts, _ = went(begun(constant()), ticks([*prices, *odd, *walk(4, seed=2)]))
    assert codes(facts) == [Why.PRICE_JUMPED.code]
    assert len(of(facts, PredictionMade)) == 7


def test_an_older_block_adds_nothing():
    one, two, three = ticks(walk(3))
    foresight = begun(constant())
    facts, _ = went(foresight, [one, two, one, three])
    assert len(of(facts, PredictionMade)) == 2


def test_a_hole_in_what_was_seen_leaves_a_forecast_unscored():
    looks = ticks(walk(100))
    facts, outlook = went(begun(constant()), [*looks[:10], *looks[50:90]])
    unknown, *known = of(facts, PredictionScored)
    assert not unknown.known
    assert unknown.scored == 0
    assert [each.scored for each in known] == [1]
    assert next(iter(outlook.values())).skill.scored == 1


def test_after_a_restart_the_outlook_goes_on_and_recalled_bars_are_its_past():
    prices = walk(60)
    first = begun(constant())
    _, outlook = went(first, ticks(prices[:20]))
    again = begun(constant())
    again.recall("WETH", first.bars("WETH")[36:])
    again.recall("nobody's", bars([1, 2]))
    facts, _ = went(again, ticks(prices)[19:], outlook)
    whole, _ = lived(constant(), prices)
    assert of(facts, PredictionScored) == of(whole, PredictionScored)


def test_a_bar_that_is_recalled_is_not_seen_twice():
    known = bars(walk(5))
    foresight = begun(constant())
    foresight.recall("WETH", known)
    facts, _ = went(foresight, ticks(walk(5)))
    assert facts == []
    assert len(foresight.bars("WETH")) == 36 + 5


def test_before_there_is_a_baseline_nobody_is_asked():
    predictor = constant()
    young = Foresight([Appointed(predictor, FREE)], HOUR)
    facts, _ = went(young, ticks(walk(30)))
    assert codes(facts) == [Why.TOO_LITTLE_HISTORY.code]
    assert len(predictor.seen) == len(of(facts, PredictionMade)) == 5


def test_subjects_nobody_shows_are_passed_over():
    foresight = begun(constant())
    assert list(foresight.subjects) == ["WETH"]
    assert foresight.look({}, {}) == ()


def test_letting_go_lets_predictors_go():
    predictor = constant()
    begun(predictor).close()
    assert predictor.closed


def test_a_predictor_of_rates_is_measured_by_rates():
    rate = constant(0.05, quantity=Quantity.BORROW_RATE, half=0.01)
    looks = [replace(each, borrow_rate=50_000 + n * 10) for n, each in enumerate(ticks(walk(30)))]
    facts, _ = went(begun(rate), looks)
    (scored,) = of(facts, PredictionScored)
    assert scored.truth == 50_000 + 24 * 10
    assert scored.loss == 240
    assert scored.baseline_loss == 240
