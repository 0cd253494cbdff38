"""What holding costs a year, and the leverage up to which that is bearable."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tests.worlds import USDC, WETH, at_leverage, state

from leverd.domain.carry import bearable, carry_at, carry_now
from leverd.domain.fixed_point import RAY
from leverd.domain.reserves import rates_after

NOTHING = Fraction(0)
ANYTHING = Fraction(-1000)


def test_a_leverage_below_one_is_none_to_ask_for():
    held = at_leverage(2)

    assert bearable(held, ANYTHING, NOTHING, Fraction(1, 2)) == 1
    assert bearable(held, ANYTHING, NOTHING, Fraction(3)) == 3
    assert bearable(held, Fraction(1000), NOTHING, Fraction(3)) is None


def test_the_leverage_found_bears_exactly_what_was_asked():
    held = at_leverage(2)
    least = carry_at(held, Fraction(2), NOTHING)

    assert bearable(held, least, NOTHING, Fraction(2)) == 2
    found = bearable(held, least, NOTHING, Fraction(4))
    assert carry_at(held, found, NOTHING) >= least
    assert 0 <= 2 - found < Fraction(1, 10**6)


def test_staking_is_earned_on_the_whole_exposure():
    held, grows = at_leverage(2), Fraction(3, 100)

    assert carry_now(held, grows) - carry_now(held, NOTHING) == 2 * grows
    more = carry_at(held, Fraction(3), grows) - carry_at(held, Fraction(3), NOTHING)
    assert more == 3 * grows


def test_without_equity_there_is_no_carry():
    lost = state(posted=10, debt=30_000)

    assert carry_now(lost, NOTHING) is None
    assert carry_at(lost, Fraction(2), NOTHING) is None


def test_interest_is_reckoned_at_the_rates_that_the_change_itself_leads_to():
    """Ten WETH of equity at 3,000: from 2x to 3x ten are posted and 30,000 more are owed."""
    held = at_leverage(2)
    rules, reserves = held.market.rules, held.market.reserves
    weth, usdc = reserves[WETH], reserves[USDC]
    earned = rates_after(weth, rules, held.at, supplied=10 * 10**18).liquidity
    paid = rates_after(usdc, rules, held.at, borrowed=30_000 * 10**6).borrow

    assert carry_at(held, Fraction(3), NOTHING) == Fraction(3 * earned - 2 * paid, RAY)
    earned = rates_after(weth, rules, held.at).liquidity
    paid = rates_after(usdc, rules, held.at).borrow
    assert carry_now(held, NOTHING) == Fraction(2 * earned - paid, RAY)
    assert carry_at(held, Fraction(2), NOTHING) == carry_now(held, NOTHING)


def test_the_smallest_equity_there_is_has_a_carry():
    """10 WETH at 3,000 against 29,999.99999999 dollars' worth: a hundred-millionth is left."""
    least = state(posted=10, debt=30_000, idle_debt=Decimal("0.000001"))

    assert carry_at(least, Fraction(1), NOTHING) is not None
