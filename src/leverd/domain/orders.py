"""Orders on a position, and what each of them says of a moment. Pure.

Prices are oracle prices (the venue's own): what liquidates is also what triggers, and no
swap of a stranger can move it. Equity is reckoned by units, so that deposits and withdrawals
neither fire an order nor hold one back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from leverd.domain.course import Course, Fired
from leverd.domain.side import Side

PRICE_UNIT: Final = 10**8
"""Prices of orders as integers count hundred-millionths of the currency."""

_STEPS: Final = 20
"""A trailing maximum is written down anew each time it has moved by this part of the drop."""


class Of(StrEnum):
    """What an order watches."""

    PRICE = "price"
    EQUITY = "equity"
    HEALTH = "health"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Target:
    """Take profit: sell `share` of the size held when it fires; 1 closes."""

    of: Of  # price, or equity: gain of a unit since opening
    at: Decimal
    share: Decimal

    @property
    def name(self) -> str:
        """How it is called, from what it asks."""
        return f"take_profit at {self.of} {self.at:f}"


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop loss: close everything."""

    of: Of  # price, equity: loss of a unit since opening, or health
    at: Decimal

    @property
    def name(self) -> str:
        """How it is called, from what it asks."""
        return f"stop_loss at {self.of} {self.at:f}"


@dataclass(frozen=True, slots=True)
class Trailing:
    """Trailing stop: close when `of` has fallen by `drop` from the best since opening."""

    of: Of
    drop: Decimal  # fraction of the best
    activation: Decimal  # fraction that `of` must have gained since opening before it trails

    @property
    def name(self) -> str:
        """How it is called, from what it asks."""
        return f"trailing_stop {self.drop:f} of {self.of}"


@dataclass(frozen=True, slots=True)
class Orders:
    """Everything asked for one position."""

    targets: tuple[Target, ...] = ()
    stop: Stop | None = None
    trailing: Trailing | None = None
    deadline: int | None = None  # chain time, unix seconds
    compound: bool = False
    urgency_max: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Reading:
    """A position at one moment, as orders see it."""

    side: Side
    at: int  # chain time, unix seconds
    price: Fraction  # whole `counted_in` for one volatile token
    opened: Fraction | None  # that price when the position was opened, None if it is not open
    health: Fraction | None  # None without debt
    unit: int | None  # unit price now; None while unknown, or while flows are unaccounted
    course: Course | None
    ended: Fired | None


class Status(StrEnum):
    """What has become of an order."""

    ARMED = "armed"
    INACTIVE = "inactive"
    """It trails nothing yet, or what it watches is not known."""

    FIRED = "fired"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Level:
    """One order at one moment. Equity counts from 1 at opening; time in unix seconds."""

    order: str
    of: Of
    closes: bool
    limits_loss: bool
    share: Decimal  # of the size held
    rises: bool  # fires at or above the trigger, else at or below it
    trigger: Fraction | None
    now: Fraction | None
    status: Status

    @property
    def holds(self) -> bool:
        """Whether it is to fire now."""
        if self.status is not Status.ARMED or self.trigger is None or self.now is None:
            return False
        return self.now >= self.trigger if self.rises else self.now <= self.trigger

    @property
    def distance(self) -> Fraction | None:
        """How far what it watches has to go, as a fraction of it; 0 where it has gone so far."""
        if self.trigger is None or self.now is None or self.of is Of.TIME or not self.now:
            return None
        way = self.trigger - self.now if self.rises else self.now - self.trigger
        return max(way / self.now, Fraction(0))


@dataclass(frozen=True, slots=True)
class Best:
    """The best of all three since opening, as the journal keeps it."""

    price: int  # 1e8
    unit: int
    health: int  # wad


def levels(orders: Orders, seen: Reading) -> tuple[Level, ...]:
    """Return every order as it stands; those that close come first, losses before gains."""
    found = (*_stops(orders, seen), *_targets(orders, seen))
    return tuple(sorted(found, key=lambda level: (not level.closes, not level.limits_loss)))


def growth(seen: Reading) -> Fraction | None:
    """Return what one unit's worth at opening is worth now, None while unknown."""
    if seen.course is None or not seen.course.unit or seen.unit is None:
        return None
    return Fraction(seen.unit, seen.course.unit)


def best_of(seen: Reading) -> Best:
    """Return the best since opening, this moment included."""
    known = seen.course or Course(seen.at, {})
    price = int(seen.price * PRICE_UNIT)
    prices = [price, *([known.best_price] if known.best_price else [])]
    if seen.opened is not None:
        prices.append(int(seen.opened * PRICE_UNIT))
    return Best(
        max(prices) if seen.side is Side.LONG else min(prices),
        max(known.best_unit, known.unit, seen.unit or 0),
        max(known.best_health, int((seen.health or 0) * 10**18)),
    )


