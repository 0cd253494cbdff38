"""Orders as figures: what is known of them while little is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from tests.order_worlds import DOLLAR, course, long_state, short_state
from tests.worlds import NOON, USDC, WETH, mandate, state

from leverd.domain import side
from leverd.domain.course import Course, Fired
from leverd.domain.money import USD, Asset
from leverd.domain.orders import Of, Orders, Reading, Status, Target, Trailing, is_news, levels
from leverd.domain.side import Side

TRAILS = Orders(trailing=Trailing(Of.PRICE, Decimal("0.1"), Decimal(0)))
BY_EQUITY = Orders(trailing=Trailing(Of.EQUITY, Decimal("0.1"), Decimal(0)))
BY_HEALTH = Orders(trailing=Trailing(Of.HEALTH, Decimal("0.1"), Decimal(0)))


def reading(**changes):
    seen = Reading(Side.LONG, NOON, Fraction(3000), Fraction(3000), None, None, course(), None)
    return replace(seen, **changes)


def test_without_a_position_a_trailing_stop_follows_nothing():
    (level,) = levels(TRAILS, reading(course=None, opened=None))
    assert (level.status, level.trigger, level.distance) == (Status.INACTIVE, None, None)
    assert not level.holds
    assert not is_news(TRAILS, reading(course=None))
    assert not is_news(Orders(), reading())


def test_a_best_that_is_not_known_is_no_news_and_no_trigger():
    unknown = Course(NOON, {})
    for orders in (BY_EQUITY, BY_HEALTH):
        (level,) = levels(orders, reading(course=unknown))
        assert level.status is Status.INACTIVE
        assert not is_news(orders, reading(course=unknown))


def test_an_activation_waits_for_a_known_opening():
    orders = Orders(trailing=Trailing(Of.PRICE, Decimal("0.1"), Decimal("0.2")))
    (level,) = levels(orders, reading(opened=None, price=Fraction(9000)))
    assert level.status is Status.INACTIVE


def test_a_short_trails_from_its_activation_on():
    orders = Orders(trailing=Trailing(Of.PRICE, Decimal("0.1"), Decimal("0.1")))
    seen = reading(side=Side.SHORT, course=course(best_price=2700 * DOLLAR))
    (level,) = levels(orders, seen)
    assert level.trigger == 2970
    assert level.holds
    (asleep,) = levels(orders, replace(seen, course=course(best_price=2701 * DOLLAR)))
    assert asleep.status is Status.INACTIVE


def test_a_stop_that_trails_health_does_so_from_the_first_best_on():
    seen = reading(course=course(best_health=15 * 10**17), health=Fraction(14, 10))
    (level,) = levels(BY_HEALTH, seen)
    assert level.trigger == Fraction(135, 100)
    assert not level.holds
    (fallen,) = levels(BY_HEALTH, replace(seen, health=Fraction(13, 10)))
    assert fallen.holds


def test_equity_without_a_unit_at_opening_is_no_multiple_of_anything():
    (level,) = levels(BY_EQUITY, reading(course=Course(NOON, {}, best_unit=DOLLAR), unit=DOLLAR))
    assert level.status is Status.INACTIVE


def test_the_side_is_that_of_what_is_not_a_dollar():
    assert side.side_of(mandate()) is Side.LONG
    assert side.side_of(mandate(collateral=USDC, debt=WETH)) is Side.SHORT
    staked = mandate(collateral=Asset("wstETH", 18), debt=WETH, share_class=WETH)
    assert side.side_of(staked) is Side.LONG
    assert side.counted_in(staked) == WETH
    assert side.counted_in(replace(mandate(), share_class=WETH)) == USD
    assert side.side_of(mandate(collateral=Asset("GHO", 18), debt=WETH)) is Side.SHORT


def test_a_kept_price_is_that_of_the_volatile_asset_or_unknown():
    kept = {"WETH": 3000 * DOLLAR, "USDC": DOLLAR // 2}
    assert side.price_in(mandate(), kept) == 3000
    assert side.price_in(mandate(share_class=USDC), kept) == 6000
    assert side.price_in(mandate(), {"USDC": DOLLAR}) is None
    assert side.price_in(mandate(share_class=USDC), {"WETH": DOLLAR}) is None


def test_size_and_leverage_answer_each_other():
    for held in (long_state(3100), short_state(3100)):
        now = side.leverage_of_size(held, side.size(held))
        assert now is not None
        assert float(now) > 1
    assert side.size(short_state()) == 10 * WETH.unit
    owned = short_state()
    idle = replace(owned, position=owned.position.with_idle(WETH, 4 * WETH.unit))
    assert side.size(idle) == 6 * WETH.unit
    assert side.leverage_of_size(state(), 1) is None


def test_what_closed_a_position_stays_shown_as_fired():
    closed = Fired("take_profit at price 3300", "seen", NOON, True, False, 0, 1, 0)
    wanted = Orders(targets=(Target(Of.PRICE, Decimal(3300), Decimal(1)),))
    (level,) = levels(wanted, reading(course=None, ended=closed))
    assert level.status is Status.FIRED
    (other,) = levels(wanted, reading(course=None, ended=replace(closed, order="deadline")))
    assert other.status is Status.ARMED
