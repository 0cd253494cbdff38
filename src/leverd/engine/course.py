"""Fold what an open position goes through into what orders remember of it. Pure."""

from __future__ import annotations

from typing import assert_never

from leverd.domain.changed import changed
from leverd.domain.course import Course, Fired
from leverd.domain.events import OrderDone, OrderFired, PeakReached
from leverd.domain.snapshot import Snapshot
from leverd.domain.view import Record


def after_snapshot(record: Record, snapshot: Snapshot) -> Record:
    """Return `record` once balances are known to be those of `snapshot`.

    The first debt begins a course, no debt ends it. A share that was being sold and left
    nothing owed has closed the position: nobody reopens it then.
    """
    owes, course = any(snapshot.owed.values()), record.course
    if owes and course is None:
        begun = Course(snapshot.at, dict(snapshot.prices), record.unit_price)
        return changed(record, course=begun)
    if not owes and course is not None:
        return changed(record, course=None, ended=record.ended or course.pending)
    return record


def after_mark(course: Course | None, unit_price: int) -> Course | None:
    """Return `course` after P&L was marked: one adopted before any mark begins at its first."""
    if course is None or course.unit:
        return course
    return changed(course, unit=unit_price)


def after_fact(record: Record, fact: PeakReached | OrderFired | OrderDone, chain_at: int) -> Record:
    """Return `record` after a fact of an order. The same fact twice changes nothing more."""
    course = record.course
    match fact:
        case PeakReached(price=price, unit=unit, health=health):
            if course is None:
                return record
            best = changed(course, best_price=price, best_unit=unit, best_health=health)
            return changed(record, course=best)
        case OrderFired():
            return _fired(record, fact, chain_at)
        case OrderDone(order=order, block=block):
            if course is None or course.pending is None or course.pending.order != order:
                return record
            return changed(record, course=_done(course, course.pending, block))
        case _:
            assert_never(fact)


def after_undoing(record: Record, block: int) -> Record:
    """Return `record` after `block` left the chain: a share sold there may not be sold."""
    course = record.course
    if course is None or course.last is None or course.last_block < block:
        return record
    undone = changed(
        course,
        pending=course.pending or course.last,
        done=tuple(name for name in course.done if name != course.last.order),
        last=None,
    )
    return changed(record, course=undone)


def _fired(record: Record, fact: OrderFired, chain_at: int) -> Record:
    fired = Fired(
        fact.order,
        fact.reason,
        chain_at,
        fact.closes,
        fact.urgent,
        fact.keep,
        fact.reference,
        fact.urgency_max,
    )
    if fact.closes:
        return changed(record, ended=record.ended or fired)
    course = record.course
    if course is None or course.pending is not None or fact.order in course.done:
        return record
    return changed(record, course=changed(course, pending=fired))


def _done(course: Course, fired: Fired, block: int) -> Course:
    keep = fired.keep if course.keep is None else min(course.keep, fired.keep)
    return changed(
        course,
        pending=None,
        done=(*course.done, fired.order),
        last=fired,
        last_block=block,
        keep=keep,
    )