def is_news(orders: Orders, seen: Reading) -> bool:
    """Whether the best has moved far enough, or over an activation, to be written down."""
    trailing, known = orders.trailing, seen.course
    if trailing is None or known is None:
        return False
    now = best_of(seen)
    was = {
        Of.PRICE: known.best_price,
        Of.EQUITY: known.best_unit,
        Of.HEALTH: known.best_health,
    }[trailing.of]
    new = {Of.PRICE: now.price, Of.EQUITY: now.unit, Of.HEALTH: now.health}[trailing.of]
    if not was:
        return new > 0
    step = Fraction(trailing.drop) / _STEPS
    return abs(new - was) >= step * was or (
        _active(trailing, seen, was) != _active(trailing, seen, new)
    )


def _stops(orders: Orders, seen: Reading) -> Iterator[Level]:
    if orders.stop is not None:
        yield _stop(orders.stop, seen)
    if orders.trailing is not None:
        yield _trailing(orders.trailing, seen)
    if orders.deadline is not None:
        yield _deadline(orders.deadline, seen)


def _deadline(due: int, seen: Reading) -> Level:
    name = f"deadline at {datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Level(
        order=name,
        of=Of.TIME,
        closes=True,
        limits_loss=False,
        share=Decimal(1),
        rises=True,
        trigger=Fraction(due),
        now=Fraction(seen.at),
        status=_status(name, seen),
    )


def _stop(stop: Stop, seen: Reading) -> Level:
    short, trigger = seen.side is Side.SHORT, Fraction(stop.at)
    if stop.of is Of.EQUITY:
        trigger = 1 - trigger
    return Level(
        order=stop.name,
        of=stop.of,
        closes=True,
        limits_loss=True,
        share=Decimal(1),
        rises=stop.of is Of.PRICE and short,
        trigger=trigger,
        now=_now(stop.of, seen),
        status=_status(stop.name, seen, known=_now(stop.of, seen) is not None),
    )


def _trailing(trailing: Trailing, seen: Reading) -> Level:
    best, rises = best_of(seen), trailing.of is Of.PRICE and seen.side is Side.SHORT
    trigger: Fraction | None = None
    if seen.course is not None:
        raw = {Of.PRICE: best.price, Of.EQUITY: best.unit, Of.HEALTH: best.health}[trailing.of]
        if _active(trailing, seen, raw):
            drop = Fraction(trailing.drop)
            trigger = _whole(trailing.of, seen, raw) * (1 + drop if rises else 1 - drop)
    now = _now(trailing.of, seen)
    return Level(
        order=trailing.name,
        of=trailing.of,
        closes=True,
        limits_loss=True,
        share=Decimal(1),
        rises=rises,
        trigger=trigger,
        now=now,
        status=_status(trailing.name, seen, known=now is not None and trigger is not None),
    )


def _targets(orders: Orders, seen: Reading) -> Iterator[Level]:
    for target in orders.targets:
        now, at = _now(target.of, seen), Fraction(target.at)
        yield Level(
            order=target.name,
            of=target.of,
            closes=target.share == 1,
            limits_loss=False,
            share=target.share,
            rises=target.of is Of.EQUITY or seen.side is Side.LONG,
            trigger=1 + at if target.of is Of.EQUITY else at,
            now=now,
            status=_status(target.name, seen, known=now is not None),
        )


def _now(of: Of, seen: Reading) -> Fraction | None:
    return {Of.PRICE: seen.price, Of.EQUITY: growth(seen), Of.HEALTH: seen.health}[of]


def _whole(of: Of, seen: Reading, raw: int) -> Fraction:
    """Return a kept best in what a level is counted in."""
    if of is Of.EQUITY:
        unit = seen.course.unit if seen.course else 0
        return Fraction(raw, unit) if unit else Fraction(0)
    return Fraction(raw, PRICE_UNIT if of is Of.PRICE else 10**18)


def _active(trailing: Trailing, seen: Reading, raw: int) -> bool:
    """Whether `raw`, a best, is far enough from where it was at opening to be trailed."""
    if raw <= 0:
        return False
    gained, best = Fraction(trailing.activation), _whole(trailing.of, seen, raw)
    match trailing.of:
        case Of.PRICE:
            if gained == 0 or seen.opened is None:
                return gained == 0
            if seen.side is Side.SHORT:
                return best <= seen.opened * (1 - gained)
            return best >= seen.opened * (1 + gained)
        case Of.EQUITY:
            return best > 0 and best >= 1 + gained
        case _:
            return True


def _status(name: str, seen: Reading, *, known: bool = True) -> Status:
    course, ended = seen.course, seen.ended
    if ended is not None and ended.order == name:
        return Status.FIRED
    if course is not None:
        if name in course.done:
            return Status.DONE
        if course.pending is not None and course.pending.order == name:
            return Status.FIRED
    return Status.ARMED if known else Status.INACTIVE
