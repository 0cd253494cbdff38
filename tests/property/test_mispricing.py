"""It never acts inside cost; nobody alone can make it; and what agrees never makes it less sure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.test_spot import LIMITED, views
from tests.spots import FAIR, LIMITS, MARKET, NOW, TERMS, depth, gap_view, holding

from leverd.agents.mispricing import Mispricing
from leverd.domain.fair_value import Belief, estimate, fair_value
from leverd.domain.fixed_point import WAD
from leverd.domain.reference import ReferenceQuote, silent
from leverd.domain.view import TradingState
from leverd.interfaces.spot_agent import Enter, Exit
from leverd.interfaces.spot_cost import worth
from leverd.interfaces.spot_value import fair_of
from leverd.interfaces.spot_venue import Purse
from leverd.risk.spot_gate import ApprovedOrder, review

PRICES = st.integers(1, 10**7).map(lambda cents: cents * WAD // 100)
SHARES = st.integers(0, WAD // 5)
BELIEFS = st.builds(Belief, PRICES, st.integers(WAD // 1000, WAD // 5))


@st.composite
def quotes(draw, middles=PRICES):
    """Return what a venue says, sane or not."""
    middle = draw(middles)
    bid = middle * (WAD - draw(SHARES)) // WAD
    ask = -(-middle * (WAD + draw(SHARES)) // WAD)
    said = ReferenceQuote("venue", bid, middle, ask, WAD, draw(SHARES), NOW, 1)
    spoiled = st.sampled_from(
        [
            {},
            {},
            {},
            {"at": NOW - 61},
            {"at": NOW + 100},
            {"bid": ask + 1},
            {"bid": 0},
            {"middle": 0},
            {"error": -1},
            {"error": 10**40},
            {"ask": 10**60},
            {"bid": middle, "ask": middle, "error": 0},
        ]
    )
    return draw(st.just(silent("venue")) | spoiled.map(lambda changes: replace(said, **changes)))


def near(price):
    """Return middles around `price`, from a tenth below to a quarter above."""
    return st.integers(9_000, 12_500).map(lambda bps: price * bps // 10_000)


@st.composite
def told_views(draw):
    seen = draw(views())
    middle = max((seen.bid + seen.ask) // 2, 1)
    middles = near(middle) | near(middle) | PRICES
    said = st.lists(quotes(middles), max_size=4).map(tuple)
    now = draw(said)
    return replace(seen, words=(), quotes=now, quotes_before=draw(st.just(now) | said))


TERMED = st.builds(
    lambda limits, margin, apart, book: replace(
        limits,
        fair=replace(TERMS, margin=margin, disagreement_max=apart, book_error=book),
    ),
    LIMITED,
    st.integers(0, 3 * WAD),
    st.integers(WAD, 20 * WAD),
    SHARES,
)


@settings(max_examples=300, deadline=None)
@given(told_views(), TERMED)
def test_it_never_acts_inside_cost_or_over_a_limit(seen, limits):
    decision = Mispricing(limits).decide(seen)
    if not isinstance(decision, Enter):
        return
    wish, fair = decision.wish, fair_of(seen, limits)
    assert fair.against == ""
    quantity = Fraction(wish.quantity)
    fee = Fraction(MARKET.taker_fee)
    middle = Fraction(seen.bid + seen.ask, 2 * WAD)
    got = Fraction(worth(seen.depth.bids, int(wish.quantity * WAD)), WAD)
    again = got * Fraction(fair.least, WAD) / middle * (1 - fee)
    paid = Fraction(wish.price) * quantity * (1 + fee)
    assert again - paid >= Fraction(limits.profit_min) * middle * quantity - Fraction(1, 10**6)
    assert limits.trade_min <= wish.price * wish.quantity <= limits.trade_max
    assert any(limits.fair and each.error for each in fair.heard)
    verdict = review(decision, replace(seen, age_s=0), limits)
    assert isinstance(verdict, ApprovedOrder), verdict.reasons


@settings(max_examples=300, deadline=None)
@given(told_views(), TERMED, st.data())
def test_no_one_of_several_references_brings_a_purchase_about(seen, limits, data):
    """Whatever one of three says, it buys at no more than what the others let it."""
    agent = Mispricing(limits)
    liar = data.draw(quotes(near(max((seen.bid + seen.ask) // 2, 1)) | PRICES))
    others = fair_of(seen, limits)
    lied = replace(seen, quotes=(*seen.quotes, liar), quotes_before=(*seen.quotes_before, liar))
    decision = agent.decide(lied)
    counted = 0 if others is None else sum(not each.against for each in others.heard)
    if isinstance(decision, Enter) and counted:
        worst = int(decision.wish.price * WAD)
        value = estimate_of(seen, limits)
        assert worst <= value.value * (WAD - value.error * limits.fair.margin // WAD) // WAD + 1


def estimate_of(seen, limits):
    """Return what the honest ones say together, however far they are apart."""
    lenient = replace(limits, fair=replace(limits.fair, disagreement_max=10**9 * WAD))
    return fair_of(seen, lenient)


@settings(max_examples=300, deadline=None)
@given(st.lists(BELIEFS, min_size=1, max_size=5), st.integers(0, WAD // 5))
def test_who_agrees_with_the_fair_value_never_makes_it_less_sure(told, error):
    before = estimate(told)
    after = estimate([*told, Belief(before.value, error)])
    assert after.value == before.value
    assert after.error <= before.error
    assert after.apart <= before.apart


@settings(max_examples=300, deadline=None)
@given(st.lists(BELIEFS, min_size=2, max_size=5))
def test_the_fair_value_is_within_what_is_said_and_no_surer_than_all_together(told):
    found = estimate(told)
    assert min(each.middle for each in told) <= found.value <= max(each.middle for each in told)
    together = sum(Fraction(WAD, each.error) ** 2 for each in told)
    assert Fraction(found.error, WAD) ** 2 >= 1 / together


@settings(max_examples=300, deadline=None)
@given(st.lists(BELIEFS, min_size=1, max_size=5), st.integers(1, 10**6))
def test_the_unit_of_a_price_changes_nothing(told, scale):
    one = estimate(told)
    many = estimate([Belief(each.middle * scale, each.error) for each in told])
    assert abs(many.value - one.value * scale) <= scale
    assert abs(many.error - one.error) * 10**9 <= one.error


@settings(max_examples=300, deadline=None)
@given(BELIEFS, st.lists(quotes(), max_size=5), st.integers(0, 3), st.integers(0, 3 * WAD))
def test_whatever_venues_say_it_is_a_value_or_a_reason(book, said, least, margin):
    terms = replace(TERMS, references_min=least, margin=margin)
    found = fair_value(book, said, NOW, terms)
    assert len(found.heard) == len(said)
    if found.against:
        assert (found.value, found.least, found.most) == (0, 0, 0)
        assert found.reason
    else:
        assert 0 <= found.least <= found.value <= found.most
        assert sum(not each.against for each in found.heard) >= max(least, 1)


@given(st.lists(quotes(), max_size=4).map(tuple), st.integers(1, 1_200), st.booleans())
def test_whatever_references_say_or_do_not_what_is_lost_is_sold(said, held, paused):
    """Liveness: the stop is reached, somebody buys, and nothing but a halt is in the way."""
    base = max(held, 10) * WAD // 100
    whole = Decimal(base) / WAD
    fallen = depth("18")
    seen = gap_view(spot=holding(whole, whole * 20, traded_at=NOW, entries=99), depth=fallen,
                    before=fallen, purses={"inj": Purse(base, base)}, paused=paused,
                    state=TradingState.REDUCING)  # fmt: skip
    seen = replace(seen, quotes=said, quotes_before=said)
    decision = Mispricing(FAIR).decide(seen)
    assert isinstance(decision, Exit)
    assert decision.code == "stop_loss"
    assert isinstance(review(decision, seen, FAIR), ApprovedOrder)


@settings(max_examples=150, deadline=None)
@given(near(21 * WAD), st.integers(0, WAD // 1_000))
def test_a_gap_that_is_wide_for_sure_is_bought(middle, half):
    """Liveness: 2 % over every cost and doubt, in a calm and deep market."""
    said = ReferenceQuote("pool", middle - half, middle, middle + half, WAD, 0, NOW, 1)
    seen = gap_view(said)
    found = fair_of(seen, FAIR)
    bought = isinstance(Mispricing(FAIR).decide(seen), Enter)
    assert (
        bought
        or found.against
        or found.least < Decimal("20.01") * WAD * (1 + LIMITS.profit_min + 4 * MARKET.taker_fee)
    )
