"""Returns by units: flows never change the price of a unit, P&L always does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverd.domain.fixed_point import WAD
from leverd.domain.money import USD, Asset
from leverd.domain.pnl import Attribution
from leverd.domain.units import UnitBook, advance, flowed, marked

WETH = Asset("WETH", 18)
CENT = 10**6  # USD 1e8


def dollars(whole):
    return int(Decimal(whole) * USD.unit)


def opened(equity):
    return advance(UnitBook(), Attribution(), equity, equity, USD)


def test_the_first_unit_costs_one_of_the_share_class():
    assert opened(dollars(30_000)) == UnitBook(30_000 * WAD, dollars(1), dollars(1))
    assert advance(UnitBook(), Attribution(), WETH.unit, WETH.unit, WETH) == UnitBook(
        WAD, WETH.unit, WETH.unit
    )


def test_a_gain_raises_the_price_and_a_deposit_does_not():
    book = advance(opened(dollars(100)), Attribution(price=dollars(10)), 0, dollars(110), USD)
    assert book.price == dollars("1.1")
    richer = advance(book, Attribution(), dollars(1100), dollars(1210), USD)
    assert richer.price == dollars("1.1")
    assert richer.units == 1100 * WAD


def test_a_withdrawal_after_a_loss_leaves_the_loss_in_the_price():
    book = advance(opened(dollars(100)), Attribution(price=-dollars(20)), 0, dollars(80), USD)
    smaller = advance(book, Attribution(), -dollars(40), dollars(40), USD)
    assert smaller.price == dollars("0.8")
    assert smaller.peak == dollars(1)
    assert smaller.drawdown == Decimal("0.2")


def test_gas_lowers_the_price_though_the_position_never_paid_it():
    book = advance(opened(dollars(100)), Attribution(gas=-dollars(1)), 0, dollars(100), USD)
    assert book.price == pytest.approx(dollars("0.99"), abs=1)
    assert book.units * book.price // WAD == pytest.approx(dollars(100), abs=100)


def test_gas_before_the_first_deposit_buys_nothing():
    book = advance(UnitBook(), Attribution(gas=-dollars(1)), 0, 0, USD)
    assert book == UnitBook()
    assert advance(book, Attribution(gas=-dollars(1)), 0, dollars(100), USD) == UnitBook()
    book = advance(UnitBook(), Attribution(gas=-dollars(1)), dollars(100), dollars(100), USD)
    assert book.units == 100 * WAD


def test_after_everything_was_withdrawn_the_price_goes_on_where_it_stood():
    book = advance(opened(dollars(100)), Attribution(price=dollars(50)), 0, dollars(150), USD)
    empty = advance(book, Attribution(), -dollars(150), 0, USD)
    assert empty == UnitBook(0, dollars("1.5"), dollars("1.5"))
    again = advance(empty, Attribution(), dollars(300), dollars(300), USD)
    assert again == UnitBook(200 * WAD, dollars("1.5"), dollars("1.5"))


def test_a_position_that_lost_everything_shows_it_and_begins_anew_below_its_peak():
    book = advance(opened(dollars(100)), Attribution(price=dollars(100)), 0, dollars(200), USD)
    ruined = advance(book, Attribution(price=-dollars(250)), 0, -dollars(50), USD)
    assert (ruined.price, ruined.drawdown) == (0, 1)
    anew = advance(ruined, Attribution(), dollars(150), dollars(100), USD)
    assert anew.price < dollars(1)
    assert anew.peak == dollars(2)


def test_nothing_can_be_taken_from_a_position_worth_nothing():
    book = opened(dollars(100))
    assert flowed(book, 0, -1, USD) == book
    assert flowed(book, dollars(1), -dollars(2), USD).units == 0


def test_units_are_rounded_for_those_who_stay():
    book = UnitBook(units=10, price=1, peak=1)
    assert flowed(book, 3, 1, USD).units == 13
    assert flowed(book, 3, -1, USD).units == 6


amounts = st.integers(1, 10**16)


@given(amounts, st.lists(st.tuples(st.booleans(), st.integers(1, 10**16)), max_size=20))
def test_flows_alone_never_lower_the_price(first, flows):
    book, equity = opened(first), first
    for incoming, size in flows:
        flow = size if incoming else -min(size, equity)
        equity += flow
        after = advance(book, Attribution(), flow, equity, USD)
        assert after.price >= book.price
        book = after


@given(
    amounts,
    st.lists(
        st.tuples(st.integers(-30, 30), st.integers(-(10**15), 10**15), st.integers(0, 3)),
        max_size=12,
    ),
)
def test_the_price_is_the_chain_of_returns_whatever_flows_between(first, stretches):
    first += 10**12
    book, equity, chained = opened(first), first, Decimal(1)
    for percent, wished, gas_percent in stretches:
        gained, gas = equity * percent // 100, equity * gas_percent // 100
        chained *= 1 + Decimal(gained - gas) / equity
        grown = equity + gained
        flow = max(wished, 10**10 - grown)
        equity = grown + flow
        book = advance(book, Attribution(price=gained, gas=-gas), flow, equity, USD)
    assert Decimal(book.price) / USD.unit == pytest.approx(chained, rel=Decimal("1e-5"))
    assert book.peak >= book.price


def test_a_mark_without_units_changes_nothing():
    assert marked(UnitBook(), 5 * CENT) == UnitBook()
    assert UnitBook().drawdown == 0


def test_units_are_rounded_so_that_those_who_stay_never_pay_for_those_who_move():
    book = UnitBook(3, 1, 1)

    assert flowed(book, 7, 1, USD).units == 3  # 3/7 of a unit is none
    assert flowed(book, 7, -1, USD).units == 2  # and takes one
    assert flowed(book, 7, -70, USD).units == 0
    bought = flowed(UnitBook(0, 7, 7), 0, 1, USD)
    assert (bought.units, bought.price) == (WAD // 7, 7)  # down: 1e18 / 7 has a rest


def test_a_price_is_marked_down_and_a_peak_never_falls():
    marks = marked(UnitBook(3 * WAD, 9, 9), 8)

    assert (marks.price, marks.peak) == (2, 9)
    assert marked(UnitBook(0, 9, 9), 8) == UnitBook(0, 9, 9)
    assert marked(UnitBook(WAD, 9, 9), -8).price == 0


def test_no_flow_changes_nothing_and_after_everything_was_lost_a_unit_costs_one_again():
    book = UnitBook(3, 1, 1)

    assert flowed(book, 7, 0, USD) == book
    assert flowed(UnitBook(), 0, 0, USD) == UnitBook()
    lost = flowed(UnitBook(3, 0, 9), 0, dollars(2), USD)
    assert (lost.units, lost.price) == (2 * WAD, dollars(1))
    one = flowed(UnitBook(2, 5, 9), 1, 1, USD)
    assert one.units == 4, "an equity of one is an equity"
