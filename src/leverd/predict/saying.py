"""How a predictor puts what it expects."""

from __future__ import annotations

from leverd.domain.bars import Past
from leverd.domain.prediction import UNITS, Interval, Prediction, Quantity, micro

VALID_BARS = 2
"""A prediction is stale when two more bars are over: one may be late, two are missing."""


def say(
    past: Past,
    quantity: Quantity,
    *,
    value: float,
    ends: tuple[float, float],
    confidence: float,
    horizon_s: int,
    source: str,
    version: str,
) -> Prediction:
    """Return the prediction made at the end of `past`.

    Raises:
        PredictionError: a number is not finite.
    """
    middle, low, high = micro(value), micro(ends[0]), micro(ends[1])
    return Prediction(
        subject=past.subject,
        quantity=quantity.value,
        unit=UNITS[quantity],
        value=middle,
        interval=Interval(min(low, middle), max(high, middle)),
        confidence=micro(confidence),
        horizon_s=horizon_s,
        made_at=past.now,
        valid_until=past.now + VALID_BARS * past.bar_s,
        source=source,
        model_version=version,
    )
