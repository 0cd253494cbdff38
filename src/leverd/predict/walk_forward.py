"""Train on what was known, forecast what was not, walk on: the only scores that count here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from leverd.domain.prediction import Why
from leverd.errors import PredictionError
from leverd.predict.estimators import Floats
from leverd.predict.models import LEVELS, ROWS_MIN, Fitted, fit
from leverd.predict.samples import Samples
from leverd.predict.scoring import Forecasts, Scores, baselines_of, score

_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Walk:
    """How it goes forward."""

    learn_s: int = 730 * _DAY_S  # what a model is fitted to, at most
    step_s: int = 30 * _DAY_S  # how long one is used before the next is fitted
    confidence: float = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """What a walk came to."""

    forecasts: Forecasts
    scores: Scores
    models: int  # how many were fitted


def walk_forward(
    samples: Samples,
    walk: Walk,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> Walked:
    """Return what models, each fitted to its past alone, say of `samples`.

    Raises:
        PredictionError: the samples are too few to learn from and to be judged by.
    """
    parts: list[Forecasts] = []
    within: dict[float, list[bool]] = {level: [] for level in LEVELS}
    steps = list(_steps(samples, walk))
    for number, (learnt, ahead) in enumerate(steps):
        advance(number, len(steps))
        model = fit(learnt)
        parts.append(_forecast(model, ahead, learnt, walk.confidence))
        for level, found in within.items():
            _, low, high = model.forecast(ahead.rows, level)
            found.extend(((low <= ahead.truth) & (ahead.truth <= high)).tolist())
    if not parts:
        raise PredictionError(
            f"{len(samples)} samples are too few to learn from and to be judged by",
            number=Why.TOO_LITTLE_HISTORY,
        )
    forecasts = _joined(parts)
    calibration = {f"{level:.0%}": float(np.mean(found)) for level, found in within.items()}
    return Walked(forecasts, score(forecasts, calibration), len(parts))


def _steps(samples: Samples, walk: Walk) -> Iterator[tuple[Samples, Samples]]:
    """Yield what may be learnt from at each step, and what is then forecast."""
    if not len(samples):
        return
    now, end = int(samples.at[0]) + walk.step_s, int(samples.at[-1])
    while now <= end:
        known = samples.known_by(now)
        learnt = known.part(known.at > now - walk.learn_s)
        ahead = samples.part(
            (samples.at >= now) & (samples.at < now + walk.step_s) & np.isfinite(samples.truth)
        )
        if len(learnt) >= ROWS_MIN and len(ahead):
            yield learnt, ahead
        now += walk.step_s


def _forecast(model: Fitted, ahead: Samples, learnt: Samples, confidence: float) -> Forecasts:
    value, low, high = model.forecast(ahead.rows, confidence)
    return Forecasts(
        ahead.quantity,
        ahead.horizon_s,
        ahead.at,
        value,
        low,
        high,
        ahead.truth,
        baselines_of(ahead, learnt),
    )


def _joined(parts: list[Forecasts]) -> Forecasts:
    def all_of(name: str) -> Floats:
        return np.concatenate([getattr(each, name) for each in parts])

    first = parts[0]
    return Forecasts(
        first.quantity,
        first.horizon_s,
        np.concatenate([each.at for each in parts]),
        all_of("value"),
        all_of("low"),
        all_of("high"),
        all_of("truth"),
        {name: np.concatenate([each.simple[name] for each in parts]) for name in first.simple},
    )
