"""What somebody expects of the future: advisory, and never more than was said when it was made.

Values are exact: whole millionths of their unit, so that the journal holds what was decided
from. A prediction moves a target inside the limits, never a limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import IntEnum, StrEnum
from typing import Final

from leverd.errors import PredictionError

MICRO: Final = 10**6
"""Parts of one unit: what values, interval ends and confidences are counted in."""

JUMP_MAX: Final = 100
"""A value this many times the one before it, or a price, is a fault and no news."""


class Quantity(StrEnum):
    """What of its subject a prediction is about."""

    VOLATILITY = "volatility"  # of the price over the horizon, annualised
    DIRECTION = "direction"  # log return of the price over the horizon
    PRICE = "price"  # at the end of the horizon
    BORROW_RATE = "borrow_rate"  # a year, at the end of the horizon
    FUNDING = "funding"  # a year, mean over the horizon; positive: longs pay


UNITS: Final[Mapping[Quantity, str]] = {
    Quantity.VOLATILITY: "fraction a year",
    Quantity.DIRECTION: "log return",
    Quantity.PRICE: "USD",
    Quantity.BORROW_RATE: "fraction a year",
    Quantity.FUNDING: "fraction a year",
}
"""The one unit each quantity is said in."""

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_POSITIVE: Final = frozenset({Quantity.VOLATILITY, Quantity.PRICE})


class Why(IntEnum):
    """Numbers of LVD-PRD: why a prediction is refused, or not listened to."""

    NO_INTERVAL = 1
    FROM_THE_FUTURE = 2
    NOT_FINITE = 3
    JUMPED = 4
    DISORDERED = 5
    OUT_OF_RANGE = 6
    STALE = 7
    NO_CONFIDENCE = 10
    UNCALIBRATED = 11
    UNPROVEN = 12
    UNSKILLED = 13
    IN_SHADOW = 14
    DRIFTED = 15
    TOO_LITTLE_HISTORY = 16
    PRICE_JUMPED = 17
    KNOWS_THE_FUTURE = 18
    NO_ANSWER = 19
    FAILED = 20

    @property
    def code(self) -> str:
        """The stable code, e.g. `LVD-PRD-004`."""
        return f"{PredictionError.family}-{self.value:03d}"


class Measures(StrEnum):
    """What the width of an interval is about."""

    OUTCOMES = "outcomes"  # where the truth falls, in `confidence` of all cases
    DISAGREEMENT = "disagreement"  # how far several forecasters are apart; no volatility


_QUANTITIES: Final = frozenset(each.value for each in Quantity)
_MEASURES: Final = frozenset(each.value for each in Measures)


@dataclass(frozen=True, slots=True)
class Interval:
    """Two ends, millionths of the prediction's unit."""

    low: int
    high: int
    measures: str = Measures.OUTCOMES.value  # a `Measures`


@dataclass(frozen=True, slots=True)
class Prediction:
    """What `source` said at `made_at` of `subject`. `refusal` says whether it makes sense."""

    subject: str  # an asset's symbol
    quantity: str  # a `Quantity`
    unit: str  # `UNITS` of it
    value: int  # millionths of the unit
    interval: Interval
    confidence: int  # millionths: share of outcomes said to fall inside the interval
    horizon_s: int  # from `made_at` to what it is about
    made_at: int  # chain time, unix seconds
    valid_until: int  # chain time from which it is stale
    source: str  # the predictor's name
    model_version: str

    @property
    def track(self) -> str:
        """What all predictions have in common that are scored together."""
        return track_of(self.source, self.subject, self.quantity, self.horizon_s)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a prediction is not used."""

    why: Why
    reason: str

    @property
    def code(self) -> str:
        """The stable code."""
        return self.why.code


def track_of(source: str, subject: str, quantity: str, horizon_s: int) -> str:
    """Return what all predictions are called that are scored together."""
    return f"{source} {subject} {quantity} {horizon_s}s"


def ahead(horizon_s: int) -> str:
    """Return a horizon as people say it, in hours or minutes."""
    return f"{horizon_s // _MINUTE_S} min" if horizon_s % _HOUR_S else f"{horizon_s // _HOUR_S} h"


def micro(value: Decimal | float | str) -> int:
    """Return `value` in millionths, rounded half to even.

    Raises:
        PredictionError: it is no finite number.
    """
    exact = Decimal(value)
    if not exact.is_finite():
        raise PredictionError(f"{value} is no finite number", number=Why.NOT_FINITE)
    return int((exact * MICRO).to_integral_value(ROUND_HALF_EVEN))


def as_decimal(value: int) -> Decimal:
    """Return millionths as a number."""
    return Decimal(value) / MICRO


def interval_of(
    ends: tuple[Decimal | float | str, Decimal | float | str] | None,
    measures: Measures = Measures.OUTCOMES,
) -> Interval:
    """Return the interval between two ends.

    Raises:
        PredictionError: there is none, or an end is no finite number.
    """
    if ends is None:
        raise PredictionError("it comes without an interval", number=Why.NO_INTERVAL)
    return Interval(micro(ends[0]), micro(ends[1]), measures.value)


def refusal(new: Prediction, *, now: int, before: Prediction | None = None) -> Refusal | None:
    """Return why `new` cannot be meant, None if it can; `before` is the last of its track."""
    form = _ill_formed(new)
    if form is not None:
        return form
    if new.made_at > now:
        return Refusal(Why.FROM_THE_FUTURE, f"made at {new.made_at}, and now it is {now}")
    if now >= new.valid_until:
        return Refusal(Why.STALE, f"valid until {new.valid_until}, and now it is {now}")
    if before is not None and _jumped(before, new):
        was, value = as_decimal(before.value), as_decimal(new.value)
        return Refusal(Why.JUMPED, f"{value} after {was} is no news but a fault")
    return None


def _ill_formed(new: Prediction) -> Refusal | None:
    if new.quantity not in _QUANTITIES or new.unit != UNITS[Quantity(new.quantity)]:
        return Refusal(Why.OUT_OF_RANGE, f"{new.quantity} in {new.unit} is nothing known here")
    if new.interval.measures not in _MEASURES:
        return Refusal(Why.OUT_OF_RANGE, f"an interval of {new.interval.measures} is unknown")
    if not new.interval.low <= new.value <= new.interval.high:
        ends = f"{as_decimal(new.interval.low)} to {as_decimal(new.interval.high)}"
        return Refusal(Why.DISORDERED, f"{as_decimal(new.value)} is not within {ends}")
    if new.quantity in _POSITIVE and new.interval.low < 0:
        return Refusal(Why.OUT_OF_RANGE, f"a {new.quantity} below nothing")
    if not 0 < new.confidence <= MICRO or new.horizon_s <= 0:
        return Refusal(Why.OUT_OF_RANGE, "confidence in (0, 1] and a horizon ahead are needed")
    if new.valid_until <= new.made_at:
        return Refusal(Why.STALE, "it is stale from the beginning")
    return None


def _jumped(before: Prediction, new: Prediction) -> bool:
    """Whether a value that cannot be negative is a hundred times another, either way."""
    one, other = sorted((abs(before.value), abs(new.value)))
    return new.quantity in _POSITIVE and other >= JUMP_MAX * max(one, 1)
