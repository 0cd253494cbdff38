"""Buys spot where the book asks less than other venues let us believe it is worth. Long only.

A purchase needs a fair value, with its error taken off, that pays for the whole trade at its
worst price; without any single one of several references, too. A sale by a guard needs nobody;
what was bought is also sold once the book's middle has come up to the fair value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leverd.agents.spot_exits import Reason, way_out
from leverd.agents.spot_purchases import held_back, sized, worst_of
from leverd.domain.atto import atto, atto_down, of_atto
from leverd.domain.fair_value import Fair
from leverd.domain.fixed_point import WAD, mul_div_down
from leverd.domain.prediction import MICRO, as_decimal
from leverd.domain.spot_limits import SpotLimits
from leverd.interfaces.spot_agent import Enter, SpotDecision, SpotView, Stay
from leverd.interfaces.spot_cost import within
from leverd.interfaces.spot_rules import Wish
from leverd.interfaces.spot_value import fair_of, left_over, middle_of, worst_price

NAME: Final = "mispricing"


@dataclass(frozen=True, slots=True)
class Mispricing:
    """See `SpotAgent`; `limits.fair` says how far venues are believed."""

    limits: SpotLimits

    @property
    def name(self) -> str:
        """The name settings and journal use."""
        return NAME

    def decide(self, view: SpotView) -> SpotDecision:
        """Return what to do: to get out comes before all else."""
        return (
            way_out(view, self.limits, self._closed)
            or held_back(view, self.limits)
            or self._purchase(view)
        )

    def _closed(self, view: SpotView) -> Reason | None:
        """Return the code and the words of why to sell, None while it is worth more."""
        fair = fair_of(view, self.limits)
        if fair is None or fair.against or middle_of(view.depth) < fair.most:
            return None
        middle = of_atto(middle_of(view.depth))
        return "closed", f"the book's middle came up to {middle:f}; it is worth {_told(fair)}"

    def _purchase(self, view: SpotView) -> SpotDecision:
        fair = fair_of(view, self.limits)
        if fair is None:
            return Stay("no_terms", "nothing says how far other venues are believed")
        if fair.against:
            return Stay(fair.against, fair.reason)
        wish = self._wish(view, fair.least)
        if isinstance(wish, Stay):
            return wish
        left = left_over(view.market, view.depth, atto(wish.price), atto(wish.quantity), fair.least)
        if left is None or left < self.limits.profit_min * MICRO:
            return _no_gain(view, fair.least)
        reason = f"it is worth {_told(fair)}; at the worst price {as_decimal(left)} of it is left"
        return Enter(wish, None, NAME, reason)

    def _wish(self, view: SpotView, least: int) -> Wish | Stay:
        """Return the order that takes the part of the ladder that pays, every level of it."""
        found = self._reach(view, least)
        if isinstance(found, Stay):
            return found
        quantity, top = found
        wish = sized(view, self.limits, min(top, worst_of(view, self.limits)), quantity)
        return wish or Stay("too_small", "what pays, or may be bought, is too little to trade")

    def _reach(self, view: SpotView, least: int) -> tuple[int, int] | Stay:
        """Return how much of what is asked pays, and up to which price."""
        market, depth = view.market, view.depth
        found: tuple[int, int] | Stay = Stay("thin", "the book is too thin to get out again")
        most = mul_div_down(atto_down(self.limits.trade_max), WAD, view.ask)
        for price, _ in depth.asks:
            there = min(within(depth.asks, high=atto(price)), most)
            top = worst_price(market, depth, there, least, self.limits)
            if top is None:
                break
            if top < atto(price):
                return _no_gain(view, least) if isinstance(found, Stay) else found
            found = there, top
            if there == most:
                break
        return found


def _no_gain(view: SpotView, least: int) -> Stay:
    asked = f"{of_atto(view.ask):.6f} is asked, {of_atto(least):.6f} is safe to hope for"
    return Stay("unprofitable", f"{asked}: that does not pay for both ways")


def _told(fair: Fair) -> str:
    return f"{of_atto(fair.value):.6f} with an error of {of_atto(fair.error):.6f}"
