"""What a UTC day of chain time came to for one position. Pure; parts of a day can be put together.

Pruning keeps days when it drops the entries they were counted from, so that a day whose morning
was pruned and whose evening was not is still the same day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from leverd.domain.events import Event, PnlRecorded
from leverd.domain.fixed_point import RAY, WAD
from leverd.domain.plan_events import PlanCompleted
from leverd.domain.snapshot import Snapshot

DAY_S: Final = 86_400

Key: TypeAlias = tuple[int, str]
"""Days since 1970, and the position."""


@dataclass(frozen=True, slots=True)
class Day:
    """One position's day, or a part of it. Amounts are raw units of the mark's share class."""

    day: int  # since 1970, UTC
    position_id: str
    trades: int = 0  # plans completed
    flow: int = 0  # came in (+) or went out (-); a first mark brings its equity
    lines: Mapping[str, int] = field(default_factory=dict)  # P&L by cause
    equity_open: int = 0  # at the first mark
    unit_open: int = 0  # share class raw per WAD units, at the first mark
    health_low: int = 0  # wad, of the marks; as high as it gets without a debt
    leverage_low: int = 0  # wad, of the marks with a debt; 0 where there is none
    leverage_high: int = 0
    marks: tuple[PnlRecorded, ...] = ()  # the last of the day, if there is any
    turns: tuple[PnlRecorded, ...] = ()
    """Of the others, oldest first, those at its highest and lowest unit price and at both ends
    of its deepest fall, without their lines: so many keep the deepest fall of any days exact."""


def counted(days: dict[Key, Day], event: Event) -> Key | None:
    """Put `event` into its day in `days`; return which, None if no day counts it."""
    match event:
        case PnlRecorded(position_id=name, snapshot=snapshot):
            part = _marked(event, snapshot.at // DAY_S)
        case PlanCompleted(position_id=name, snapshot=snapshot):
            part = Day(snapshot.at // DAY_S, name, trades=1)
        case _:
            return None
    key = part.day, name
    days[key] = joined(days[key], part) if key in days else part
    return key


def joined(before: Day, after: Day) -> Day:
    """Return the day of both parts, `before` being the earlier one."""
    trades, flow = before.trades + after.trades, before.flow + after.flow
    if not before.marks:
        return replace(after, trades=trades, flow=flow)
    if not after.marks:
        return replace(before, trades=trades, flow=flow)
    lines = dict(before.lines)
    for line, raw in after.lines.items():
        lines[line] = lines.get(line, 0) + raw
    lows = [each for each in (before.leverage_low, after.leverage_low) if each]
    return replace(
        before,
        trades=trades,
        flow=flow,
        lines=lines,
        health_low=min(before.health_low, after.health_low),
        leverage_low=min(lows, default=0),
        leverage_high=max(before.leverage_high, after.leverage_high),
        marks=after.marks,
        turns=_turns((*before.turns, *before.marks, *after.turns, *after.marks)),
    )


def days_of(before: Iterable[Day], events: Iterable[Event]) -> list[Day]:
    """Return `before` and the days of what came after, `events`, by day and position."""
    found = {(each.day, each.position_id): each for each in before}
    for event in events:
        counted(found, event)
    return [found[key] for key in sorted(found)]


def _turns(marks: Sequence[PnlRecorded]) -> tuple[PnlRecorded, ...]:
    """Return what a day keeps of `marks`, oldest first, beside the last of them."""
    prices = [mark.unit_price for mark in marks]
    kept = {prices.index(max(prices)), prices.index(min(prices)), *_deepest(prices)}
    last = len(marks) - 1
    return tuple(replace(marks[each], attribution={}, flow=0) for each in sorted(kept - {last}))


def _deepest(prices: Sequence[int]) -> tuple[int, int]:
    """Return where the deepest fall begins and ends, the first of like ones."""
    top = since = until = 0
    left, of = 1, 1  # what the deepest so far left, and of what
    for each, price in enumerate(prices):
        top = each if price > prices[top] else top
        if price * of < left * prices[top]:
            since, until, left, of = top, each, price, prices[top]
    return since, until


def _marked(mark: PnlRecorded, day: int) -> Day:
    leverage = _leverage(mark.snapshot)
    return Day(
        day,
        mark.position_id,
        flow=mark.flow,
        lines=mark.attribution,
        equity_open=mark.snapshot.equity,
        unit_open=mark.unit_price,
        health_low=mark.snapshot.health,
        leverage_low=leverage,
        leverage_high=leverage,
        marks=(mark,),
    )


def _leverage(snapshot: Snapshot) -> int:
    """Return collateral over equity, wad; 0 without a debt or without equity."""
    worth = exposed = 0
    for symbol, raw in snapshot.idle.items():
        value = _value(snapshot, symbol, raw)
        worth += value
        exposed += value if snapshot.supplied.get(symbol) else 0
    for symbol, scaled in snapshot.supplied.items():
        value = _value(snapshot, symbol, scaled * snapshot.supply_indexes[symbol] // RAY)
        worth, exposed = worth + value, exposed + value
    for symbol, scaled in snapshot.owed.items():
        worth -= _value(snapshot, symbol, scaled * snapshot.borrow_indexes[symbol] // RAY)
    owes = any(snapshot.owed.values())
    return exposed * WAD // worth if owes and worth > 0 else 0


def _value(snapshot: Snapshot, symbol: str, raw: int) -> int:
    unit: int = 10 ** snapshot.decimals.get(symbol, 0)
    return raw * snapshot.prices.get(symbol, 0) // unit
