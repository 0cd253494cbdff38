"""Nothing is read before it was known; what is recorded counts instead of a model."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from tests import replays

from leverd.adapters.simulated.ledger import Holder
from leverd.backtest.history.keys import Kind, SeriesKey, Side
from leverd.backtest.history.series import Series
from leverd.backtest.replay.models import Oracle
from leverd.backtest.replay.sources import assets_read, known_from, series_read
from leverd.backtest.replay.world import World
from leverd.errors import DataError

CLOSES = np.array([2_000, 2_010, 1_990, 2_030, 2_040], dtype=np.int64) * 10**8
FIRST = replays.SINCE + replays.HOUR  # when the first close is known


def series(kind, values, *, asset="", side=Side.NONE, since=FIRST):
    key = SeriesKey(kind, "there", asset, side)
    ts = since + replays.HOUR * np.arange(len(values), dtype=np.int64)
    return {key: Series(key, ts, np.array(values))}


def world(more, models):
    past = replays.history(CLOSES)
    return World(
        type(past)(past.bar_s, past.ts, dict(past.bars), {**past.series, **more}),
        models,
        replays.MANDATE,
    )


def listed(**changes):
    listings = dict(replays.LISTINGS)
    listings[replays.WETH] = replace(listings[replays.WETH], **changes)
    return replace(replays.MODELS, listings=listings)


FEES = replace(replays.MODELS, chain=replace(replays.FREE, fees_at="there"))
RATED = listed(rates_at="there")


@pytest.mark.parametrize(
    ("kind", "named", "models"),
    [
        (Kind.GAS, {"side": Side.BASE_FEE}, FEES),
        (Kind.LST_RATE, {"asset": "WETH"}, listed(staked_at="there")),
        (Kind.ORACLE, {"asset": "WETH"}, listed(oracle_at="there")),
        (Kind.RATE, {"asset": "WETH", "side": Side.BORROW}, RATED),
    ],
)
def test_a_series_that_begins_after_the_first_point_is_refused_and_one_in_time_is_not(
    kind, named, models
):
    values = [0.02] * 5 if kind is Kind.RATE else [10**18] * 5
    made = world(series(kind, values, **named), models)
    assert len(made.points) == len(CLOSES)
    with pytest.raises(DataError, match="nothing is known of") as refused:
        world(series(kind, values, **named, since=FIRST + 1), models)
    assert refused.value.code == "LVD-DAT-025"
    assert "--timerange" in refused.value.remedy


def test_recorded_answers_of_the_oracle_count_instead_of_the_model():
    answers = [1_999 * 10**8, 1_999 * 10**8, 1_995 * 10**8, 2_020 * 10**8, 2_020 * 10**8]
    models = listed(oracle_at="there")
    made = world(series(Kind.ORACLE, answers, asset="WETH"), models)
    assert made.points.oracle[replays.WETH].tolist() == answers
    assert made.points.market[replays.WETH].tolist() == CLOSES.tolist()
    between = made.ledger_between(2, int(made.points.at[2]) + 600, Holder({}, {}), 0, 0)
    assert between.lending["aave"].reserves[replays.WETH].price == 1_995 * 10**8
    assert "recorded answers of WETH at there" in models.words()["oracle"]


def test_a_late_answer_lies_on_the_line_that_led_to_the_point():
    made = world({}, replace(replays.MODELS, oracle=Oracle(lag_s=900)))
    said = made.points.oracle[replays.WETH].tolist()
    assert said == [2_000_00000000, 2_007_50000000, 1_995_00000000, 2_020_00000000, 2_037_50000000]


def test_an_oracle_answers_anew_when_far_enough_away_or_old_enough():
    oracle = Oracle(Decimal("0.009"), heartbeat_s=100_000)
    made = world({}, replace(replays.MODELS, oracle=oracle))
    said = made.points.oracle[replays.WETH].tolist()
    assert said == [each * 10**8 for each in (2_000, 2_000, 2_000, 2_030, 2_030)]
    beating = replace(oracle, heartbeat_s=2 * replays.HOUR)
    made = world({}, replace(replays.MODELS, oracle=beating))
    said = made.points.oracle[replays.WETH].tolist()
    assert said == [each * 10**8 for each in (2_000, 2_000, 1_990, 2_030, 2_030)]


def test_everything_is_known_from_where_the_last_series_begins():
    more = series(Kind.RATE, [0.02] * 3, asset="WETH", side=Side.BORROW, since=FIRST + 7_200)
    past = replays.history(CLOSES)
    whole = type(past)(past.bar_s, past.ts, dict(past.bars), {**past.series, **more})
    keys = series_read(whole, RATED, assets_read(RATED, replays.MANDATE))
    assert known_from(whole, keys) == FIRST + 7_200
    assert known_from(whole, []) == whole.since
