"""What an owner is told of orders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction

from leverd.agents.order_reading import open_reading
from leverd.domain import loans, side
from leverd.domain.orders import Level, Of, Orders, Status, levels
from leverd.domain.reserves import reserve_of
from leverd.domain.view import View


def said(level: Level) -> str:
    """Return what a level that fires has seen."""
    if level.trigger is None or level.now is None:
        return "nothing is known of it yet"
    way = "at or above" if level.rises else "at or below"
    now, trigger = figure(level.of, level.now), figure(level.of, level.trigger)
    if level.of is Of.TIME:
        return f"chain time is {now}"
    what = "equity since opening" if level.of is Of.EQUITY else level.of
    return f"{what} {now} is {way} {trigger}"


def nearest(found: Iterable[Level]) -> str:
    """Return which armed order is nearest, and how far it is."""
    armed = [each for each in found if each.status is Status.ARMED and each.distance is not None]
    if not armed:
        return "no order is near"
    first = min(armed, key=lambda level: level.distance or Fraction(0))
    return f"nearest is {first.order}, {float(first.distance or 0):.2%} away"


def warning(orders: Orders, view: View) -> str | None:
    """Return what is wrong with a stop as things are now: liquidation would come before it."""
    seen = open_reading(view)
    if seen is None or view.record.ended is not None:
        return None
    asset, state = side.volatile(view.state.position.mandate), view.state
    first = loans.liquidation_price(state.market, state.position.loan, asset, view.now)
    if first is None:
        return None
    liquidation = seen.price * first / reserve_of(state.market, asset).price
    for level in levels(orders, seen):
        if level.of is not Of.PRICE or not level.limits_loss or level.trigger is None:
            continue
        late = level.trigger >= liquidation if level.rises else level.trigger <= liquidation
        if late:
            return (
                f"{level.order}: its trigger {figure(Of.PRICE, level.trigger)} lies beyond the "
                f"liquidation price {figure(Of.PRICE, liquidation)}; the guardian comes first"
            )
    return None


def figure(of: Of, value: Fraction) -> str:
    """Return a level's figure for people."""
    match of:
        case Of.TIME:
            return f"{datetime.fromtimestamp(int(value), UTC):%Y-%m-%d %H:%M:%S} UTC"
        case Of.PRICE:
            return f"{float(value):.2f}" if value >= 1 else f"{float(value):.6f}"
        case _:
            return f"{float(value):.4f}"
