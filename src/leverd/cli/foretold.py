"""Predictions in words, for the history and the status."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from leverd.domain.money import USD
from leverd.domain.prediction import Prediction, ahead, as_decimal
from leverd.domain.prediction_events import (
    BarSeen,
    PredictionIgnored,
    PredictionMade,
    PredictionScored,
)


def told_prediction(
    event: BarSeen | PredictionMade | PredictionScored | PredictionIgnored,
) -> str:
    """Return what a predictor saw or said, or what came of it."""
    match event:
        case BarSeen(subject=subject, close=close):
            low, high = _usd(event.low), _usd(event.high)
            return f"{subject} closed a bar at {_usd(close)}, between {low} and {high} USD"
        case PredictionMade(prediction=made, admitted=admitted):
            heard = "listened to" if admitted else "in shadow"
            return f"{made.source} expects {said(made)}; {heard}, {skill_of(event)}"
        case PredictionScored(track=track, known=False):
            return f"{track}: nobody knows what came true"
        case PredictionScored(track=track, truth=truth, loss=loss, baseline_loss=simple):
            off = f"off by {as_decimal(loss)}, the baseline by {as_decimal(simple)}"
            return f"{track}: {as_decimal(truth)} came true; {off}"
        case PredictionIgnored(track=track, code=code, reason=reason):
            return f"{track}: not listened to, {code} {reason}"
        case _:
            assert_never(event)


def _usd(price: int) -> str:
    return f"{Decimal(price) / 10**USD.decimals:f}"


def said(made: Prediction) -> str:
    """Return what a prediction says and how sure it is."""
    value, ends = as_decimal(made.value), made.interval
    around = f"{as_decimal(ends.low)} to {as_decimal(ends.high)} in {as_decimal(made.confidence):%}"
    what = f"{made.subject} {made.quantity} {value} {made.unit}"
    return f"{what} within {ahead(made.horizon_s)} ({around})"


def skill_of(made: PredictionMade) -> str:
    """Return how good its track has been, in words."""
    if made.scored <= 0:
        return "never scored"
    return f"skill {as_decimal(made.skill):+.3f} over {made.scored} forecasts"
