"""Facts of predictions: what was seen, said, found true, and not listened to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from leverd.domain.prediction import Prediction


@dataclass(frozen=True, slots=True)
class BarSeen:
    """A bar of an asset is over: what predictors have for a past after a restart."""

    subject: str
    bar_s: int
    at: int  # when it was over, chain time
    open: int  # USD 1e8
    high: int
    low: int
    last_at: int
    close: int
    known: Mapping[
        str, int
    ]  # what its last tick said beside the price, by domain.bars.Tick's names


@dataclass(frozen=True, slots=True)
class PredictionMade:
    """A predictor said something, written down whole before anything is decided from it.

    Shares are millionths. It may be listened to only if `admitted`; else a `PredictionIgnored`
    says why, once until the reason changes.
    """

    prediction: Prediction
    baseline: int  # what the simplest forecast said at the same moment, in the same unit
    skill: int  # of its track so far: 1 less its loss over the baseline's
    scored: int  # forecasts that skill rests on
    admitted: bool


@dataclass(frozen=True, slots=True)
class PredictionScored:
    """The truth about one prediction is known; sums are those of its track, this one in them."""

    track: str
    made_at: int
    known: bool  # False: what was seen has a hole there, and nothing is added to the sums
    truth: int  # millionths; 0 where it is not known
    loss: int  # how far off it was, domain.outcomes.loss
    baseline_loss: int  # how far off the baseline was
    scored: int
    loss_sum: int
    baseline_sum: int
    square_sum: int  # of (baseline_loss - loss) squared
    inside: int  # of those scored, how many fell into their interval


@dataclass(frozen=True, slots=True)
class PredictionIgnored:
    """What a predictor says is not listened to from here on, or it says nothing."""

    track: str
    code: str  # LVD-PRD-...
    reason: str


PredictionEvent: TypeAlias = BarSeen | PredictionMade | PredictionScored | PredictionIgnored
