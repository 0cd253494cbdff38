"""How good forecasts were: beside every simple one, on forecasts that do not overlap."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from leverd.domain.prediction import MICRO, Quantity
from leverd.interfaces.predictor import Card
from leverd.predict.estimators import Floats
from leverd.predict.samples import DAY_COLUMN, FUNDING_MEAN_COLUMN, Samples, base_of

SURE: Final = 2.0
"""Standard errors above nothing from which a gain is no luck."""

_FLOOR: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """What was forecast out of sample, a row for each."""

    quantity: Quantity
    horizon_s: int
    at: NDArray[np.int64]
    value: Floats
    low: Floats
    high: Floats
    truth: Floats
    simple: Mapping[str, Floats]  # what each baseline said at the same moments

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Scores:
    """Out-of-sample scores; losses are means of domain.outcomes.loss, in units."""

    scored: int
    loss: float
    baselines: Mapping[str, float]
    best: str  # the baseline that lost least
    skill: float  # 1 less the loss over the best baseline's
    t: float  # standard errors of the mean gain over it
    coverage: float
    calibration: Mapping[str, float]  # said -> inside, for several intervals

    @property
    def card(self) -> Card:
        """What a predictor may show for itself."""
        return Card(
            self.scored,
            round(self.skill * MICRO),
            surely=self.t >= SURE,
            coverage=round(self.coverage * MICRO),
        )


def baselines_of(samples: Samples, learnt: Samples) -> dict[str, Floats]:
    """Return what simple forecasts say after each of `samples`; `learnt` may be learnt from."""
    quantity, rows = samples.quantity, samples.rows
    base = base_of(quantity, rows)
    match quantity:
        case Quantity.VOLATILITY:
            ratio = float(np.median(learnt.truth / base_of(quantity, learnt.rows)))
            return {"last": np.exp(rows[:, DAY_COLUMN]), "ewma": base, "ewma scaled": base * ratio}
        case Quantity.DIRECTION | Quantity.PRICE:
            return {"always long": np.full(len(rows), _FLOOR), "as yesterday": rows[:, 2]}
        case Quantity.BORROW_RATE:
            return {"last": base}
        case Quantity.FUNDING:
            return {"last": base, "mean": rows[:, FUNDING_MEAN_COLUMN]}
        case _:
            assert_never(quantity)


def losses(quantity: Quantity, value: Floats, truth: Floats) -> Floats:
    """Return how far off each forecast was; the same measure as domain.outcomes.loss."""
    match quantity:
        case Quantity.VOLATILITY | Quantity.PRICE:
            one, other = np.maximum(value, _FLOOR), np.maximum(truth, _FLOOR)
            return np.asarray(np.abs(np.log(one / other)))
        case Quantity.DIRECTION:
            return np.where((value > 0) != (truth > 0), np.abs(truth), 0.0)
        case Quantity.BORROW_RATE | Quantity.FUNDING:
            return np.asarray(np.abs(value - truth))
        case _:
            assert_never(quantity)


def score(found: Forecasts, calibration: Mapping[str, float]) -> Scores:
    """Return the scores of forecasts, of those that do not overlap, oldest first."""
    apart = _apart(found.at, found.horizon_s)
    mine = losses(found.quantity, found.value[apart], found.truth[apart])
    others = {
        name: losses(found.quantity, value[apart], found.truth[apart])
        for name, value in found.simple.items()
    }
    means = {name: float(each.mean()) for name, each in others.items()}
    best = min(means, key=lambda name: means[name])
    gains = others[best] - mine
    inside = (found.low <= found.truth) & (found.truth <= found.high)
    return Scores(
        scored=len(apart),
        loss=float(mine.mean()),
        baselines=means,
        best=best,
        skill=1 - float(mine.mean()) / means[best] if means[best] else 0.0,
        t=standard_errors(gains),
        coverage=float(inside[apart].mean()),
        calibration=calibration,
    )


def standard_errors(gains: Floats) -> float:
    """Return how many of its standard errors a mean is above nothing."""
    if len(gains) < 2:  # noqa: PLR2004 -- a spread needs two
        return 0.0
    spread = float(gains.std(ddof=1)) / math.sqrt(len(gains))
    return float(gains.mean()) / spread if spread else 0.0


def _apart(at: NDArray[np.int64], horizon_s: int) -> NDArray[np.int64]:
    """Return the rows of forecasts, each made when the one before was over."""
    rows, free = [], -math.inf
    for row, moment in enumerate(at.tolist()):
        if moment >= free:
            rows.append(row)
            free = moment + horizon_s
    return np.array(rows, dtype=np.int64)
