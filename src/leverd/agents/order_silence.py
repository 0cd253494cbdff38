"""Bands in which orders stay silent, whatever path leads through them.

A trailing stop is the reason for care: inside its band no new best is worth a line in the
journal, and from the highest point of the band to the lowest is less than its drop.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor
from typing import Final

from leverd.agents.order_reading import open_reading
from leverd.domain.course import Course
from leverd.domain.fixed_point import WAD
from leverd.domain.orders import (
    PRICE_UNIT,
    Level,
    Of,
    Orders,
    Reading,
    Status,
    Trailing,
    growth,
    is_news,
    levels,
)
from leverd.domain.quiet import Band, Quiet
from leverd.domain.side import Side
from leverd.domain.view import Record, View

_STEP: Final = Fraction(1, 20)  # of the drop, as a new best is written down


def silence(orders: Orders, view: View) -> Quiet | None:
    """Return what orders promise at `view`, None when they have something to do or to learn."""
    seen, record = open_reading(view), view.record
    if seen is None:
        return Quiet()
    course = record.course
    if record.ended or course is None or course.pending or is_news(orders, seen):
        return None
    if orders.trailing is not None and orders.trailing.of is Of.EQUITY and growth(seen) is None:
        return None
    promise = Quiet()
    for level in levels(orders, seen):
        if level.status is Status.DONE or level.order == _name(orders.trailing):
            continue
        if level.status is not Status.ARMED:
            return None
        promise = promise.both(_band(level, record, course))
    if orders.trailing is not None:
        for each in _trailed(orders.trailing, seen, record, course):
            promise = promise.both(each)
    return promise if promise.contains(view) else None


def _name(trailing: Trailing | None) -> str:
    return "" if trailing is None else trailing.name


def _band(level: Level, record: Record, course: Course) -> Quiet:
    assert level.trigger is not None, "only a trailing stop can be without a trigger"
    return _side(level.of, level.trigger, record, course, below=level.rises)


def _trailed(trailing: Trailing, seen: Reading, record: Record, course: Course) -> Iterator[Quiet]:
    """Yield both ends: half a step beyond the best, and the drop from there."""
    best = {
        Of.PRICE: Fraction(course.best_price, PRICE_UNIT),
        Of.EQUITY: Fraction(course.best_unit, course.unit or 1),
        Of.HEALTH: Fraction(course.best_health, WAD),
    }[trailing.of]
    drop, gained = Fraction(trailing.drop), Fraction(trailing.activation)
    step = drop * _STEP / 2
    if trailing.of is Of.PRICE and seen.side is Side.SHORT:
        low = best * (1 - step)
        start = (seen.opened or Fraction(0)) * (1 - gained)
        if gained and best > start:
            low = max(low, start)
        yield _side(trailing.of, low, record, course, below=False)
        yield _side(trailing.of, low * (1 + drop), record, course, below=True)
        return
    high = best * (1 + step)
    start = (seen.opened or Fraction(0)) if trailing.of is Of.PRICE else Fraction(1)
    start *= 1 + gained
    if gained and best < start:
        high = min(high, start)
    yield _side(trailing.of, high, record, course, below=True)
    yield _side(trailing.of, high * (1 - drop), record, course, below=False)


def _side(of: Of, at: Fraction, record: Record, course: Course, *, below: bool) -> Quiet:
    """Return the promise on one side of `at`, rounded to the inside."""
    match of:
        case Of.PRICE:
            return Quiet(price=_edge(at * PRICE_UNIT, below=below))
        case Of.HEALTH:
            return Quiet(health=_edge(at * WAD, below=below))
        case Of.TIME:
            return Quiet(time=_edge(at, below=below))
        case _:
            unit = at * course.unit + (-1 if below else 1)
            made = (unit - record.unit_price) * record.units / WAD
            return Quiet(equity=_edge(record.marked_equity + made, below=below))


def _edge(at: Fraction, *, below: bool) -> Band:
    return Band(below=floor(at)) if below else Band(above=ceil(at))
