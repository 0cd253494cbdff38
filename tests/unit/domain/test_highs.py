"""The highest values of a day are remembered in a few entries, and forgotten after it."""

from __future__ import annotations

from leverd.domain.highs import SPAN_S, highest, with_high

BEGIN = 1_800 * 10**6  # of a half hour


def seen(*values):
    highs = ()
    for at, value in values:
        highs = with_high(highs, at, value)
    return highs


def test_a_high_counts_for_a_day_to_the_second():
    highs = seen((BEGIN, 5))

    assert highest(highs, BEGIN + SPAN_S - 1) == 5
    assert highest(highs, BEGIN + SPAN_S) == 0
    assert with_high(highs, BEGIN + SPAN_S - 1, 3) == ((BEGIN, 5), (BEGIN + SPAN_S - 1, 3))
    assert with_high(highs, BEGIN + SPAN_S, 3) == ((BEGIN + SPAN_S, 3),)


def test_what_a_later_and_higher_one_hides_is_dropped_and_so_is_an_equal_one():
    assert seen((BEGIN, 5), (BEGIN + 1_800, 3), (BEGIN + 3_600, 4)) == (
        (BEGIN, 5),
        (BEGIN + 3_600, 4),
    )
    assert seen((BEGIN, 5), (BEGIN + 7, 5)) == ((BEGIN + 7, 5),)


def test_within_a_half_hour_only_the_highest_is_kept():
    assert seen((BEGIN, 5), (BEGIN + 1_799, 4)) == ((BEGIN, 5),)
    assert seen((BEGIN, 5), (BEGIN + 1_800, 4)) == ((BEGIN, 5), (BEGIN + 1_800, 4))
    assert seen((BEGIN + 1_799, 5), (BEGIN + 1_800, 4))[-1] == (BEGIN + 1_800, 4)


def test_without_any_there_is_no_high():
    assert highest((), BEGIN) == 0
    assert highest(seen((BEGIN, 5), (BEGIN + 1_800, 4)), BEGIN + 1_800) == 5
