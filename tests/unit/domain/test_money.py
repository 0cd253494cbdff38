from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverd.domain.decision import Hold, SetLeverage, Unwind, combine
from leverd.domain.fixed_point import mul_div_down, mul_div_half_up, mul_div_up
from leverd.domain.money import USD, Amount, Asset, value_down, value_up

WETH, USDC = Asset("WETH", 18), Asset("USDC", 6)
naturals = st.integers(0, 2**128)


@given(naturals, naturals, naturals.filter(bool))
def test_up_is_down_or_one_more_and_nearest_is_one_of_them(x, y, by):
    down, up, near = mul_div_down(x, y, by), mul_div_up(x, y, by), mul_div_half_up(x, y, by)
    assert down * by <= x * y <= up * by
    assert up - down in {0, 1}
    assert near in {down, up}


@given(st.integers(-(10**30), 10**30))
def test_whole_tokens_lose_no_unit(raw):
    amount = Amount(WETH, raw)
    assert Fraction(amount.whole) * 10**18 == raw
    assert WETH.amount(amount.whole) == amount


def test_amounts_add_subtract_and_turn_round():
    assert Amount(USDC, 5) + Amount(USDC, 2) == Amount(USDC, 7)
    assert Amount(USDC, 5) - Amount(USDC, 7) == -Amount(USDC, 2)
    assert str(Amount(USDC, 1_500_000)) == "1.500000 USDC"
    assert WETH.amount("1.5") == Amount(WETH, 15 * 10**17)


@pytest.mark.parametrize(
    ("amount", "places", "words"),
    [
        (Amount(WETH, 1_234_567_899_999_999_999_999), 6, "1,234.567899 WETH"),
        (Amount(WETH, -1_999_999), 6, "-0.000000 WETH"),
        (Amount(USDC, -1_999_999), 2, "-1.99 USDC"),
        (Amount(USDC, 1), 18, "0.000001 USDC"),
        (Amount(Asset("GUSD", 0), 7), 2, "7 GUSD"),
        (Amount(WETH, 10**60 + 1), 2, f"{10**42:,d}.00 WETH"),
    ],
)
def test_an_amount_for_people_is_cut_and_never_rounded_up(amount, places, words):
    assert amount.cut(places) == words


@pytest.mark.parametrize("join", [Amount.__add__, Amount.__sub__])
def test_amounts_of_different_assets_do_not_mix(join):
    with pytest.raises(TypeError, match="cannot combine WETH with USDC"):
        join(Amount(WETH, 1), Amount(USDC, 1))


def test_one_wei_is_worth_nothing_owned_and_one_unit_owed():
    price = 3_000 * USD.unit
    assert value_down(Amount(WETH, 1), price) == 0
    assert value_up(Amount(WETH, 1), price) == 1


def target(leverage, *, urgent=False):
    return SetLeverage("loop", Decimal(leverage), "why", urgent=urgent)


def test_the_least_risky_wish_wins_and_a_hold_yields():
    hold, out = Hold("guardian", "safe"), Unwind("owner", "asked")
    assert combine([hold, target(3), target(2)]) == target(2)
    assert combine([target(1), hold, out]) == out
    assert combine([target(2), target(2, urgent=True)]).urgent
    assert combine([out, Unwind("owner", "now", urgent=True)]).urgent


def test_where_all_hold_the_last_reason_stands():
    assert combine([Hold("guardian", "safe"), Hold("loop", "in band")]).reason == "in band"
