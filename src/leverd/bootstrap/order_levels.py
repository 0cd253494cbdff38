"""Where the orders of a position stand: by a look of our own, or by what the journal knows."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from leverd.agents.order_reading import reading_of
from leverd.bootstrap.seating import seats_of
from leverd.domain import side
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.money import USD, Asset
from leverd.domain.orders import Level, Orders, Reading, levels
from leverd.domain.position import Mandate
from leverd.domain.snapshot import Snapshot
from leverd.domain.view import Record, View
from leverd.interfaces.agent import Ordering
from leverd.settings import Settings


def levels_seen(settings: Settings, position: str, view: View) -> tuple[Level, ...]:
    """Return every order of `position` as it stands at `view`."""
    seen = reading_of(view)
    return tuple(level for each in _orders(settings, position) for level in levels(each, seen))


def levels_journaled(
    settings: Settings, position: str, record: Record, snapshot: Snapshot
) -> tuple[Level, ...]:
    """Return every order of `position` as of `snapshot`; none where a price is not known."""
    seen = _reading(named_mandate(settings, position), record, snapshot)
    if seen is None:
        return ()
    return tuple(level for each in _orders(settings, position) for level in levels(each, seen))


def named_mandate(settings: Settings, position: str) -> Mandate:
    """Return what the settings ask for by name alone: tokens without decimals or addresses."""
    section = settings.positions[position]
    usd = section.share_class == USD.symbol
    return Mandate(
        position,
        section.account,
        section.lending,
        section.pool,
        Asset(section.collateral, 0),
        Asset(section.debt, 0),
        USD if usd else Asset(section.share_class, 0),
        section.emode,
    )


def _orders(settings: Settings, position: str) -> Iterator[Orders]:
    for seat in seats_of(settings, position):
        if isinstance(seat.agent, Ordering):
            yield seat.agent.orders


def _reading(mandate: Mandate, record: Record, snapshot: Snapshot) -> Reading | None:
    price, course = side.price_in(mandate, snapshot.prices), record.course
    if price is None:
        return None
    unit = None
    if record.units > 0:
        made = snapshot.equity - record.marked_equity
        unit = record.unit_price + made * WAD // record.units
    return Reading(
        side=side.side_of(mandate),
        at=snapshot.at,
        price=price,
        opened=None if course is None else side.price_in(mandate, course.prices),
        health=None if snapshot.health >= INFINITE_HEALTH else Fraction(snapshot.health, WAD),
        unit=unit,
        course=course,
        ended=record.ended,
    )
