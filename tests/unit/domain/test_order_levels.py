"""What each kind of order says of itself: when it fires, what it closes, what it is for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from leverd.domain.course import Course, Fired
from leverd.domain.orders import (
    PRICE_UNIT,
    Best,
    Level,
    Of,
    Orders,
    Reading,
    Status,
    Stop,
    Target,
    Trailing,
    best_of,
    is_news,
    levels,
)
from leverd.domain.side import Side

NOON = 1_700_000_000
HALF = Decimal("0.5")
TENTH = Decimal("0.1")
UNIT = 10**8
OPENED = Course(NOON, {}, unit=UNIT, best_unit=UNIT)
SEEN = Reading(Side.LONG, NOON, Fraction(3000), Fraction(3000), Fraction(2), UNIT, OPENED, None)
SHORT = replace(SEEN, side=Side.SHORT)


def level(orders: Orders, seen: Reading = SEEN) -> Level:
    (only,) = levels(orders, seen)
    return only


def told(found: Level) -> tuple[object, ...]:
    return found.closes, found.limits_loss, found.share, found.rises, found.trigger


def test_each_order_says_what_it_is_for():
    whole = Decimal(1)
    assert told(level(Orders(stop=Stop(Of.PRICE, Decimal(2500))))) == (
        True, True, whole, False, 2500,
    )  # fmt: skip
    assert told(level(Orders(stop=Stop(Of.EQUITY, TENTH)))) == (
        True, True, whole, False, Fraction(9, 10),
    )  # fmt: skip
    assert told(level(Orders(targets=(Target(Of.PRICE, Decimal(3300), HALF),)))) == (
        False, False, HALF, True, 3300,
    )  # fmt: skip
    assert told(level(Orders(targets=(Target(Of.EQUITY, HALF, whole),)))) == (
        True, False, whole, True, Fraction(3, 2),
    )  # fmt: skip
    assert told(level(Orders(deadline=NOON + 9))) == (True, False, whole, True, NOON + 9)
    trailing = Orders(trailing=Trailing(Of.PRICE, TENTH, Decimal(0)))
    assert told(level(trailing)) == (True, True, whole, False, 2700)


def test_a_shorts_prices_fire_the_other_way_and_equity_and_time_do_not():
    assert level(Orders(stop=Stop(Of.PRICE, Decimal(3300))), SHORT).rises
    assert not level(Orders(stop=Stop(Of.EQUITY, TENTH)), SHORT).rises
    assert not level(Orders(targets=(Target(Of.PRICE, Decimal(2500), HALF),)), SHORT).rises
    assert level(Orders(targets=(Target(Of.EQUITY, HALF, HALF),)), SHORT).rises
    trailing = level(Orders(trailing=Trailing(Of.PRICE, TENTH, Decimal(0))), SHORT)
    assert (trailing.rises, trailing.trigger) == (True, 3300)
    assert not level(Orders(trailing=Trailing(Of.EQUITY, TENTH, Decimal(0))), SHORT).rises


@pytest.mark.parametrize(
    ("orders", "at", "short_of_it"),
    [
        (Orders(stop=Stop(Of.PRICE, Decimal(2500))), Fraction(2500), Fraction(2501)),
        (Orders(targets=(Target(Of.PRICE, Decimal(3300), HALF),)), Fraction(3300), Fraction(3299)),
    ],
)
def test_an_order_fires_at_its_very_trigger(orders, at, short_of_it):
    assert level(orders, replace(SEEN, price=at)).holds
    assert not level(orders, replace(SEEN, price=short_of_it)).holds


def test_a_deadline_fires_at_its_second():
    assert not level(Orders(deadline=NOON + 1)).holds
    assert level(Orders(deadline=NOON)).holds


def test_the_way_to_go_is_a_share_of_what_is_and_none_once_it_is_gone():
    assert level(Orders(stop=Stop(Of.PRICE, Decimal(2400)))).distance == Fraction(1, 5)
    assert level(Orders(stop=Stop(Of.PRICE, Decimal(3300)))).distance == 0
    target = Orders(targets=(Target(Of.PRICE, Decimal(3300), HALF),))
    assert level(target).distance == Fraction(1, 10)
    assert level(Orders(deadline=NOON + 9)).distance is None


def test_the_best_counts_the_opening_the_journal_and_now():
    kept = replace(OPENED, best_price=3200 * PRICE_UNIT, best_unit=3 * UNIT, best_health=10**18)
    assert best_of(SEEN) == Best(3000 * PRICE_UNIT, UNIT, 2 * 10**18)
    assert best_of(replace(SEEN, course=kept)) == Best(3200 * PRICE_UNIT, 3 * UNIT, 2 * 10**18)
    fallen = replace(SEEN, price=Fraction(2000))
    assert best_of(fallen).price == 3000 * PRICE_UNIT, "where it was opened"
    assert best_of(replace(fallen, opened=None)).price == 2000 * PRICE_UNIT
    assert best_of(replace(SHORT, price=Fraction(2000))).price == 2000 * PRICE_UNIT
    assert best_of(replace(SHORT, price=Fraction(4000))).price == 3000 * PRICE_UNIT
    nothing = replace(SEEN, course=None, unit=None, health=None)
    assert best_of(nothing) == Best(3000 * PRICE_UNIT, 0, 0)


def test_a_best_is_news_once_it_moved_a_twentieth_of_the_drop():
    orders = Orders(trailing=Trailing(Of.PRICE, TENTH, Decimal(0)))
    kept = replace(OPENED, best_price=3000 * PRICE_UNIT)

    def news(price: Decimal | int) -> bool:
        return is_news(orders, replace(SEEN, course=kept, price=Fraction(price)))

    assert news(3015)  # half a percent
    assert not news(Decimal("3014.99"))
    assert is_news(orders, SEEN), "the first is"
    assert not is_news(Orders(), SEEN)
    assert not is_news(orders, replace(SEEN, course=None))


@pytest.mark.parametrize(
    ("side", "at", "before"), [(Side.LONG, 3300, 3299), (Side.SHORT, 2700, 2701)]
)
def test_a_trail_of_the_price_begins_once_it_gained_what_was_asked(side, at, before):
    orders = Orders(trailing=Trailing(Of.PRICE, HALF, TENTH))
    seen = replace(SEEN, side=side)

    assert level(orders, replace(seen, price=Fraction(at))).status is Status.ARMED
    assert level(orders, replace(seen, price=Fraction(before))).status is Status.INACTIVE
    unopened = replace(seen, opened=None, price=Fraction(at))
    assert level(orders, unopened).status is Status.INACTIVE
    kept = replace(OPENED, best_price=before * PRICE_UNIT)
    news = replace(seen, course=kept, price=Fraction(at))
    assert is_news(orders, news), "less than a step, but over the activation"


def test_a_trail_of_equity_begins_once_a_unit_gained_what_was_asked():
    orders = Orders(trailing=Trailing(Of.EQUITY, HALF, TENTH))

    assert level(orders, replace(SEEN, unit=11 * UNIT // 10)).status is Status.ARMED
    assert level(orders, replace(SEEN, unit=11 * UNIT // 10 - 1)).status is Status.INACTIVE
    unknown = replace(SEEN, course=replace(OPENED, unit=0, best_unit=0), unit=UNIT)
    assert level(orders, unknown).status is Status.INACTIVE


def test_a_target_of_equity_waits_until_a_unit_is_known():
    orders = Orders(targets=(Target(Of.EQUITY, HALF, HALF),))

    assert level(orders).status is Status.ARMED
    assert level(orders, replace(SEEN, unit=None)).status is Status.INACTIVE
    assert not level(orders, replace(SEEN, unit=None)).holds


def test_a_status_is_that_of_the_order_itself():
    orders = Orders(stop=Stop(Of.PRICE, Decimal(2500)))
    name = orders.stop.name
    fired = Fired(name, "seen", NOON, True, False, 0, 1, 0)
    other = replace(fired, order="other")

    def status(**changes: Any) -> Status:
        return level(orders, replace(SEEN, **changes)).status

    assert status() is Status.ARMED
    assert status(ended=fired) is Status.FIRED
    assert status(ended=other) is Status.ARMED
    assert status(course=replace(OPENED, pending=fired)) is Status.FIRED
    assert status(course=replace(OPENED, pending=other)) is Status.ARMED
    assert status(course=replace(OPENED, done=(name,))) is Status.DONE
