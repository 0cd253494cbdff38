"""Models by scikit-learn, with intervals by split conformal prediction.

The later part of what is known is held out: what was missed there, in order of size, says how
wide an interval must be. That holds as far as the future misses like the recent past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from leverd.domain.prediction import Quantity, Why
from leverd.errors import PredictionError
from leverd.predict.estimators import Floats
from leverd.predict.samples import Samples, aim_of, value_of

ROWS_MIN: Final = 1_000
"""Samples below which nothing is fitted: six weeks of hours."""

LEVELS: Final = (0.5, 0.8, 0.9, 0.95)
"""Confidences that intervals are made for."""

_HELD_OUT: Final = 0.25
_ALPHA: Final = 30.0
_AIM_MAX: Final = 5.0
"""A bound on what is learnt from: one crash must not bend the line for all other days."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model and how far it misses."""

    quantity: Quantity
    horizon_s: int
    estimator: Any  # a scikit-learn pipeline
    ends: Mapping[float, tuple[float, float]]  # confidence -> what is added to its answer

    def forecast(self, rows: Floats, confidence: float) -> tuple[Floats, Floats, Floats]:
        """Return value, low and high after each row; `confidence` is one of `LEVELS`."""
        with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
            aims = np.asarray(self.estimator.predict(rows), dtype=np.float64)
        below, above = self.ends[confidence]
        ends = (0.0, min(below, 0.0), max(above, 0.0))
        value, low, high = (
            value_of(self.quantity, aims + end, rows, self.horizon_s) for end in ends
        )
        return value, low, high


def fit(samples: Samples) -> Fitted:
    """Return a model of `samples`, all of which have a truth.

    Raises:
        PredictionError: they are too few.
    """
    if len(samples) < ROWS_MIN:
        raise PredictionError(
            f"{len(samples)} samples with a known outcome are fewer than {ROWS_MIN}",
            number=Why.TOO_LITTLE_HISTORY,
        )
    first = int(len(samples) * (1 - _HELD_OUT))
    parted_at = int(samples.at[first])
    learnt = samples.known_by(parted_at)  # nothing of the later part has leaked into these
    held = samples.part(samples.at >= parted_at)
    if not len(learnt):
        raise PredictionError(
            "the horizon is as long as the history", number=Why.TOO_LITTLE_HISTORY
        )
    estimator = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        Ridge(alpha=_ALPHA),
    )
    estimator.fit(learnt.rows, np.clip(aim_of(learnt), -_AIM_MAX, _AIM_MAX))
    missed = aim_of(held) - estimator.predict(held.rows)
    middle = float(np.median(missed)) if samples.quantity is Quantity.VOLATILITY else 0.0
    estimator[-1].intercept_ += middle  # levels wander; the recent one is the better guess
    ends = {level: _tails(missed - middle, level) for level in LEVELS}
    return Fitted(samples.quantity, samples.horizon_s, estimator, ends)


def _tails(missed: Floats, confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    low, high = np.quantile(missed, [tail, 1 - tail])
    return float(low), float(high)
