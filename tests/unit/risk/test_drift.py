"""How fast health falls, and what that leaves of the time to be included in."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.limits import limits
from tests.worlds import NOON, at_leverage, state, view

from leverd.domain.fixed_point import WAD
from leverd.domain.highs import SPAN_S, highest, with_high
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.view import Record
from leverd.risk import urgency
from leverd.risk.drift import fall, with_look

LOOKS = st.lists(st.tuples(st.integers(1, 400), st.integers(WAD, 3 * WAD)), min_size=1, max_size=40)


def after(*looks):
    drift = ()
    for at, health in looks:
        drift = with_look(drift, at, health)
    return drift


def test_health_that_rises_or_stands_does_not_fall():
    assert fall(()) == 0
    assert fall(after((0, WAD))) == 0
    assert fall(after((0, WAD), (12, WAD + 5))) == 0


def test_a_look_counts_for_a_quarter_of_an_hour_and_sixteen_are_enough():
    assert after((0, WAD), (900, WAD)) == ((0, WAD), (900, WAD))
    assert after((0, WAD), (901, WAD)) == ((901, WAD),)
    many = after(*((at, WAD) for at in range(17)))
    assert [at for at, _ in many] == list(range(1, 17))


def test_a_look_of_the_same_second_takes_the_place_of_the_last_and_an_older_one_begins_anew():
    assert after((0, WAD), (5, WAD), (5, 2 * WAD)) == ((0, WAD), (5, 2 * WAD))
    assert after((0, WAD), (5, WAD), (4, 2 * WAD)) == ((4, 2 * WAD),)
    assert after((0, WAD), (5, INFINITE_HEALTH)) == ()


def test_the_fastest_fall_counts_in_wad_a_second():
    slow, fast = 10**12, 10**14
    start = 2 * WAD

    assert fall(after((0, start), (60, start - 60 * slow))) == slow
    assert fall(after((0, start), (60, start), (72, start - 12 * fast))) == fast


def test_without_debt_and_after_a_reorganisation_it_begins_anew():
    assert after((0, WAD), (12, INFINITE_HEALTH)) == ()
    assert after((0, WAD), (24, WAD), (12, WAD)) == ((12, WAD),)


@given(LOOKS)
def test_what_is_remembered_is_bounded_and_ends_with_the_last_look(looks):
    at, drift = 0, ()
    for gap, health in looks:
        at += gap
        drift = with_look(drift, at, health)
        assert drift[-1] == (at, health)
        assert len(drift) <= 16
        assert all(at - seen <= 900 for seen, _ in drift)


@given(st.lists(st.tuples(st.integers(0, 4_000), st.integers(1, 10**6)), min_size=1, max_size=120))
def test_highs_are_those_of_the_day_and_few(looks):
    at, highs, seen = 0, (), []
    for gap, value in looks:
        at += gap
        seen.append((at, value))
        highs = with_high(highs, at, value)
        true = max(value for then, value in seen if at - then < SPAN_S)
        assert highest(highs, at) == true
        assert len(highs) <= 49


def test_a_deadline_is_half_of_what_the_fall_of_health_leaves():
    standing = view(at_leverage("4"))
    health = Decimal(urgency._health(standing)) / WAD
    left = int((health - limits().health_step_min) * WAD)
    falling = replace(standing, record=Record(health_fall=left // 100))

    assert urgency.left_s(standing, limits()) is None
    assert urgency.left_s(falling, limits()) in {99, 100}
    assert urgency.inclusion_s_max(falling, limits(), Decimal(0)) in {49, 50}


@pytest.mark.parametrize(("pressed", "seconds"), [("0", 600), ("0.5", 318), ("1", 36)])
def test_the_time_a_plan_may_wait_for_a_block_shrinks_with_urgency(pressed, seconds):
    standing = view(at_leverage("3"))

    assert urgency.inclusion_s_max(standing, limits(), Decimal(pressed)) == seconds


def test_a_calm_plan_may_wait_and_a_pressed_one_has_a_deadline():
    standing = view(at_leverage("3"))

    assert urgency.bid_by(standing, limits(), Decimal(0)) == 0
    assert urgency.bid_by(standing, limits(), Decimal(1)) == NOON + 36


@given(st.integers(0, 10**16), st.integers(0, 10**16), st.decimals(0, 1, places=3))
def test_the_faster_health_falls_the_sooner_the_top_bid(slow, fast, pressed):
    slow, fast = sorted((slow, fast))
    base = view(at_leverage("3.5"))
    calmer, harder = (replace(base, record=Record(health_fall=each)) for each in (slow, fast))

    assert urgency.inclusion_s_max(harder, limits(), pressed) <= urgency.inclusion_s_max(
        calmer, limits(), pressed
    )


def test_the_owner_who_wants_out_now_is_as_urgent_as_a_position_at_its_floor():
    calm = view(state(posted=20, debt=10_000))

    assert urgency.of_owner(calm) == 0
    assert urgency.of_owner(replace(calm, record=Record(unwinds_now=True))) == 1
