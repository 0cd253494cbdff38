"""Replays that hear predictions: the same with and without skipping, and never from the future."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import replays
from tests.predictions import FREE, Scripted, constant, predicted
from tests.property.test_replay_skips import GASSY

from leverd.agents.storm import StormParams
from leverd.backtest.replay.foretold import foretold, recalled
from leverd.backtest.replay.models import Walk as Path
from leverd.backtest.replay.replay import Replay
from leverd.backtest.replay.world import World
from leverd.domain.prediction import Quantity
from leverd.domain.prediction_events import PredictionIgnored, PredictionMade, PredictionScored
from leverd.engine.admission import Leave
from leverd.engine.foresight import Appointed, Foresight
from leverd.predict.card_file import Purpose
from leverd.predict.model_predictor import ModelPredictor
from leverd.predict.retraining import AtOnce
from leverd.predict.walk_forward import Walk

HOUR = replays.HOUR
STORMY = replays.LOOP.model_copy(update={"storm": StormParams()})
FORETOLD = (PredictionMade, PredictionScored, PredictionIgnored)


def weather(valid_bars=2, name="somebody"):
    """Return a predictor whose word follows the last day: now calm, now a storm."""

    def say(past):
        closes = np.log([bar.close for bar in past.bars[-13:]])
        value = float(np.std(np.diff(closes)) * 8_760**0.5)
        return predicted(
            value,
            half=0,
            source=name,
            made_at=past.now,
            valid_until=past.now + valid_bars * past.bar_s,
            horizon_s=24 * HOUR,
        )

    return Scripted(say, name)


def heard(world, *predictors, leave=FREE):
    return foretold(world, Foresight([Appointed(each, leave) for each in predictors], HOUR))


def ran(world, kept, words=None, **how):
    return Replay(world, kept, foretold=words, **how).run()


def told(run):
    return [(each.chain_at, each.event) for each in run.entries]


def plain(run):
    return [each for each in told(run) if not isinstance(each[1], FORETOLD)]


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    walk=st.sampled_from([Path.CLOSE, Path.WORST_FIRST]),
    valid=st.sampled_from([1, 2, 9]),
    chain=st.sampled_from([replays.FREE, GASSY]),
)
def test_gone_over_or_looked_at_a_replay_with_predictions_is_the_same(seed, walk, valid, chain):
    closes = replays.prices(300, seed=seed, volatility=1.0)
    past = replays.history(closes, bars=replays.walked(closes, seed))
    world = World(past, replace(replays.MODELS, walk=walk, chain=chain), replays.MANDATE)
    words = heard(world, weather(valid), constant(0.9, "other"))
    kept = replays.rules(STORMY)
    quick, slow = ran(world, kept, words), ran(world, kept, words.again(), skips=False)
    assert told(quick) == told(slow)
    assert quick.end == slow.end
    assert (quick.lowest_health, quick.gas) == (slow.lowest_health, slow.gas)


def test_a_storm_that_is_heard_changes_what_is_done():
    world = World(
        replays.history(replays.prices(600, volatility=1.4)), replays.MODELS, replays.MANDATE
    )
    words, kept = heard(world, weather()), replays.rules(STORMY)
    assert words.heard > 100
    assert plain(ran(world, kept, words)) != told(ran(world, kept))


@pytest.mark.parametrize("how", ["nobody", "shadow", "not read"])
def test_without_a_hearing_the_journal_is_the_same_to_the_bit(how):
    world = World(
        replays.history(replays.prices(600, volatility=1.4)), replays.MODELS, replays.MANDATE
    )
    words = {
        "nobody": lambda: None,
        "shadow": lambda: heard(world, weather(), leave=Leave()),
        "not read": lambda: heard(world, weather()),
    }[how]()
    kept = replays.rules(replays.LOOP if how == "not read" else STORMY)
    run, without = ran(world, kept, words), ran(world, replays.rules())
    assert [event for _, event in plain(run)] == [event for _, event in told(without)]
    assert run.end == without.end
    if how != "not read":
        assert run.looks == without.looks


def learner():
    purpose = Purpose("WETH", Quantity.VOLATILITY, 6 * HOUR, HOUR)
    walk = Walk(learn_s=60 * 86_400, step_s=15 * 86_400)
    return ModelPredictor("eth-vol", purpose, bench=AtOnce(), walk=walk)


def test_another_future_leaves_what_models_said_before_it_as_it_was():
    """The lookahead check: features, fits, scores and decisions, all of a replay at once."""
    count, cut = 1_700, 1_500
    closes = replays.prices(count, seed=5, volatility=0.9)
    other = closes.copy()
    other[cut + 1 :] = replays.prices(count, seed=6, volatility=3.0)[cut + 1 :]
    series = replays.indexes(count)
    runs = []
    for each in (closes, other):
        world = World(replays.history(each, series=series), replays.MODELS, replays.MANDATE)
        runs.append(ran(world, replays.rules(STORMY), heard(world, learner())))
    until = int(runs[0].world.points.at[cut])
    one, two = ([each for each in told(run) if each[0] <= until] for run in runs)
    assert any(isinstance(event, PredictionMade) for _, event in one)
    assert one == two
    assert told(runs[0]) != told(runs[1])


def test_what_a_journal_holds_is_heard_again_as_it_was_known_then():
    world = World(
        replays.history(replays.prices(400, volatility=1.4)), replays.MODELS, replays.MANDATE
    )
    kept = replays.rules(STORMY)
    first = ran(world, kept, heard(world, weather()))
    again = ran(world, kept, recalled(world, first.entries))
    assert told(again) == told(first)
    assert again.looks == first.looks


def test_words_after_the_end_of_the_past_are_not_heard():
    long = World(replays.history(replays.prices(400)), replays.MODELS, replays.MANDATE)
    first = ran(long, replays.rules(STORMY), heard(long, weather()))
    short = World(replays.history(replays.prices(100)), replays.MODELS, replays.MANDATE)
    words = recalled(short, first.entries)
    run = ran(short, replays.rules(STORMY), words)
    assert all(at <= int(short.points.at[-1]) for at, _ in told(run))
    assert words.heard < 100


def test_one_that_is_silenced_is_loud_once():
    def say(past):
        if past.now > replays.SINCE + 60 * HOUR:
            raise ZeroDivisionError
        return weather().say(past)

    world = World(replays.history(replays.prices(200)), replays.MODELS, replays.MANDATE)
    words = heard(world, Scripted(say))
    assert words.heard == len(words.loud) - 1
    assert Decimal(words.heard) > 20
