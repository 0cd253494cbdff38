"""What every trader of spot sells for, whatever it bought for. It needs nobody's word."""

from __future__ import annotations

from collections.abc import Callable

from leverd.domain.atto import atto, atto_down, down, of_atto, up
from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.domain.prediction import MICRO, as_decimal
from leverd.domain.spot import LOST, PORTFOLIO_STOP
from leverd.domain.spot_limits import SpotLimits
from leverd.domain.view import TradingState
from leverd.interfaces.spot_agent import Exit, SpotView, Stay
from leverd.interfaces.spot_cost import best, taker_fee, within, worth
from leverd.interfaces.spot_rules import Wish
from leverd.interfaces.spot_venue import Depth, Manner, Side

Reason = tuple[str, str]
"""Why to sell: a code and the words for it."""


def way_out(
    view: SpotView, limits: SpotLimits, ripe: Callable[[SpotView], Reason | None]
) -> Exit | Stay | None:
    """Return the sale that a guard or else `ripe` wants, or why nothing may be done at all.

    None where a purchase may be thought of.
    """
    if view.state is TradingState.HALTED:
        return Stay("halted", "the owner halted everything")
    lost = view.spot.stop(LOST)
    if lost is not None:  # what is held is not known: to sell it might be to sell it twice
        return Stay(LOST, lost.reason)
    if view.sellable:
        why = guarded(view, limits) or ripe(view)
        return None if why is None else Exit(sale(view, limits), *why)
    if view.spot.base and not view.bid:
        return Stay("no_buyers", "nobody buys what is held")
    return _missing(view)


def _missing(view: SpotView) -> Stay | None:
    """Return that what the owner wants sold is not there, if so: a rest too little is no such."""
    market, base = view.market, view.spot.base
    there = view.available(market.base, market.base_decimals)
    missing = atto(down(of_atto(max(base - there, 0)), market.quantity_tick))
    if not view.unwinding or missing * view.bid < max(atto(market.notional_min) * WAD, 1):
        return None
    text = f"{of_atto(base):f} is held, and beside fees {of_atto(there):f} is in the account"
    return Stay("not_there", f"{text}: send it back, or stop leverd and say `leverd write-off`")


def guarded(view: SpotView, limits: SpotLimits) -> Reason | None:
    """Return the code and the words of why to sell, None if no guard wants it."""
    spot = view.spot
    if view.unwinding:
        return "unwind", "the owner wants everything sold"
    stop = spot.stop(PORTFOLIO_STOP)
    if stop is not None:
        return PORTFOLIO_STOP, stop.reason
    lost = _lost(view, limits)
    if lost is not None:
        return "stop_loss", f"{lost} below what it cost, {limits.stop_loss:f} is borne"
    if view.now >= spot.entered_at + limits.horizon_s:
        return "horizon", f"kept for {limits.horizon_h} h, as long as may be"
    return None


def sale(view: SpotView, limits: SpotLimits) -> Wish:
    """Return the wish that sells everything, not far below the better best bid of two looks.

    One look alone may see a far bid where the near ones are away for a block. After an order that
    traded nothing it goes by this look: who falls and falls is followed, not waited for. A small
    rest asks for a little more: at its worst price it must be worth a trade, too.
    """
    market, quantity = view.market, view.sellable
    bid = view.bid
    if view.before is not None and not view.spot.fruitless:
        bid = max(bid, best(view.before.bids))
    floor = mul_div_up(bid, WAD - atto_down(limits.slippage_max), WAD)
    least = mul_div_up(atto(market.notional_min), WAD, quantity)
    price = up(of_atto(max(floor, least, 1)), market.price_tick)
    return Wish(Side.SELL, Manner.TAKE, price, of_atto(quantity))


def _lost(view: SpotView, limits: SpotLimits) -> str | None:
    """Return the share that is lost if it reaches the stop in two looks running, as text.

    One look alone may see a book whose buyers are away for a block.
    """
    seen = [_sold_for(each, view) for each in (view.depth, view.before) if each]
    got = max(seen)
    floor = mul_div_down(view.spot.average, WAD - atto_down(limits.stop_loss), WAD)
    if view.before is None or got > floor:
        return None
    share = (view.spot.average - got) * MICRO // view.spot.average
    return f"{as_decimal(share):f}"


def _sold_for(depth: Depth, view: SpotView) -> int:
    """Return what a base brings on average in `depth`, after the fee; 0 where nobody buys."""
    there = min(view.sellable, within(depth.bids))
    got = worth(depth.bids, there) if there else 0
    assert got is not None, "no more is asked of the book than it holds"
    got -= mul_div_down(got, taker_fee(view.market), WAD)
    return mul_div_down(got, WAD, there) if there else 0
