"""What predictions make of the loop's rungs: lower ones before a storm, never a higher one.

How much is a matter of degree, in quarters, so that a forecast that wavers moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from leverd.domain.keeping import kept
from leverd.domain.prediction import Prediction, Quantity, ahead, as_decimal
from leverd.domain.side import Side, side_of, volatile
from leverd.domain.view import View

_STEPS: Final = 4
_PLACES: Final = Decimal("0.000000001")
_HORIZON_MAX_S: Final = 7 * 86_400
"""Forecasts further ahead than this say nothing of the next storm."""


class StormParams(BaseModel):
    """How far predictions may lower the loop's leverage. It can never be raised by one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    volatility_from: Decimal = Field(
        Decimal("0.8"), gt=0, description="predicted volatility a year at which a storm begins"
    )
    volatility_full: Decimal = Field(
        Decimal("1.6"), gt=0, description="predicted volatility at which it is in full"
    )
    fall_from: Decimal = Field(
        Decimal("0.02"), gt=0, description="predicted move against the position that begins one"
    )
    fall_full: Decimal = Field(
        Decimal("0.08"), gt=0, description="predicted move at which it is in full"
    )
    cut: Decimal = Field(
        Decimal("0.4"), ge=0, lt=1, description="share of leverage beyond 1 given up in full"
    )
    widen: Decimal = Field(
        Decimal("0.5"), ge=0, le=1, description="how far the band's edges stay out as it sinks"
    )

    @model_validator(mode="after")
    def _in_order(self) -> StormParams:
        if not self.volatility_from < self.volatility_full:
            raise ValueError("must hold: volatility_from < volatility_full")
        if not self.fall_from < self.fall_full:
            raise ValueError("must hold: fall_from < fall_full")
        return self


@dataclass(frozen=True, slots=True)
class Storm:
    """What is coming."""

    quarters: int  # 1 to 4
    reason: str
    until: int  # chain time at which what it rests on is stale


@dataclass(frozen=True, slots=True)
class Rungs:
    """The leverages a loop goes by."""

    boost_below: Decimal
    repay_above: Decimal
    target: Decimal
    boosts_to: Decimal
    repays_to: Decimal


@kept(64)
def lowered(rungs: Rungs, quarters: int, params: StormParams) -> Rungs:
    """Return the rungs in a storm: each at most what it was, and in the same order."""
    part = Fraction(quarters, _STEPS)
    kept_share = 1 - Fraction(params.cut) * part
    wider = Fraction(params.widen) * part
    low = 1 + (Fraction(rungs.boost_below) - 1) * kept_share * (1 - wider)
    top = Fraction(rungs.repay_above)
    sunk = 1 + (top - 1) * kept_share
    return Rungs(
        boost_below=_down(low),
        repay_above=_down(sunk + (top - sunk) * Fraction(params.widen)),
        target=_sunk(rungs.target, kept_share),
        boosts_to=_sunk(rungs.boosts_to, kept_share),
        repays_to=_sunk(rungs.repays_to, kept_share),
    )


def storm_of(params: StormParams, view: View) -> Storm | None:
    """Return the worst storm that valid predictions of the position's asset announce."""
    mandate = view.state.position.mandate
    subject, side = volatile(mandate).symbol, side_of(mandate)
    return worst(params, side, _about(view.record.predictions, subject, view.now))


def worst(params: StormParams, side: Side, predictions: Iterable[Prediction]) -> Storm | None:
    """Return the worst storm that `predictions` announce to a position on `side`, if any."""
    found = [storm for each in predictions if (storm := _storm(params, side, each)) is not None]
    return max(found, key=lambda each: each.quarters, default=None)


def stale_at(view: View) -> int | None:
    """Return when the first of what the loop may listen to is stale, None if there is nothing."""
    subject = volatile(view.state.position.mandate).symbol
    ends = [each.valid_until for each in _about(view.record.predictions, subject, view.now)]
    return min(ends, default=None)


def _about(predictions: Iterable[Prediction], subject: str, now: int) -> list[Prediction]:
    return [
        each
        for each in predictions
        if each.subject == subject
        and each.made_at <= now < each.valid_until
        and each.horizon_s <= _HORIZON_MAX_S
        and each.quantity in {Quantity.VOLATILITY, Quantity.DIRECTION}
    ]


def _storm(params: StormParams, side: Side, each: Prediction) -> Storm | None:
    if each.quantity == Quantity.VOLATILITY:
        value = as_decimal(each.value)
        quarters = _quarters(value, params.volatility_from, params.volatility_full)
        what = f"volatility {value:.2f}"
    else:
        move = as_decimal(each.value if side is Side.SHORT else -each.value)
        quarters = _quarters(move, params.fall_from, params.fall_full)
        what = f"a move of {as_decimal(each.value):+.4f}"
    if not quarters:
        return None
    within = ahead(each.horizon_s)
    reason = f"storm {quarters}/{_STEPS}: {each.source} expects {what} within {within}"
    return Storm(quarters, reason, each.valid_until)


def _quarters(value: Decimal, begins: Decimal, full: Decimal) -> int:
    """Return how many quarters of a storm `value` is: one at `begins`, all at `full`."""
    if value < begins:
        return 0
    share = Fraction(value - begins) / Fraction(full - begins)
    return min(1 + int(share * (_STEPS - 1)), _STEPS)


def _sunk(leverage: Decimal, kept: Fraction) -> Decimal:
    return _down(1 + (Fraction(leverage) - 1) * kept)


def _down(ratio: Fraction) -> Decimal:
    return (Decimal(ratio.numerator) / ratio.denominator).quantize(_PLACES, ROUND_DOWN)
