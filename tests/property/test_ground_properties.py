"""A crash is told from a thin book, whatever the prices; and nothing else is ever held back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.limits import SIGNED_OFF as LIMITS
from tests.order_worlds import DOLLAR, long_state, riding, short_state
from tests.worlds import NOON, USDC, WETH

from leverd.domain.course import Fired
from leverd.domain.fixed_point import WAD
from leverd.domain.pool import ConstantProductPool
from leverd.risk import ground as rule
from leverd.risk import urgency
from leverd.risk.ground import Market, ground

prices = st.integers(1_500, 6_000)


def fired(reference, *, urgent=True, most=WAD // 2):
    return Fired("stop", "seen", NOON, True, urgent, 0, reference * DOLLAR, most)


def stand(side, price, pool_price):
    made = long_state if side == "long" else short_state
    return riding(made(price, pool_price=pool_price))


sides = st.sampled_from(["long", "short"])


@settings(max_examples=300, deadline=None)
@given(side=sides, price=prices, pool=prices, reference=prices, most=st.integers(0, WAD))
def test_urgency_stays_between_calm_and_what_was_set_and_a_thin_book_has_none(
    side, price, pool, reference, most
):
    found = ground(stand(side, price, pool), fired(reference, most=most), LIMITS)
    event(found.market)
    assert 0 <= found.urgency <= Decimal(most) / WAD
    assert found.market is Market.CRASH or found.urgency == 0
    assert (found.market is Market.THIN) == (found.gap > found.allowed)
    assert found.allowed <= max(LIMITS.oracle_gap_max, -LIMITS.shock)


@settings(max_examples=200, deadline=None)
@given(side=sides, price=prices, reference=prices, better=st.integers(0, 1_000))
def test_a_pool_at_the_oracle_or_better_is_never_thin(side, price, reference, better):
    pool = price + better if side == "long" else price - min(better, price // 2)
    # A pool's own price is rounded to its square root's precision.
    found = ground(stand(side, price, pool), fired(reference), LIMITS)
    assert found.market is not Market.THIN


@settings(max_examples=200, deadline=None)
@given(side=sides, price=prices, more=st.integers(0, 3_000), reference=prices)
def test_the_further_the_oracle_falls_the_more_may_be_paid(side, price, more, reference):
    worse = max(price - more, 100) if side == "long" else price + more
    near = ground(stand(side, price, price), fired(reference), LIMITS)
    far = ground(stand(side, worse, worse), fired(reference), LIMITS)
    assert far.fall >= near.fall
    assert far.urgency >= near.urgency


@settings(max_examples=100, deadline=None)
@given(side=sides, price=prices, pool=prices, reference=prices)
def test_without_an_order_under_way_nothing_waits_and_nothing_is_urgent(
    side, price, pool, reference
):
    seen = stand(side, price, pool)
    assert rule.waits(seen, LIMITS) is None
    assert urgency.of_order(seen, LIMITS) == 0
    calm = replace(seen, record=replace(seen.record, ended=fired(reference, urgent=False)))
    assert urgency.of_order(calm, LIMITS) == 0


def test_a_pool_without_a_price_is_thin():
    seen = stand("long", 3000, 3000)
    pools = {"weth-usdc": replace(seen.state.pool, sqrt_price=0)}
    empty = replace(seen, state=replace(seen.state, pools=pools))
    assert ground(empty, fired(3000), LIMITS).market is Market.THIN


def test_a_token_worth_less_than_a_dollar_falls_like_any_other():
    seen = stand("long", Decimal("0.75"), Decimal("0.75"))
    cheap = replace(fired(1), reference=DOLLAR)
    found = ground(seen, cheap, LIMITS)
    assert found.fall == Fraction(1, 4)
    assert found.market is Market.CRASH


def test_a_gap_of_exactly_what_is_allowed_is_no_thin_book():
    """A pool that pays 2,940 where the oracle says 3,000: two of a hundred."""
    for dollars, market in ((2_940, Market.FAIR), (2_939, Market.THIN)):
        book = ConstantProductPool(
            "weth-usdc", WETH, USDC, 500, 1_000 * WETH.unit, 1_000 * dollars * USDC.unit
        )
        seen = stand("long", 3000, 3000)
        seen = replace(seen, state=replace(seen.state, pools={"weth-usdc": book}))
        assert ground(seen, fired(3000), LIMITS).market is market


def test_an_order_without_a_reference_measures_no_fall():
    assert ground(stand("long", 2000, 2000), fired(0), LIMITS).fall == 0
