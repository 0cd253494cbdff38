"""Orders keep the market's rules without ever being worse than wished, to the last unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import spots
from tests.journal_events import decision

from leverd.adapters.injective import numbers
from leverd.domain.atto import atto, down, of_atto, up
from leverd.errors import ImpossibleError, NonsenseError, RefusedError
from leverd.interfaces.journal import Entry
from leverd.interfaces.spot_rules import CID_MAX, Wish, client_id, fitted, needed
from leverd.interfaces.spot_venue import Manner, Side

MARKET = replace(spots.MARKET, market_id="0xab")
SIDES = st.sampled_from(Side)
PRICES = st.decimals("0.001", "1000000", places=9)
QUANTITIES = st.decimals("0.01", "1000000", places=9)
TICKS = st.sampled_from([Decimal("0.001"), Decimal(5), Decimal("0.025"), Decimal("1e-18")])


@given(SIDES, PRICES, QUANTITIES, TICKS)
def test_an_order_is_never_more_nor_worse_than_wished_and_on_its_ticks(side, price, quantity, tick):
    market = replace(MARKET, price_tick=tick)
    try:
        order = fitted(market, Wish(side, Manner.REST, price, quantity), "a")
    except RefusedError as error:
        assert error.reason in {"tick", "notional"}  # noqa: PT017 -- either is right
        return
    assert order.price <= price if side is Side.BUY else order.price >= price
    assert abs(order.price - price) < tick
    assert quantity - MARKET.quantity_tick < order.quantity <= quantity
    assert order.price % tick == 0
    assert order.quantity % MARKET.quantity_tick == 0
    assert order.price * order.quantity >= MARKET.notional_min


def test_a_wish_on_the_ticks_is_kept_as_it_is():
    wish = Wish(Side.BUY, Manner.TAKE, Decimal("20.125"), Decimal("1.25"))
    order = fitted(MARKET, wish, "a", expires_at=9)
    assert (order.price, order.quantity, order.expires_at) == (wish.price, wish.quantity, 9)
    assert str(fitted(MARKET, replace(wish, price=Decimal(20)), "a").price) == "20"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"price": Decimal(0)}, "nothing"),
        ({"price": Decimal(-1)}, "nothing"),
        ({"quantity": Decimal(0)}, "nothing"),
        ({"price": Decimal("0.0009")}, "tick"),
        ({"quantity": Decimal("0.009")}, "tick"),
        ({"quantity": Decimal("0.04")}, "notional"),
    ],
)
def test_what_the_market_would_not_take_is_refused_by_name(changed, reason):
    wish = replace(Wish(Side.BUY, Manner.REST, Decimal(20), Decimal(1)), **changed)
    with pytest.raises(RefusedError) as caught:
        fitted(MARKET, wish, "a")
    assert (caught.value.reason, caught.value.code) == (reason, "LVD-SND-091")


@pytest.mark.parametrize("cid", ["", "a" * 37, "é"])
def test_a_client_id_that_the_chain_would_not_take_is_refused(cid):
    with pytest.raises(RefusedError):
        fitted(MARKET, Wish(Side.BUY, Manner.REST, Decimal(20), Decimal(1)), cid)


def test_a_market_that_is_not_traded_is_refused():
    wish = Wish(Side.BUY, Manner.REST, Decimal(20), Decimal(1))
    with pytest.raises(RefusedError) as caught:
        fitted(replace(MARKET, active=False), wish, "a")
    assert caught.value.reason == "inactive"


@given(SIDES, PRICES, QUANTITIES)
def test_what_an_order_can_take_is_rounded_against_us(side, price, quantity):
    try:
        order = fitted(MARKET, Wish(side, Manner.REST, price, quantity), "a")
    except RefusedError:
        return
    denom, amount = needed(MARKET, order)
    if side is Side.SELL:
        assert (denom, Decimal(amount)) == ("inj", order.quantity * 10**18)
    else:
        exact = order.price * order.quantity * Decimal("1.001") * 10**6
        assert denom == "usdt"
        assert exact <= amount < exact + 1


def test_client_ids_are_the_same_each_time_and_differ_between_steps():
    plans = [Entry(seq, datetime(2026, 1, 1, 0, 0, 0, us, UTC), 0, decision(1))
             for seq in range(3) for us in range(3)]  # fmt: skip
    ids = [client_id(who, plan, step) for who in ("a", "b", "c") for plan in plans
           for step in range(3)]  # fmt: skip
    assert len(set(ids)) == 81
    assert ids[0] == client_id("a", plans[0], 0)
    assert all(len(one) <= CID_MAX for one in ids)


@given(st.integers(-(10**60), 10**60))
def test_the_chains_numbers_are_read_exactly(value):
    assert numbers.from_chain(str(value)) * 1 == (Decimal(value) * 1).scaleb(-18)
    if value >= 0:
        assert numbers.to_chain(numbers.from_chain(str(value))) == str(value)
        assert atto(of_atto(value)) == value


@given(st.decimals("0", "1000000", places=20), TICKS)
def test_down_and_up_are_the_nearest_ticks(value, tick):
    below, above = down(value, tick), up(value, tick)
    assert below <= value <= above
    assert above - below in {0, tick}


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "1e-19"])
def test_what_the_chain_cannot_write_is_impossible(value):
    with pytest.raises(ImpossibleError):
        numbers.to_chain(Decimal(value))


def test_a_tick_of_nothing_is_impossible():
    with pytest.raises(ImpossibleError):
        down(Decimal(1), Decimal(0))


@pytest.mark.parametrize("text", ["1.5", "abc", "1e3", "٣", " 1"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(NonsenseError):
        numbers.from_chain(text)


def test_nothing_is_nothing():
    assert numbers.from_chain("") == 0
