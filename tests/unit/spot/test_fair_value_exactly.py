"""The fair value to its last digit: beside exact decimals, and where a bound is just met."""

from __future__ import annotations

from dataclasses import astuple, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import pytest
from tests.spots import NOW, TERMS, quote

from leverd.domain.fair_value import Belief, estimate, fair_value, heard, width
from leverd.domain.fixed_point import WAD
from leverd.domain.reference import silent

PLACES = Decimal("1e-18")
EXACT = Context(prec=90)
BOOK = Belief(20 * WAD, WAD // 50)


def whole(value: Decimal, rounding: str) -> int:
    return int(value.quantize(PLACES, rounding=rounding, context=EXACT) * WAD)


def exactly(venues):
    """Return value, error and spread of (middle, share) by decimals of ninety digits."""
    told = [(Decimal(middle), Decimal(share)) for middle, share in venues]
    weights = [EXACT.divide(1, share * share) for _, share in told]
    total = sum(weights, start=Decimal(0))
    sums = sum(EXACT.multiply(w, m) for w, (m, _) in zip(weights, told, strict=True))
    value = EXACT.divide(sums, total).quantize(PLACES, rounding=ROUND_FLOOR, context=EXACT)
    squares = Decimal(0)
    for weight, (middle, _) in zip(weights, told, strict=True):
        off = EXACT.divide(abs(middle - value), value)
        off = off.quantize(PLACES, rounding=ROUND_CEILING, context=EXACT)
        squares = EXACT.fma(EXACT.multiply(weight, off), off, squares)
    apart = EXACT.divide(squares, max(len(told) - 1, 1))
    apart = apart.quantize(PLACES, rounding=ROUND_CEILING, context=EXACT)
    sigma = EXACT.sqrt(EXACT.divide(1, total))
    sigma = sigma.quantize(PLACES, rounding=ROUND_CEILING, context=EXACT)
    wider = EXACT.sqrt(max(apart, Decimal(1)))
    wider = wider.quantize(PLACES, rounding=ROUND_CEILING, context=EXACT)
    return (
        int(value * WAD),
        whole(EXACT.multiply(sigma, wider), ROUND_CEILING),
        int(apart * WAD),
    )


@pytest.mark.parametrize(
    "venues",
    [
        [("100", "0.03"), ("107", "0.07")],
        [("100", "0.01"), ("107", "0.02"), ("103", "0.016")],
        [("20.001", "0.004"), ("20.9", "0.007"), ("21.3", "0.011"), ("20.2", "0.013")],
        [("0.000123", "0.03"), ("0.000127", "0.07")],
        [("31", "0.04")],
    ],
)
def test_a_mean_is_its_formula_to_the_last_digit_with_every_error_rounded_up(venues):
    beliefs = [
        Belief(int(Decimal(middle) * WAD), int(Decimal(share) * WAD)) for middle, share in venues
    ]
    found = estimate(beliefs)
    assert (found.value, found.error, found.apart) == exactly(venues)


def test_what_age_adds_is_the_root_of_the_time_rounded_up():
    said = quote("20", half="0.003", error="0.001")
    sure = heard(said, BOOK, NOW, TERMS).error
    for seconds in (1, 7, 59):
        added = heard(said, BOOK, NOW + seconds, TERMS).error - sure
        root = EXACT.sqrt(EXACT.divide(Decimal(seconds), Decimal(3600)))
        root = root.quantize(PLACES, rounding=ROUND_CEILING, context=EXACT)
        assert added == whole(EXACT.multiply(root, Decimal("0.01")), ROUND_CEILING)


def test_what_may_be_hoped_for_is_the_value_less_its_margin_rounded_down():
    said = quote("20.3", half="0.007", error="0.0013")
    found = fair_value(BOOK, [said], NOW, replace(TERMS, margin=WAD * 7 // 3))
    off = -(-found.error * (WAD * 7 // 3) // WAD)
    assert found.least == found.value * (WAD - off) // WAD
    assert found.value * (WAD - off) % WAD, "or nothing is rounded"
    assert found.error * (WAD * 7 // 3) % WAD, "as above"


def test_those_who_know_nothing_are_weighed_alike_and_who_knows_a_little_is_not():
    most = 10**6 * WAD
    assert estimate([Belief(WAD, 10**60), Belief(3 * WAD, most)]).value == 2 * WAD
    assert estimate([Belief(WAD, most), Belief(3 * WAD, most // 2)]).value == 13 * WAD // 5


def test_as_far_apart_as_is_borne_is_borne_and_no_further():
    book = Belief(20 * WAD, WAD // 40)
    said = [quote(price, source=price, half="0.015", error="0.01") for price in ("19", "21")]
    assert width(said[0].bid, said[0].middle, said[0].ask) == 15 * WAD // 1000
    borne = fair_value(book, said, NOW, replace(TERMS, disagreement_max=2 * WAD))
    assert (borne.against, borne.value) == ("", 20 * WAD)
    refused = fair_value(book, said, NOW, replace(TERMS, disagreement_max=2 * WAD - 1))
    assert refused.against == "references_disagree"
    assert "further apart" in refused.reason


@pytest.mark.parametrize(
    "said",
    [
        quote(error="0"),
        quote(bid=1),
        replace(quote(), bid=quote().middle),
        replace(quote(), ask=quote().middle),
    ],
)
def test_a_quote_at_the_edge_of_sense_still_counts(said):
    assert heard(said, BOOK, NOW, TERMS).against == ""


def test_who_said_nothing_has_no_number_at_all():
    assert set(astuple(silent("pool"))) == {"pool", 0}
