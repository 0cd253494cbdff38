"""Lower leverage, or close, when holding the position has cost too much for too long.

Carry is what the collateral earns less what the debt costs, a year, over equity. A long of
ether against dollars always has a negative one: the owner says how negative is borne. It
only ever lowers risk. Since when carry has been too low is in the view's record; while it
is, nobody buys beyond what carry bears, so that no loop undoes what was done here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from math import floor
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from leverd.agents.rebalance_cost import cost_of
from leverd.domain import carry, headroom, valuation
from leverd.domain.decision import Decision, Hold, SetLeverage, Unwind
from leverd.domain.events import CarryTurned
from leverd.domain.fixed_point import WAD
from leverd.domain.money import USD
from leverd.domain.orders import Orders
from leverd.domain.quiet import Band, Quiet
from leverd.domain.rates import SECONDS_PER_YEAR
from leverd.domain.view import View
from leverd.interfaces.agent import AgentKind, Cap, OrderFact
from leverd.interfaces.safer import HIGHER, LOWER

NAME: Final = "carry_watch"

_NO_LOOP: Final = Fraction(102, 100)
"""Leverage at and below which too little debt is left to keep: going that far closes."""

_POINT: Final = Decimal("0.01")
_PLACES: Final = Decimal("0.000000001")
_LOOKS: Final = 10
"""Silence is promised for this part of the patience at most: a spell is noticed that late."""


class Params(BaseModel):
    """The watch's section of the settings. Carry is a fraction of equity a year."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    carry_min: Decimal = Field(
        Decimal("-0.2"),
        description="carry below which it acts; 0 is to pay for itself",
        json_schema_extra=HIGHER,
    )
    carry_goal: Decimal | None = Field(
        None,
        description="carry it goes back to; a point above carry_min if unset",
        json_schema_extra=HIGHER,
    )
    staking: Decimal = Field(
        Decimal(0),
        ge=0,
        le=1,
        description="what the collateral grows by itself a year, 0.03 is 3 %",
        json_schema_extra=LOWER,
    )
    patience_s: int = Field(
        21_600, ge=0, description="chain seconds it bears a low carry", json_schema_extra=LOWER
    )
    pays_back_s: int = Field(
        2_592_000,
        ge=1,
        description="chain seconds within which moving must save what it costs",
        json_schema_extra=HIGHER,
    )

    @model_validator(mode="after")
    def _in_order(self) -> Params:
        if self.goal < self.carry_min:
            raise ValueError(f"must hold: carry_goal {self.goal} >= carry_min {self.carry_min}")
        return self

    @property
    def goal(self) -> Decimal:
        """The carry it goes back to."""
        return self.carry_min + _POINT if self.carry_goal is None else self.carry_goal


@dataclass(frozen=True, slots=True)
class CarryWatch:
    """The agent."""

    params: Params

    @property
    def name(self) -> str:
        """The name settings and journal use."""
        return NAME

    @property
    def orders(self) -> Orders:
        """None: it keeps facts and a cap as orders do, and nothing else of theirs."""
        return Orders()

    def decide(self, view: View) -> Decision:
        """Return less leverage, or an Unwind, once carry was too low for too long; else a Hold."""
        found = self._now(view)
        if found is None:
            return Hold(NAME, "nothing is owed, or nothing is left to save")
        shown, since = f"carry {float(found):.2%} of equity a year", view.record.carry_low_since
        if found >= self.params.carry_min or since is None:
            return Hold(NAME, f"{shown}, {float(self.params.carry_min):.2%} is borne")
        reason = f"{shown} is below {float(self.params.carry_min):.2%}"
        left = since + self.params.patience_s - view.now
        if left > 0:
            return Hold(NAME, f"{reason}; borne for {left} s more")
        return self._way_out(view, found, f"{reason} since {view.now - since} s")

    def facts(self, view: View) -> tuple[OrderFact, ...]:
        """Return that carry fell below what is borne, or came back, if the journal knows it not."""
        found = self._now(view)
        low = found is not None and found < self.params.carry_min
        if low is (view.record.carry_low_since is not None):
            return ()
        wad = 0 if found is None else floor(found * WAD)
        return (CarryTurned(view.state.position.mandate.position_id, low, wad),)

    def cap(self, view: View, target: Decimal) -> Cap | None:
        """Return what carry bears, where a purchase that aims at `target` would end lower."""
        least, staking = Fraction(self.params.carry_min), Fraction(self.params.staking)
        would = carry.carry_at(view.state, Fraction(target), staking)
        if would is None or would >= least:
            return None
        goal = carry.bearable(view.state, Fraction(self.params.goal), staking, Fraction(target))
        most = Decimal(1) if goal is None else _decimal(goal)
        return Cap(most, f"at {target:f} carry would be {float(would):.2%} of equity a year")

    def quiet(self, view: View) -> Quiet | None:
        """Return until when `decide` only holds, at most a part of its patience; None if it acts.

        It acts on a spell the journal knows of, and no sooner than its patience after it began.
        """
        if self._now(view) is None:
            return Quiet() if not _owes(view) else None
        since, end = view.record.carry_low_since, view.now + self.params.patience_s // _LOOKS
        if since is not None:
            end = min(end, since + self.params.patience_s)
        return Quiet(time=Band(below=end)) if end > view.now and not self.facts(view) else None

    def _now(self, view: View) -> Fraction | None:
        if not _owes(view):
            return None
        return carry.carry_now(view.state, Fraction(self.params.staking))

    def _way_out(self, view: View, now: Fraction, reason: str) -> Decision:
        leverage = headroom.leverage(view.state)
        assert leverage is not None  # there is a carry, so there is equity
        staking = Fraction(self.params.staking)
        goal = carry.bearable(view.state, Fraction(self.params.goal), staking, leverage)
        closes = goal is None or goal <= _NO_LOOP
        target = Decimal(1) if goal is None or closes else _decimal(goal)
        held_by = self._thrift(view, now, target)
        if held_by is not None:
            return Hold(NAME, f"{reason}; {held_by}")
        if closes:
            return Unwind(NAME, f"{reason}; no leverage is borne")
        return SetLeverage(NAME, target, f"{reason}: back to {float(self.params.goal):.2%}")

    def _thrift(self, view: View, now: Fraction, target: Decimal) -> str | None:
        """Return why moving costs more than it saves in time, None if it does not."""
        cost = cost_of(view, target)
        if cost is None:
            return "the pool cannot fill the move"
        then = carry.carry_at(view.state, Fraction(target), Fraction(self.params.staking))
        assert then is not None  # as above
        years = Fraction(self.params.pays_back_s, SECONDS_PER_YEAR)
        saved = (then - now) * valuation.equity(view.state) * years / USD.unit
        if saved >= Fraction(cost.total):
            return None
        return f"moving costs {cost.total:.2f} USD and would save {float(saved):.2f} in time"


def _owes(view: View) -> bool:
    return any(view.state.position.loan.debts.values())


def _decimal(ratio: Fraction) -> Decimal:
    exact = Decimal(ratio.numerator) / ratio.denominator
    return max(exact.quantize(_PLACES, ROUND_DOWN), Decimal(1))


AGENT: Final = AgentKind(NAME, Params, CarryWatch, lambda _: None)
