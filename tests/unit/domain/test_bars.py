"""Ticks become bars that are known only when they are over."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.predictions import HOUR, START

from leverd.domain.bars import Bar, Growing, Past, Tick, jumped


def grown(ticks):
    growing, found = Growing(HOUR), []
    for tick in ticks:
        growing, over = growing.grown(tick)
        found += [] if over is None else [over]
    return growing, found


def test_a_bar_is_over_when_the_next_one_begins():
    ticks = [
        Tick(START + second, price)
        for second, price in [(10, 100), (1_800, 130), (3_600, 90), (3_601, 95)]
    ]
    growing, (bar,) = grown(ticks)
    assert bar == Bar(START + HOUR, 100, 130, 90, ticks[2])
    assert bar.close == 90
    assert growing.bar == Bar(START + 2 * HOUR, 90, 95, 90, ticks[3])


def test_hours_without_a_tick_leave_no_bar():
    _, found = grown([Tick(START + 1, 100), Tick(START + 5 * HOUR, 110), Tick(START + 6 * HOUR, 1)])
    assert [bar.at for bar in found] == [START + HOUR, START + 5 * HOUR]


def test_a_past_is_as_of_its_newest_bar():
    _, found = grown([Tick(START + 1, 100), Tick(START + HOUR + 1, 110)])
    assert Past("WETH", HOUR, found).now == START + HOUR


@given(
    gaps=st.lists(st.integers(0, 9_000), min_size=1, max_size=60),
    prices=st.lists(st.integers(1, 10**6), min_size=60, max_size=60),
)
def test_no_bar_holds_what_came_after_its_end(gaps, prices):
    at, ticks = START, []
    for gap, price in zip(gaps, prices, strict=False):
        at += gap
        ticks.append(Tick(at, price))
    growing, found = grown(ticks)
    for before, bar in pairwise(found):
        assert before.at < bar.at
        assert bar.open == before.close
    for bar in [*found, growing.bar]:
        inside = [each.price for each in ticks if bar.at - HOUR < each.at <= bar.at]
        assert bar.close == inside[-1]
        assert bar.low == min(bar.open, *inside)
        assert bar.high == max(bar.open, *inside)


def test_a_hundredfold_or_no_price_is_a_jump():
    assert jumped(100, 10_000)
    assert jumped(10_000, 100)
    assert jumped(100, 0)
    assert not jumped(100, 9_999)
