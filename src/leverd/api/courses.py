"""Days, rates and lines, from the balances that entries carry. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeVar

from leverd.api.history import scaled
from leverd.api.models.amounts import Money, money, written
from leverd.api.models.money import DayModel, RatePoint
from leverd.domain.days import DAY_S, Day
from leverd.domain.events import PnlRecorded
from leverd.domain.fixed_point import RAY, WAD
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.snapshot import Snapshot
from leverd.interfaces.journal import Entry

_YEAR_S: Final = 365 * 86_400
_APART_S: Final = 600
"""A rate over less than this tells more of rounding than of the market."""

_PLACES: Final = Decimal("1e-8")

T = TypeVar("T")


def snapshots(entries: Iterable[Entry]) -> list[Snapshot]:
    """Return the balances in `entries`, one a block, in the order of blocks."""
    found = {}
    for entry in entries:
        snapshot = getattr(entry.event, "snapshot", None)
        if isinstance(snapshot, Snapshot):
            found[snapshot.block] = snapshot
    return [found[block] for block in sorted(found)]


def days(known: Iterable[Day], first: int = 0) -> list[DayModel]:
    """Return `known`, which are by day, with their P&L; those before day `first` are left out."""
    rows, before = [], dict[str, int]()
    for each in known:
        for last in each.marks:
            if each.day >= first:
                rows.append(_row(each, last, before.get(each.position_id)))
            before[each.position_id] = last.unit_price
    return rows


def day_name(day: int) -> str:
    """Return a day since 1970 as a date."""
    return f"{datetime.fromtimestamp(day * DAY_S, UTC):%Y-%m-%d}"


def rates(looks: Sequence[Snapshot]) -> list[RatePoint]:
    """Return what each token earned and cost between looks, by the growth of its indexes.

    An index times its rate and the part of a year is what it grew by: simple interest from one
    look to the next.
    """
    points: list[RatePoint] = []
    first: Snapshot | None = None
    for look in looks:
        if first is None or look.at < first.at:
            first = look
        if look.at - first.at < _APART_S:
            continue
        points += _rates_between(first, look)
        first = look
    return points


def thinned(points: Sequence[T], most: int) -> list[T]:
    """Return at most `most` of `points`, evenly, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    return [points[round(number * step)] for number in range(most)]


def _row(each: Day, last: PnlRecorded, before: int | None) -> DayModel:
    unit, decimals = last.share_class, last.share_decimals

    def shares(raw: int) -> Money:
        return money(scaled(raw, decimals), unit)

    return DayModel(
        day=day_name(each.day),
        position=each.position_id,
        lines={line: shares(raw) for line, raw in sorted(each.lines.items())},
        total=shares(sum(each.lines.values())),
        flow=shares(each.flow),
        equity_open=shares(each.equity_open),
        equity=shares(last.snapshot.equity),
        unit_price_open=written(scaled(each.unit_open, decimals)),
        unit_price=written(scaled(last.unit_price, decimals)),
        gain=written((Decimal(last.unit_price) / before - 1).quantize(_PLACES)) if before else None,
        health_min=_wad(each.health_low) if each.health_low < INFINITE_HEALTH else None,
        leverage_min=_wad(each.leverage_low) if each.leverage_low else None,
        leverage_max=_wad(each.leverage_high) if each.leverage_high else None,
        trades=each.trades,
    )


def _wad(raw: int) -> str:
    digits: str = written(scaled(raw, 18))
    return digits


def _rates_between(first: Snapshot, last: Snapshot) -> Iterator[RatePoint]:
    seconds = last.at - first.at
    for token in sorted(last.supply_indexes.keys() & first.supply_indexes.keys()):
        if token in last.borrow_indexes and token in first.borrow_indexes:
            yield RatePoint(
                at=last.at,
                token=token,
                supply_apr=_rate(first.supply_indexes[token], last.supply_indexes[token], seconds),
                borrow_apr=_rate(first.borrow_indexes[token], last.borrow_indexes[token], seconds),
            )


def _rate(before: int, after: int, seconds: int) -> str:
    if before <= 0 or after < before:
        return "0"
    grown = (after - before) * RAY // before
    return f"{scaled(grown * _YEAR_S // seconds * WAD // RAY, 18).quantize(_PLACES):f}"
