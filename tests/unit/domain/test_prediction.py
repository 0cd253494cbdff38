"""A prediction is exact, and refused with its reason where it cannot be meant."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.predictions import DAY, START, predicted

from leverd.domain.prediction import (
    MICRO,
    Interval,
    Measures,
    Quantity,
    Why,
    as_decimal,
    interval_of,
    micro,
    refusal,
)
from leverd.errors import PredictionError


def why(prediction, *, now=START, before=None):
    found = refusal(prediction, now=now, before=before)
    return None if found is None else found.why


@given(value=st.decimals(-(10**9), 10**9, places=9))
def test_a_value_is_rounded_to_a_millionth_half_to_even(value):
    assert abs(as_decimal(micro(value)) - value) <= Decimal("0.0000005")


def test_halves_go_to_the_even_millionth():
    assert [micro("0.0000005"), micro("0.0000015"), micro(-2.5)] == [0, 2, -2_500_000]


@pytest.mark.parametrize("value", [math.nan, math.inf, "-Infinity"])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(PredictionError) as caught:
        micro(value)
    assert caught.value.code == "LVD-PRD-003"


def test_a_missing_interval_is_refused():
    with pytest.raises(PredictionError) as caught:
        interval_of(None)
    assert caught.value.code == Why.NO_INTERVAL.code == "LVD-PRD-001"


def test_an_interval_says_what_its_width_is_about():
    assert interval_of(("1", 2), Measures.DISAGREEMENT) == Interval(
        MICRO, 2 * MICRO, "disagreement"
    )


def test_a_sound_prediction_is_not_refused():
    assert why(predicted()) is None
    assert why(predicted(-0.01, Quantity.DIRECTION)) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"made_at": START + 1}, Why.FROM_THE_FUTURE),
        ({"valid_until": START}, Why.STALE),
        ({"made_at": START - DAY, "valid_until": START - 1}, Why.STALE),
        ({"value": 3 * MICRO}, Why.DISORDERED),
        ({"interval": Interval(2 * MICRO, 0)}, Why.DISORDERED),
        ({"interval": Interval(-1, 2 * MICRO)}, Why.OUT_OF_RANGE),
        ({"interval": Interval(0, 2 * MICRO, "hope")}, Why.OUT_OF_RANGE),
        ({"confidence": 0}, Why.OUT_OF_RANGE),
        ({"confidence": MICRO + 1}, Why.OUT_OF_RANGE),
        ({"horizon_s": 0}, Why.OUT_OF_RANGE),
        ({"quantity": "mood"}, Why.OUT_OF_RANGE),
        ({"unit": "percent"}, Why.OUT_OF_RANGE),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, expected):
    assert why(replace(predicted(), **changes)) is expected


def test_a_hundred_times_the_value_before_is_a_fault():
    before = predicted(0.5)
    assert why(predicted(49), before=before) is None
    assert why(predicted(50), before=before) is Why.JUMPED
    assert why(predicted(0.005, half=0.001), before=before) is Why.JUMPED


def test_what_may_be_negative_does_not_jump():
    small = predicted(0.00001, Quantity.DIRECTION)
    assert why(predicted(-0.02, Quantity.DIRECTION), before=small) is None


def test_a_refusal_has_a_code_and_a_reason():
    found = refusal(predicted(made_at=START + 9), now=START)
    assert found.code == "LVD-PRD-002"
    assert str(START + 9) in found.reason


def test_predictions_that_are_scored_together_share_a_track():
    one, other = predicted(1.0), predicted(2.0, made_at=START + 5, model_version="2")
    assert one.track == other.track == "somebody WETH volatility 86400s"
    assert one.track != replace(one, horizon_s=HALF).track


HALF = DAY // 2
