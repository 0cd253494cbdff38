"""What a position was, stretch by stretch: enough to tell any moment of it exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from leverd.adapters.simulated.ledger import Holder
from leverd.backtest.history.exact import Floats
from leverd.backtest.replay.floats import Series, Weights, weights_of
from leverd.backtest.replay.world import World
from leverd.domain import loans, valuation
from leverd.domain.fixed_point import WAD
from leverd.domain.highs import Highs
from leverd.domain.position import Position
from leverd.domain.state import State

_NEAR: Final = 1e-12
"""Relative distance within which floats do not tell which of two healths is the lower."""


@dataclass(frozen=True, slots=True)
class Span:
    """From which point on a position weighed what it weighed."""

    point: int
    weights: Weights
    holder: Holder
    units: int  # WAD


class Track:
    """The spans of one run, oldest first, without gaps."""

    def __init__(self, world: World, series: Series) -> None:
        self._world, self._series = world, series
        self.spans: list[Span] = []
        self.preyed: dict[int, int] = {}  # point -> health (wad) that liquidators found

    @property
    def weights(self) -> Weights:
        """What the position weighs now."""
        return self.spans[-1].weights

    def weigh(self, point: int, holder: Holder, units: int) -> None:
        """Begin a span at `point`; one that began there already was over at once."""
        position = Position(self._world.mandate, holder.loans, holder.idle)
        if self.spans and self.spans[-1].point == point:
            self.spans.pop()
        self.spans.append(Span(point, weights_of(position, self._world, units), holder, units))

    def state(self, point: int) -> State:
        """Return the position as it was held at a point gone by."""
        holder = self._at(point).holder
        return self._world.ledger(point, holder, 0, 0).state(self._world.mandate)

    def unit(self, point: int) -> int:
        """Return the unit price at a point gone by, share class raw units per WAD units."""
        return valuation.equity_in_share_class(self.state(point)) * WAD // self._at(point).units

    def highest(self, near: Iterable[int]) -> Highs:
        """Return the highest unit price of the points `near`, exactly, as highs are kept."""
        best = max((self.unit(each), -each) for each in near)
        return ((int(self._world.points.at[-best[1]]), best[0]),)

    def lowest(self) -> tuple[int, int]:
        """Return the lowest health (wad) of all points, exactly, and the first with it."""
        found = health(self.state(0)), 0
        floats = self.healths()
        least = float(floats.min())
        if np.isfinite(least):
            for point in np.flatnonzero(floats <= least * (1 + _NEAR)).tolist():
                found = min(found, (health(self.state(point)), point))
        return min([found, *((each, point) for point, each in self.preyed.items())])

    def healths(self) -> Floats:
        """Return health at every point as each was left, inf without debt."""
        found = np.full(len(self._world.points), np.inf)
        for span, end in self.stretches():
            rows = slice(span.point, end)
            found[rows] = self._series.health(span.weights, rows)
        return found

    def stretches(self) -> list[tuple[Span, int]]:
        """Return each span with the point at which the next begins."""
        ends = [each.point for each in self.spans[1:]] + [len(self._world.points)]
        return list(zip(self.spans, ends, strict=True))

    def _at(self, point: int) -> Span:
        return next(each for each in reversed(self.spans) if each.point <= point)


def health(state: State) -> int:
    """Return the health of a position, wad."""
    return loans.summarise(state.market, state.position.loan, state.at).health
