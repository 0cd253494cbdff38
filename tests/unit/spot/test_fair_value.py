"""What several venues say together: weighted by their errors, wider where they disagree."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.spots import NOW, TERMS, quote

from leverd.domain.fair_value import (
    AHEAD_S,
    Belief,
    Fair,
    estimate,
    fair_value,
    heard,
    in_both,
    width,
)
from leverd.domain.fixed_point import WAD
from leverd.domain.reference import silent

PERCENT = WAD // 100
BOOK = Belief(20 * WAD, 2 * PERCENT)


def venue(price, percent="1"):
    return Belief(int(Decimal(price) * WAD), int(Decimal(percent) * PERCENT))


def fair(*quotes, now=NOW, **terms):
    return fair_value(BOOK, quotes, now, replace(TERMS, **terms))


def test_the_better_known_counts_by_the_square_of_its_error():
    found = estimate([venue(100, 2), venue(105, 1)])
    assert found.value == 104 * WAD  # weights 1 and 4
    assert found.error > WAD // 112  # 0.894 %, and the disagreement on top
    assert estimate([venue(100, 2), venue(100, 1)]).error == pytest.approx(PERCENT * 2 / 5**0.5)


def test_venues_that_agree_know_more_together_and_those_that_do_not_know_less():
    one, two = estimate([venue(100)]), estimate([venue(100), venue(100)])
    assert two.error == pytest.approx(one.error / 2**0.5)
    apart = estimate([venue(100), venue(106)])
    assert apart.apart > 16 * WAD  # six errors between them: three each from the middle, squared
    assert apart.error == pytest.approx(two.error * (apart.apart / WAD) ** 0.5)


def test_nobody_is_believed_closer_than_a_basis_point_or_not_at_all():
    sure = estimate([Belief(WAD, 0), Belief(WAD, -5)])
    assert sure.error == pytest.approx(WAD / 10_000 / 2**0.5)
    lost = estimate([Belief(WAD, 10**60), Belief(3 * WAD, 10**60)])
    assert lost.value == 2 * WAD
    little = estimate([Belief(WAD, 1_000 * WAD), Belief(3 * WAD, 2_000 * WAD)])
    assert little.value == 7 * WAD // 5  # weights 4 and 1, however little both know
    assert estimate([Belief(0, WAD)]).value == 0


def test_the_width_is_of_the_worse_side():
    assert width(99 * WAD, 100 * WAD, 103 * WAD) == 3 * PERCENT
    assert width(90 * WAD, 100 * WAD, 103 * WAD) == 10 * PERCENT
    assert width(3, 3, 4) == -(-WAD // 3)


def test_an_error_is_fee_and_impact_what_the_venue_is_unsure_of_and_its_age():
    now = heard(quote("20", half="0.003", error="0.001"), BOOK, NOW, TERMS)
    assert (now.error, now.against) == (4 * WAD // 1000, "")
    old = heard(quote("20", half="0.003", error="0.001"), BOOK, NOW + 36, TERMS)
    assert old.error == now.error + WAD // 1000  # a hundredth an hour is a thousandth in 36 s
    ahead = heard(quote("20", at=NOW + AHEAD_S), BOOK, NOW, TERMS)
    assert ahead.error == now.error


@pytest.mark.parametrize(
    ("said", "against"),
    [
        (silent("pool"), "silent"),
        (quote(bid=0), "silent"),
        (quote(bid=21 * WAD), "crossed"),
        (quote(ask=20 * WAD), "crossed"),
        (quote(error="-0.1"), "crossed"),
        (quote(at=NOW + AHEAD_S + 1), "future"),
        (quote(at=NOW - 61), "stale"),
        (quote("2000"), "far"),
        (quote("40.01"), "far"),
        (quote("9.99"), "far"),
        (quote("0.2"), "far"),
        (quote("40"), ""),
        (quote("10"), ""),
        (quote(at=NOW - 60), ""),
    ],
)
def test_what_cannot_be_true_or_is_old_is_ignored_with_its_reason(said, against):
    found = heard(said, BOOK, NOW, TERMS)
    assert found.against == against
    assert bool(found.error) is not bool(against)
    if against:
        alone = fair(said)
        assert (alone.against, alone.value, alone.least) == ("few_references", 0, 0)
        assert f"pool is {against}" in alone.reason


def test_an_ignored_one_is_gone_on_without_and_still_told_of():
    both = fair(quote(), quote("2000", source="mad"))
    alone = fair(quote())
    assert (both.value, both.error, both.least) == (alone.value, alone.error, alone.least)
    assert [each.against for each in both.heard] == ["", "far"]


def test_fewer_than_the_owner_wants_are_none():
    assert fair(quote(), references_min=2).against == "few_references"
    assert fair(references_min=0) == Fair(
        (), against="few_references", reason="0 references count, 0 are needed"
    )
    assert fair(quote(), quote(source="b"), references_min=2).against == ""


def test_the_fair_value_lies_between_the_book_and_what_is_better_known():
    found = fair(quote("20.8"))
    assert 20 * WAD < found.least < found.value < int(Decimal("20.8") * WAD)
    assert found.most == found.value
    wide = fair(quote("20.8", half="0.03"))
    assert wide.value < found.value
    assert wide.error > found.error


def test_further_apart_than_errors_explain_is_no_fair_value():
    assert fair(quote("20.8")).against == ""
    assert fair(quote("24")).against == "references_disagree"
    assert fair(quote("24"), disagreement_max=100 * WAD).against == ""
    assert fair(quote("20.1"), quote("22", source="b")).against == "references_disagree"


def test_of_several_each_is_left_out_once():
    high, low = quote("20.9", source="high"), quote("20.5", source="low")
    both, highest, lowest = fair(high, low), fair(high), fair(low)
    assert both.least <= lowest.least < highest.least
    assert both.most == highest.value > both.value
    three = fair(high, low, quote("20.7", source="c"))
    assert three.least > both.least
    assert three.most < both.most


def test_of_two_blocks_the_one_that_lets_less_be_hoped_for_counts():
    high, low = fair(quote("20.8")), fair(quote("20.4"))
    for now, before in ((high, low), (low, high)):
        both = in_both(now, before)
        assert (both.value, both.error, both.heard) == (now.value, now.error, now.heard)
        assert (both.least, both.most) == (low.least, high.most)
    refused = fair(quote("24"))
    assert in_both(refused, high) == refused
    then = in_both(high, refused)
    assert (then.against, then.value, then.heard) == ("references_disagree", 0, high.heard)
    assert then.reason.startswith("a block before, ")


def test_a_margin_beyond_everything_leaves_nothing():
    assert fair(quote(), margin=10**6 * WAD).least == 0
