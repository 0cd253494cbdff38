"""Keep a position from liquidation: warn early, deleverage in time, ask for nothing else.

Triggers that the owner leaves unset derive from what is being guarded. With t the liquidation
threshold and L the highest leverage other agents let drift (the top of their band), health
there is b = t L / (L - 1), and

* deleverage below min(1.2, 1 + 3/4 (b - 1)): three quarters of the room stay the loop's own,
* alert below min(1.5, 1 + 7/8 (b - 1)), and never below the deleverage trigger,
* repay to the target's own health, so that the loop has nothing to put right.

What lies idle is put to use instead of selling where that alone brings health half way from
the trigger to where a deleverage returns: one transaction without fee or price impact.

Where no target is known, or the trigger is not below it, repaying goes half as far above 1
again as the trigger: 1.2, 1.5 and 1.3 are what an empty section means.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from leverd.domain import headroom, loans
from leverd.domain.decision import Decision, Hold, SetLeverage
from leverd.domain.fixed_point import WAD, mul_div_up
from leverd.domain.keeping import kept
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.quiet import Band, Quiet
from leverd.domain.view import View
from leverd.interfaces.agent import AgentKind
from leverd.interfaces.safer import HIGHER, LOWER

NAME: Final = "guardian"

_DELEVERAGE: Final = Fraction(6, 5)
_ALERT: Final = Fraction(3, 2)
_DELEVERAGE_ROOM: Final = Fraction(3, 4)
_ALERT_ROOM: Final = Fraction(7, 8)
_RETURN: Final = Fraction(3, 2)
_PLACES: Final = Decimal("0.000000001")


class Params(BaseModel):
    """The guardian's section of the settings. Triggers are health factors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alert_below: Decimal | None = Field(
        None, gt=1, description="health that raises an alert", json_schema_extra=HIGHER
    )
    deleverage_below: Decimal | None = Field(
        None, gt=1, description="health that deleverages", json_schema_extra=HIGHER
    )
    repay_to: Decimal | None = Field(
        None, gt=1, description="health a deleverage returns to", json_schema_extra=HIGHER
    )
    target: Decimal | None = Field(
        None,
        gt=1,
        description="leverage it guards; taken from the other agents if unset",
        json_schema_extra=LOWER,
    )
    band_high: Decimal | None = Field(
        None,
        gt=1,
        description="highest leverage they let drift; taken from them if unset",
        json_schema_extra=LOWER,
    )

    @model_validator(mode="after")
    def _in_order(self) -> Params:
        rungs = [self.deleverage_below, self.alert_below]
        if None not in rungs and rungs != sorted(rungs, key=lambda each: each or Decimal(0)):
            raise ValueError("must hold: deleverage_below <= alert_below")
        trigger, goal = self.deleverage_below, self.repay_to
        if trigger is not None and goal is not None and goal <= trigger:
            raise ValueError(f"must hold: repay_to {goal} > deleverage_below {trigger}")
        return self


@dataclass(frozen=True, slots=True)
class Triggers:
    """Health factors that mean something, in descending danger."""

    deleverage_below: Fraction
    alert_below: Fraction
    repay_to: Fraction

    @property
    def deleverage_wad(self) -> int:
        """Return the least health (wad) at which nothing is done."""
        return _ceiled(self.deleverage_below)

    @property
    def alert_wad(self) -> int:
        """Return the least health (wad) that alerts nobody."""
        return _ceiled(self.alert_below)


@kept(64)
def triggers(params: Params, threshold: Fraction) -> Triggers:
    """Return the triggers that hold at liquidation threshold `threshold`."""
    target, top = params.target, params.band_high or params.target
    at_top = None if top is None else headroom.health_at(Fraction(top), threshold)
    at_target = None if target is None else headroom.health_at(Fraction(target), threshold)
    trigger = _set_or(params.deleverage_below, _within(_DELEVERAGE, _DELEVERAGE_ROOM, at_top))
    alert = _set_or(params.alert_below, _within(_ALERT, _ALERT_ROOM, at_top))
    least = 1 + (trigger - 1) * _RETURN
    goal = _set_or(params.repay_to, at_target or least)
    return Triggers(trigger, max(alert, trigger), goal if goal > trigger else least)


@dataclass(frozen=True, slots=True)
class Guardian:
    """The agent. It only ever asks for less leverage."""

    params: Params

    @property
    def name(self) -> str:
        """The name settings and journal use."""
        return NAME

    def decide(self, view: View) -> Decision:
        """Return an urgent lower leverage when health is below the trigger, else a Hold."""
        health = _health(view)
        if health == INFINITE_HEALTH:
            return Hold(NAME, "nothing is owed")
        levels = triggers(self.params, headroom.threshold_of(view.state))
        if health >= levels.deleverage_wad:
            return Hold(NAME, self.alert(view) or f"health {_shown(health)} is safe")
        leverage = headroom.leverage_for_health(view.state, levels.repay_to)
        target = Decimal(1) if leverage is None else _decimal(leverage)
        reason = (
            f"health {_shown(health)} is below {float(levels.deleverage_below):.4f}: "
            f"back to {float(levels.repay_to):.4f}"
        )
        enough = int((levels.deleverage_below + levels.repay_to) / 2 * WAD)
        return SetLeverage(NAME, target, reason, urgent=True, enough=enough)

    def alert(self, view: View) -> str | None:
        """Return what to tell the owner while health is below the alert trigger, else None."""
        health = _health(view)
        levels = triggers(self.params, headroom.threshold_of(view.state))
        if health >= levels.alert_wad:
            return None
        return f"health {_shown(health)} is below the alert level {float(levels.alert_below):.4f}"

    def quiet(self, view: View) -> Quiet | None:
        """Return the health above which `decide` only holds; None when it does not now."""
        trigger = triggers(self.params, headroom.threshold_of(view.state)).deleverage_below
        promise = Quiet(health=Band(above=trigger.numerator * WAD // trigger.denominator))
        return promise if promise.contains(view) else None


def _within(usual: Fraction, room: Fraction, at_top: Fraction | None) -> Fraction:
    return usual if at_top is None else min(usual, 1 + max(at_top - 1, Fraction(0)) * room)


def _ceiled(health: Fraction) -> int:
    return mul_div_up(health.numerator, WAD, health.denominator)


def _set_or(given: Decimal | None, derived: Fraction) -> Fraction:
    return derived if given is None else Fraction(given)


def _health(view: View) -> int:
    return loans.summarise(view.state.market, view.state.position.loan, view.state.at).health


def _shown(health: int) -> str:
    return f"{Decimal(health) / WAD:.4f}"


def _decimal(ratio: Fraction) -> Decimal:
    exact = Decimal(ratio.numerator) / ratio.denominator
    return max(exact.quantize(_PLACES, ROUND_DOWN), Decimal(1))


AGENT: Final = AgentKind(NAME, Params, Guardian, lambda _: None)
