"""A day is the same, whether it is counted in one go or put together from parts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.journal_events import WAD, decision, snapshot

from leverd.domain.days import Day, counted, days_of, joined
from leverd.domain.events import PnlRecorded
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.plan_events import PlanCompleted

DAY = 86_400


def mark(at, price=100, gain=5, flow=0, seen=None, position="p"):
    looked = replace(seen or snapshot(at=at), at=at)
    return PnlRecorded(position, looked, {"price": gain, "gas": -1}, WAD, price, flow)


def done(at, position="p"):
    return PlanCompleted("plan", position, snapshot(at=at), {})


@st.composite
def lives(draw):
    at, found = 20_000 * DAY, []
    for _ in range(draw(st.integers(0, 20))):
        at += draw(st.integers(0, DAY))
        position = draw(st.sampled_from("pq"))
        seen = draw(st.sampled_from([snapshot(), indebted(), free()]))
        price, gain = draw(st.integers(1, 9)), draw(st.integers(-9, 9))
        made = mark(at, price, gain, 1, seen, position)
        found.append(draw(st.sampled_from([made, done(at, position), decision(1)])))
    return found


def free():
    return replace(snapshot(), owed={}, health=INFINITE_HEALTH, idle={"WETH": WAD})


def indebted():
    return replace(snapshot(), owed={"USDC": 10**6 * 10**6}, health=WAD // 2)


@given(lives(), st.integers(0, 20), st.integers(0, 20))
def test_parts_of_days_make_the_same_days(events, one, two):
    first, second = sorted((one, two))
    parts = days_of((), events[:first])
    parts = days_of(parts, events[first:second])
    assert days_of(parts, events[second:]) == days_of((), events)


def deepest(prices):
    """Return the deepest fall from a highest price so far, as a share."""
    top, found = 0, Fraction(0)
    for price in prices:
        top = max(top, price)
        found = max(found, 1 - Fraction(price, top)) if top else found
    return found


@given(st.lists(st.tuples(st.integers(0, DAY), st.integers(0, 30)), max_size=40))
def test_what_days_keep_of_marks_falls_as_deep_as_all_of_them(steps):
    at, events = 20_000 * DAY, []
    for later, price in steps:
        at += later // 5
        events.append(mark(at, price))
    kept = [each for day in days_of((), events) for each in (*day.turns, *day.marks)]
    assert deepest(each.unit_price for each in kept) == deepest(each.unit_price for each in events)
    assert [each.snapshot.at for each in kept] == sorted(each.snapshot.at for each in kept)
    assert all(len(day.turns) <= 4 for day in days_of((), events))


def test_a_day_keeps_the_marks_of_its_deepest_fall_without_their_lines():
    at = 20_000 * DAY
    prices = (98, 100, 99, 70, 80, 75, 101, 97, 99)
    (day,) = days_of((), [mark(at + each, price) for each, price in enumerate(prices)])
    assert [each.unit_price for each in day.turns] == [100, 70, 101]
    assert [(each.attribution, each.flow) for each in day.turns] == [({}, 0)] * 3
    assert day.lines["price"] == 5 * len(prices)
    (calm,) = days_of((), [mark(at, 50), mark(at + 1, 50)])
    assert [each.snapshot.at for each in calm.turns] == [at]


def test_a_day_holds_its_first_its_last_its_extremes_and_its_sums():
    at = 20_000 * DAY
    low = replace(snapshot(), health=12 * WAD // 10, prices={"WETH": 2_500 * 10**8, "USDC": 10**8})
    events = [
        mark(at, 100, 5, flow=30),
        done(at + 1),
        mark(at + 2, 90, -7, seen=low),
        mark(at + 3, 95, 1),
        mark(at + DAY, 96, 2),
    ]
    first, second = days_of((), events)
    assert (first.day, first.trades, first.flow) == (20_000, 1, 30)
    assert first.lines == {"price": -1, "gas": -3}
    assert (first.unit_open, first.marks[0].unit_price) == (100, 95)
    assert first.equity_open == snapshot().equity
    assert first.health_low == 12 * WAD // 10
    assert first.leverage_low == 25 * WAD // 10  # 75,000 over 30,000
    assert first.leverage_high == 62_500 * WAD // 17_500
    assert (second.day, second.unit_open, second.trades) == (20_001, 96, 0)


def test_leverage_is_told_where_something_is_owed_and_something_is_left():
    idle = replace(snapshot(), idle={"WETH": 10 * WAD, "USDC": 5})
    (with_idle,) = days_of((), [mark(DAY, seen=idle)])
    assert with_idle.leverage_high == 105_000 * 10**8 * WAD // (60_000 * 10**8 + 500)
    (without_debt,) = days_of((), [mark(DAY, seen=free())])
    (without_equity,) = days_of((), [mark(DAY, seen=indebted())])
    assert without_debt.leverage_high == without_equity.leverage_low == 0
    assert joined(without_debt, with_idle).leverage_low == with_idle.leverage_low


def test_what_no_day_counts_is_in_none():
    days = {}
    assert counted(days, decision(1)) is None
    assert days == {}
    assert counted(days, done(DAY)) == (1, "p")
    assert days == {(1, "p"): Day(1, "p", trades=1)}
