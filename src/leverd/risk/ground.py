"""Whether an order may sell into the market as it is: it knows a crash from a thin book.

An order fires on the oracle's price. What its swap gets is the pool's. Where the pool pays
less than the oracle says while the oracle stands still, somebody has moved the pool, or
nobody is there: waiting costs little. Where the oracle itself has fallen beyond the point
the order is measured from, the pool may lead by as much, and waiting costs more than
slippage: caps rise with the fall. The guardian, the owner's unwind and the portfolio stop
do not ask this: nothing here holds them back.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from leverd.domain import quotes, side, valuation
from leverd.domain.course import Fired
from leverd.domain.fixed_point import WAD
from leverd.domain.orders import PRICE_UNIT
from leverd.domain.side import Side
from leverd.domain.view import Record, View
from leverd.errors import ImpossibleError
from leverd.risk.limits import Limits

_NOTHING: Final = Fraction(0)
_ALL: Final = Fraction(1)


class Market(StrEnum):
    """What the market looks like to somebody who has to sell."""

    FAIR = "fair"
    """The pool agrees with the oracle, and the oracle has not run away."""

    CRASH = "crash"
    """The oracle has moved against the position, and the pool with it."""

    THIN = "thin"
    """The pool pays less than the oracle says, and the oracle does not follow."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What an order stands on."""

    market: Market
    gap: Fraction  # of the oracle's value that the pool does not pay, before fee and impact
    fall: Fraction  # how far the oracle moved against the position beyond the order's reference
    allowed: Fraction  # the gap at which it still sells
    urgency: Decimal  # 0 calm caps, 1 what a liquidation would cost


def fired_of(record: Record) -> Fired | None:
    """Return the order that is being carried out, None without one."""
    if record.ended is not None:
        return record.ended
    return None if record.course is None else record.course.pending


def ground(view: View, fired: Fired, limits: Limits) -> Ground:
    """Return what `fired` has to sell into."""
    gap, fall = _gap(view), _fall(view, fired)
    reach = abs(Fraction(limits.shock))
    allowed = max(Fraction(limits.oracle_gap_max), min(fall, reach))
    if gap > allowed:
        return Ground(Market.THIN, gap, fall, allowed, Decimal(0))
    if fall == 0:
        return Ground(Market.FAIR, gap, fall, allowed, Decimal(0))
    pressed = min(fall / reach, Fraction(fired.urgency_max, WAD), _ALL) if fired.urgent else 0
    urgency = Decimal(Fraction(pressed).numerator) / Fraction(pressed).denominator
    return Ground(Market.CRASH, gap, fall, allowed, urgency)


def waits(view: View, limits: Limits) -> str | None:
    """Return why the order under way does not sell now, None if it may or there is none."""
    fired = fired_of(view.record)
    found = None if fired is None else ground(view, fired, limits)
    if fired is None or found is None or found.market is not Market.THIN:
        return None
    return (
        f"{fired.order} waits: the pool pays {float(found.gap):.2%} less than the oracle says, "
        f"{float(found.allowed):.2%} is allowed while the oracle has fallen {float(found.fall):.2%}"
    )


def _gap(view: View) -> Fraction:
    """Return what the pool's price lacks of the oracle's for what has to be sold."""
    state, mandate = view.state, view.state.position.mandate
    try:
        promised = valuation.rate(state, mandate.collateral, mandate.debt)
        paid = quotes.spot_ratio(state.pool, mandate.collateral)
    except ImpossibleError:
        return _ALL  # a pool without a price pays nothing
    return max(1 - paid / promised, _NOTHING)


def _fall(view: View, fired: Fired) -> Fraction:
    price, reference = side.price(view.state), Fraction(fired.reference, PRICE_UNIT)
    if reference <= 0 or price <= 0:
        return _NOTHING
    moved = price / reference
    short = side.side_of(view.state.position.mandate) is Side.SHORT
    return max(1 - 1 / moved if short else 1 - moved, _NOTHING)
