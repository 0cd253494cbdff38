"""When and how much any trader of spot may buy at most, whatever it buys for."""

from __future__ import annotations

from typing import Final

from leverd.domain.atto import atto, atto_down, of_atto
from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.domain.spot_limits import SpotLimits
from leverd.domain.view import TradingState
from leverd.errors import RefusedError
from leverd.interfaces.spot_agent import SpotView, Stay
from leverd.interfaces.spot_cost import taker_fee, within
from leverd.interfaces.spot_rules import Wish, fitted
from leverd.interfaces.spot_venue import Manner, Side

_ANY_CID: Final = "any"  # the rules are asked before an order has its name


def held_back(view: SpotView, limits: SpotLimits) -> Stay | None:
    """Return why nothing is bought whatever anybody says."""
    spot = view.spot
    if view.unwinding or view.paused or view.state is not TradingState.ACTIVE:
        return Stay("only_out", "the owner wants nothing bought")
    if spot.stopped is not None:
        return Stay("stopped", spot.stopped.reason)
    if not view.market.active or not view.bid or not view.ask:
        return Stay("no_market", "nobody trades here now")
    if view.entries >= limits.active_positions_max:
        return Stay("kept", "as much is held as may be at once")
    if spot.trades_today(view.now) >= limits.trades_day_max:
        return Stay("trades_day", "the day's trades are used up")
    if spot.traded_at and view.now < spot.traded_at + limits.cooldown_s:
        return Stay("cooldown", "the last trade was too short ago")
    return None


def worst_of(view: SpotView, limits: SpotLimits) -> int:
    """Return the worst price a purchase may have, 1e-18s."""
    return mul_div_down(view.ask, WAD + atto_down(limits.slippage_max), WAD)


def sized(view: SpotView, limits: SpotLimits, top: int, most: int | None = None) -> Wish | None:
    """Return the most that limits, purse and book allow up to the price `top`.

    None if it is too little; never above `most` of base, if that is said.
    """
    market = view.market
    purse = view.available(market.quote, market.quote_decimals)
    free = atto_down(limits.position_max) - mul_div_up(view.spot.base, top, WAD)
    fee = max(taker_fee(market), atto_down(market.maker_fee))  # the purse must bear either
    quote = min(atto_down(limits.trade_max), mul_div_down(purse, WAD, WAD + fee), free)
    if quote <= 0 or top <= 0:
        return None
    quantity = min(mul_div_down(quote, WAD, top), within(view.depth.asks, high=top))
    quantity = quantity if most is None else min(quantity, most)
    wish = Wish(Side.BUY, Manner.TAKE, of_atto(top), of_atto(quantity))
    try:
        order = fitted(market, wish, _ANY_CID)
    except RefusedError:
        return None
    if atto(order.price) * atto(order.quantity) < atto_down(limits.trade_min) * WAD:
        return None
    return Wish(Side.BUY, Manner.TAKE, order.price, order.quantity)
