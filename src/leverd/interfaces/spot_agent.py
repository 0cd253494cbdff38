"""A strategy for one market of an order book, and all that it sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from leverd.domain.atto import atto, down, of_atto
from leverd.domain.fixed_point import WAD, mul_div_down
from leverd.domain.prediction_events import PredictionMade
from leverd.domain.reference import ReferenceQuote
from leverd.domain.spot import Spot
from leverd.domain.view import TradingState
from leverd.interfaces.spot_cost import best
from leverd.interfaces.spot_rules import Wish
from leverd.interfaces.spot_venue import Depth, Purse, SpotMarket


@dataclass(frozen=True, slots=True)
class SpotView:
    """One immutable picture of a market and of what we hold on it."""

    now: int  # chain time, unix seconds
    age_s: int  # wall seconds since that block
    market: SpotMarket
    depth: Depth
    before: Depth | None  # of the look before it, None at the first
    purses: Mapping[str, Purse]  # by denomination, less what fees may need
    spot: Spot
    words: tuple[PredictionMade, ...] = ()  # newest of each predictor of the price, heard or not
    quotes: tuple[ReferenceQuote, ...] = ()  # newest of each other venue, whatever it is worth
    quotes_before: tuple[ReferenceQuote, ...] = ()  # the same, each of a block before
    state: TradingState = TradingState.ACTIVE
    paused: bool = False
    unwinding: bool = False

    @property
    def bid(self) -> int:
        """The best price somebody pays, 1e-18s; 0 where nobody does."""
        return best(self.depth.bids)

    @property
    def ask(self) -> int:
        """The best price somebody sells at, 1e-18s; 0 where nobody does."""
        return best(self.depth.asks)

    def available(self, denom: str, decimals: int) -> int:
        """Return what may be spent of `denom`, 1e-18s."""
        purse = self.purses.get(denom)
        return 0 if purse is None else mul_div_down(max(purse.available, 0), WAD, 10**decimals)

    @property
    def sellable(self) -> int:
        """What is held and could be sold on this market at its best bid, base; 0 if too little."""
        market = self.market
        mine = min(self.spot.base, self.available(market.base, market.base_decimals))
        quantity = atto(down(of_atto(mine), market.quantity_tick))
        worth = quantity * self.bid
        return quantity if worth and worth >= atto(market.notional_min) * WAD else 0

    @property
    def entries(self) -> int:
        """Purchases that stand; what is too little to be sold is none."""
        return self.spot.entries if self.sellable or not self.bid else 0


@dataclass(frozen=True, slots=True)
class Enter:
    """Buy, because of a prediction or, without one, of what other venues say."""

    wish: Wish
    word: PredictionMade | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Exit:
    """Sell what is held; it needs neither."""

    wish: Wish
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stay:
    """Do nothing."""

    code: str
    reason: str


SpotDecision: TypeAlias = Enter | Exit | Stay


class SpotAgent(Protocol):
    """A pure function of the view: same view, same decision, no I/O, no clock."""

    @property
    def name(self) -> str:
        """The name settings and journal use."""
        ...

    def decide(self, view: SpotView) -> SpotDecision:
        """Return what to do, given `view`. Never raises on a view of a live market."""
        ...
