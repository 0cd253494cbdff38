"""A promise of silence: while the world stays inside, an agent would only hold.

The engine, scans and the backtest may skip looking while it lasts. A promise holds for the
balances, record and market parameters of the view it was made from; when any of those
changes it is void.
"""

from __future__ import annotations

from dataclasses import dataclass

from leverd.domain import loans, side, valuation
from leverd.domain.view import View

_PRICE_UNIT = 10**8


@dataclass(frozen=True, slots=True)
class Band:
    """Everything strictly between two bounds; None is no bound."""

    above: int | None = None
    below: int | None = None

    def contains(self, value: int) -> bool:
        """Whether `value` lies strictly inside."""
        if self.above is not None and value <= self.above:
            return False
        return self.below is None or value < self.below

    def both(self, other: Band) -> Band:
        """Return what lies in this band and in `other`."""
        aboves = [each for each in (self.above, other.above) if each is not None]
        belows = [each for each in (self.below, other.below) if each is not None]
        return Band(max(aboves, default=None), min(belows, default=None))


@dataclass(frozen=True, slots=True)
class Quiet:
    """Bands that must all hold; the defaults bound nothing."""

    price: Band = Band()  # domain.side.price: of the volatile asset, 1e8 of its currency
    health: Band = Band()  # wad
    time: Band = Band()  # chain time, unix seconds
    equity: Band = Band()  # share class raw units

    def both(self, other: Quiet) -> Quiet:
        """Return the promise that two agents keep together."""
        return Quiet(
            self.price.both(other.price),
            self.health.both(other.health),
            self.time.both(other.time),
            self.equity.both(other.equity),
        )

    def contains(self, view: View) -> bool:
        """Whether `view` lies inside every band."""
        state, equity = view.state, self.equity
        summary = loans.summarise(state.market, state.position.loan, state.at)
        return (
            self.price.contains(side.price_floored(state, _PRICE_UNIT))
            and self.health.contains(summary.health)
            and self.time.contains(view.now)
            and (equity == Band() or equity.contains(valuation.equity_in_share_class(state)))
        )
