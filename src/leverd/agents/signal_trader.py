"""Buys spot on a prediction that pays for its trade, and sells it again. Long only.

A purchase needs predictions that have earned it; a sale needs none: what was bought is sold when
they turn, when their horizon is over, when too much is lost, and when the owner says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leverd.agents.spot_exits import Reason, way_out
from leverd.agents.spot_purchases import held_back, sized, worst_of
from leverd.domain.atto import atto
from leverd.domain.prediction import MICRO, as_decimal
from leverd.domain.prediction_events import PredictionMade
from leverd.domain.spot_limits import SpotLimits
from leverd.interfaces.spot_agent import Enter, SpotDecision, SpotView, Stay
from leverd.interfaces.spot_cost import expected, objection, round_trip

NAME: Final = "signal_trader"


@dataclass(frozen=True, slots=True)
class SignalTrader:
    """See `SpotAgent`."""

    limits: SpotLimits

    @property
    def name(self) -> str:
        """The name settings and journal use."""
        return NAME

    def decide(self, view: SpotView) -> SpotDecision:
        """Return what to do: to get out comes before all else."""
        return (
            way_out(view, self.limits, self._turned)
            or held_back(view, self.limits)
            or self._purchase(view)
        )

    def _turned(self, view: SpotView) -> Reason | None:
        """Return the code and the words of why to sell, None if nobody expects a fall."""
        heard = [word for word in view.words if not objection(word, self.limits, view.now)]
        turned = next((word for word in heard if word.prediction.value < 0), None)
        if turned is None:
            return None
        made = turned.prediction
        return "turned", f"{made.source} expects {as_decimal(made.value)} now"

    def _purchase(self, view: SpotView) -> SpotDecision:
        word = self._word(view)
        if isinstance(word, Stay):
            return word
        wish = sized(view, self.limits, worst_of(view, self.limits))
        if wish is None:
            return Stay("too_small", "what may be bought is less than the least trade")
        cost = round_trip(view.market, view.depth, atto(wish.quantity))
        if cost is None:
            return Stay("thin", "the book is too thin to get out again")
        gain = expected(word)
        if gain - cost < self.limits.profit_min * MICRO:
            return Stay(
                "unprofitable",
                f"{as_decimal(gain)} is expected, {as_decimal(cost)} is what it costs",
            )
        made = word.prediction
        reason = f"{made.source} lets us expect {as_decimal(gain)}, at a cost of {as_decimal(cost)}"
        return Enter(wish, word, "signal", reason)

    def _word(self, view: SpotView) -> PredictionMade | Stay:
        """Return the least hopeful of what may be acted on."""
        if not view.words:
            return Stay("no_word", "nobody predicts anything")
        against = [objection(each, self.limits, view.now) for each in view.words]
        heard = [each for each, why in zip(view.words, against, strict=True) if not why]
        if not heard:
            return Stay("not_heard", f"{view.words[0].prediction.source}: {against[0]}")
        word = min(heard, key=expected)
        if expected(word) <= 0:
            return Stay("no_gain", f"{word.prediction.source} expects no gain")
        return word
