"""What other venues make of an order book's price. Pure; agent and gate each reckon it anew.

Prices, quantities and quote are whole 1e-18s, shares whole millionths, rounded against us.
"""

from __future__ import annotations

from math import ceil

from leverd.domain.atto import atto_down
from leverd.domain.fair_value import Belief, Fair, FairTerms, fair_value, in_both, width
from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.domain.prediction import MICRO
from leverd.domain.spot_limits import SpotLimits
from leverd.interfaces.spot_agent import SpotView
from leverd.interfaces.spot_cost import best, taker_fee, worth
from leverd.interfaces.spot_venue import Depth, SpotMarket


def fair_of(view: SpotView, limits: SpotLimits) -> Fair | None:
    """Return the fair value in `view`, None where no terms say how, or the book has one side."""
    if limits.fair is None or not view.bid or not view.ask:
        return None
    book = belief(view.market, view.depth, atto_down(limits.trade_max), limits.fair)
    now, before = (
        fair_value(book, quotes, view.now, limits.fair)
        for quotes in (view.quotes, view.quotes_before)
    )
    return in_both(now, before)


def belief(market: SpotMarket, depth: Depth, size: int, terms: FairTerms) -> Belief:
    """Return how far the book itself is believed: what `size` costs there, and its own error.

    A book too thin for `size` is believed as good as nothing.
    """
    middle = middle_of(depth)
    quantity = mul_div_down(size, WAD, middle)
    paid, got = worth(depth.asks, quantity), worth(depth.bids, quantity)
    if not quantity or paid is None or got is None:
        return Belief(middle, WAD + terms.book_error)
    fee = taker_fee(market)
    ask = mul_div_up(paid + 1, WAD + fee, quantity)
    bid = mul_div_down(got, max(WAD - fee, 0), quantity)
    return Belief(middle, width(bid, middle, ask) + terms.book_error)


def middle_of(depth: Depth) -> int:
    """Return the middle of a book that has both sides; at least one 1e-18."""
    return max((best(depth.bids) + best(depth.asks)) // 2, 1)


def left_over(
    market: SpotMarket, depth: Depth, price: int, quantity: int, later: int
) -> int | None:
    """Return what is left of a base bought at `price` and sold once the middle is at `later`.

    A share of the middle, in millionths, after both fees, the spread and the slippage of a sale
    of `quantity` on a book as wide and as deep as now. None if it is too thin to get out again.
    """
    back = _brings(market, depth, quantity, later)
    if back is None:
        return None
    return (back - mul_div_up(price, WAD + taker_fee(market), WAD)) * MICRO // middle_of(depth)


def worst_price(
    market: SpotMarket, depth: Depth, quantity: int, later: int, limits: SpotLimits
) -> int | None:
    """Return the highest price of a purchase that leaves `profit_min`, None if out is too thin."""
    back = _brings(market, depth, quantity, later)
    if back is None:
        return None
    least = mul_div_up(ceil(limits.profit_min * MICRO), middle_of(depth), MICRO)
    return mul_div_down(max(back - least, 0), WAD, WAD + taker_fee(market))


def _brings(market: SpotMarket, depth: Depth, quantity: int, later: int) -> int | None:
    """Return the quote that a base brings on average, `quantity` sold at a middle of `later`."""
    got = worth(depth.bids, quantity) if quantity else None
    if got is None:
        return None
    each = mul_div_down(later, got * WAD, quantity * middle_of(depth))
    return mul_div_down(each, max(WAD - taker_fee(market), 0), WAD)
