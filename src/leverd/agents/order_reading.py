"""A view, as orders see it."""

from __future__ import annotations

from fractions import Fraction

from leverd.domain import loans, side, valuation
from leverd.domain.course import Course
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.orders import Reading
from leverd.domain.view import View


def open_reading(view: View) -> Reading | None:
    """Return what orders see of a position that owes something, None without debt."""
    return reading_of(view) if any(view.state.position.loan.debts.values()) else None


def reading_of(view: View) -> Reading:
    """Return what orders see of `view`.

    While a transaction of its own is under way, or balances are not as known and one look does
    not prove it, flows are not accounted for, so the unit price is held to be unknown: a deposit
    must not look like a gain.
    """
    state, course = view.state, view.record.course
    health = loans.summarise(state.market, state.position.loan, state.at).health
    return Reading(
        side=side.side_of(state.position.mandate),
        at=view.now,
        price=side.price(state),
        opened=None if course is None else opened_at(view, course),
        health=None if health >= INFINITE_HEALTH else Fraction(health, WAD),
        unit=unit_now(view),
        course=course,
        ended=view.record.ended,
    )


def unit_now(view: View) -> int | None:
    """Return what WAD units are worth now, share class raw; None while it cannot be known.

    The price of the last mark, moved by what equity has made since.
    """
    record = view.record
    if record.units <= 0 or record.open_slots or record.strange:
        return None
    made = valuation.equity_in_share_class(view.state) - record.marked_equity
    return max(record.unit_price + made * WAD // record.units, 0)


def opened_at(view: View, course: Course) -> Fraction | None:
    """Return the price at opening, in the currency of `side.price`; None where it is unknown."""
    mandate = view.state.position.mandate
    return side.price_in(mandate, course.prices)
