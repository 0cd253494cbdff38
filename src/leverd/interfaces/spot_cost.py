"""What a trade on an order book costs, reckoned from its depth. Pure; shared by agent and gate.

Prices, quantities and quote are whole 1e-18s, shares whole millionths. A cost is rounded up.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from leverd.domain.atto import atto, atto_down
from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.domain.prediction import MICRO, Quantity, refusal
from leverd.domain.prediction_events import PredictionMade
from leverd.domain.spot_limits import SpotLimits
from leverd.interfaces.spot_venue import Depth, SpotMarket

Levels = Sequence[tuple[Decimal, Decimal]]


def best(levels: Levels) -> int:
    """Return the price of the best of `levels`; 0 if there is none."""
    return atto(levels[0][0]) if levels else 0


def within(levels: Levels, *, low: int = 0, high: int | None = None) -> int:
    """Return the base that `levels` hold at prices from `low` to `high`."""
    priced = ((atto(price), quantity) for price, quantity in levels)
    return sum(
        atto_down(quantity)
        for price, quantity in priced
        if low <= price and (high is None or price <= high)
    )


def worth(levels: Levels, quantity: int) -> int | None:
    """Return the quote that `quantity` of base trades for, None if `levels` hold less."""
    total, left = 0, quantity
    for price, there in levels:
        taken = min(left, atto_down(there))
        total += taken * atto(price)
        left -= taken
        if not left:
            return total // WAD
    return None


def taker_fee(market: SpotMarket) -> int:
    """Return what a taker pays of a notional, 1e-18s; never below nothing."""
    return atto(max(market.taker_fee, Decimal(0)))


def round_trip(market: SpotMarket, depth: Depth, quantity: int) -> int | None:
    """Return what buying and selling again now costs, millionths of its worth in the middle.

    Both fees, the spread and the slippage of both ways. None if the book cannot fill it.
    """
    paid, got = worth(depth.asks, quantity), worth(depth.bids, quantity)
    if paid is None or got is None:
        return None
    fee = taker_fee(market)
    lost = (paid + mul_div_up(paid + 1, fee, WAD) + 1) - (got - mul_div_up(got, fee, WAD))
    middle = mul_div_down(quantity, best(depth.bids) + best(depth.asks), 2 * WAD)
    return mul_div_up(lost, MICRO, middle) if middle else None


def expected(word: PredictionMade) -> int:
    """Return the move that `word` lets us reckon with, millionths: discounted by its skill.

    A log return, which is less than the plain return it stands for.
    """
    skill = min(max(word.skill, 0), MICRO)
    return word.prediction.value * skill // MICRO


def objection(word: PredictionMade, limits: SpotLimits, now: int) -> str:
    """Return why `word` buys nothing at `now`, "" if it may."""
    made = word.prediction
    against = refusal(made, now=now)
    if against is not None:
        return against.reason
    rules = {
        "it is not listened to": not word.admitted,
        "it is not about the direction": made.quantity != Quantity.DIRECTION,
        "its horizon is another": made.horizon_s != limits.horizon_s,
        "its confidence is too low": made.confidence < int(limits.confidence_min * MICRO),
        "it comes without an interval": made.interval.low >= made.interval.high,
    }
    return next((reason for reason, holds in rules.items() if holds), "")
