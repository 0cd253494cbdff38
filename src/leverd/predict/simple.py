"""The simplest forecasts as predictors: nothing to train, nothing to import, no skill to claim.

They show what a journal of predictions looks like, and what every model has to beat. Their
intervals come from what they missed so far.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from leverd.domain.bars import Past
from leverd.domain.outcomes import baseline, outcome
from leverd.domain.prediction import MICRO, Prediction, Quantity, Why
from leverd.errors import PredictionError
from leverd.interfaces.predictor import Card
from leverd.predict.saying import say

VERSION: Final = "1"

_CONFIDENCE: Final = 0.8
_MISSES_MIN: Final = 10
_MISSES_MAX: Final = 500


@dataclass(slots=True)
class Simple:
    """Says that what is goes on: EWMA of volatility, always long, the last rate."""

    name: str
    subject: str
    quantity: Quantity
    horizon_s: int
    _said: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=1_000))
    _missed: deque[float] = field(default_factory=lambda: deque(maxlen=_MISSES_MAX))

    @property
    def card(self) -> Card | None:
        """None: it has to show what it can."""
        return None

    def predict(self, past: Past) -> Prediction:
        """Return that nothing changes; see `Predictor`."""
        value = baseline(self.quantity, past.bars, past.bar_s)
        if value is None:
            raise PredictionError("too few bars to go by", number=Why.TOO_LITTLE_HISTORY)
        self._learn(past)
        self._said.append((past.now, value))
        if len(self._missed) < _MISSES_MIN:
            raise PredictionError(
                f"{len(self._missed)} of {_MISSES_MIN} misses are known that an interval needs",
                number=Why.NO_INTERVAL,
            )
        ranked = sorted(self._missed)
        tail = int(len(ranked) * (1 - _CONFIDENCE) / 2)
        ends = tuple(self._moved(value, ranked[at]) for at in (tail, -1 - tail))
        return say(
            past,
            self.quantity,
            value=value / MICRO,
            ends=(ends[0], ends[1]),
            confidence=_CONFIDENCE,
            horizon_s=self.horizon_s,
            source=self.name,
            version=VERSION,
        )

    def close(self) -> None:
        """Nothing works beside the loop."""

    def _learn(self, past: Past) -> None:
        """Note how far off what was said a horizon ago has been."""
        while self._said and self._said[0][0] + self.horizon_s <= past.now:
            at, value = self._said.popleft()
            until = at + self.horizon_s
            truth = outcome(self.quantity, past.bars, made_at=at, until=until, bar_s=past.bar_s)
            if truth is not None:
                self._missed.append(self._apart(value, truth))

    def _apart(self, value: int, truth: int) -> float:
        if self.quantity is Quantity.VOLATILITY:
            return math.log(max(truth, 1) / max(value, 1))
        return (truth - value) / MICRO

    def _moved(self, value: int, miss: float) -> float:
        if self.quantity is Quantity.VOLATILITY:
            return value / MICRO * math.exp(miss)
        return value / MICRO + miss
