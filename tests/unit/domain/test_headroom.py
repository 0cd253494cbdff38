"""Leverage and health answer each other exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.worlds import USDC, WETH, at_leverage, mandate, market, state

from leverd.domain import headroom, valuation
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import EMode
from leverd.domain.loans import summarise

THRESHOLD = Fraction(83, 100)


@settings(max_examples=100, deadline=None)
@given(leverage=st.fractions(Fraction(11, 10), 5))
def test_the_two_conversions_are_each_others_inverse(leverage):
    health = headroom.health_at(leverage, THRESHOLD)

    assert health is not None
    assert headroom.leverage_at(health, THRESHOLD) == leverage


def test_some_questions_have_no_answer():
    assert headroom.health_at(Fraction(1), THRESHOLD) is None
    assert headroom.leverage_at(THRESHOLD, THRESHOLD) is None
    assert headroom.leverage(state(posted=10, debt=30_001)) is None
    assert headroom.leverage_for_health(state(posted=10, debt=30_001), Fraction(2)) is None
    assert headroom.leverage_for_health(at_leverage("2"), THRESHOLD) is None


def test_a_plain_position_agrees_with_the_formula():
    found = headroom.leverage_for_health(at_leverage("3"), Fraction(3, 2))

    assert found == pytest.approx(Fraction(150, 67), rel=1e-9)


def test_without_debt_it_says_how_far_leverage_may_go():
    found = headroom.leverage_for_health(state(posted=10), Fraction(3, 2))

    assert found == pytest.approx(Fraction(150, 67), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    leverage=st.decimals("2", "4.5", places=2),
    idle=st.decimals("0", "2", places=2),
    idle_debt=st.integers(0, 5_000),
)
def test_beside_idle_money_the_leverage_still_has_the_health_that_was_asked_for(
    leverage, idle, idle_debt
):
    """Sell to the leverage it names, without fee or impact, and look at the health."""
    of = at_leverage(leverage)
    position = of.position.with_idle(WETH, int(idle * WETH.unit))
    of = replace(of, position=position.with_idle(USDC, idle_debt * USDC.unit))
    goal = Fraction(8, 5)
    found = headroom.leverage_for_health(of, goal)
    assert found is not None
    sold = valuation.exposure(of) - found * valuation.equity(of)
    loan = of.position.loan
    after = replace(
        loan,
        supplies={WETH: loan.supplies[WETH] - int(sold * WETH.unit / (3000 * 10**8))},
        debts={USDC: loan.debts[USDC] - int(sold * USDC.unit / 10**8)},
    )
    if min(*after.supplies.values(), *after.debts.values()) <= 0:
        return

    health = summarise(of.market, after, of.at).health

    assert health == pytest.approx(int(goal * WAD), rel=1e-6)


def test_the_efficiency_mode_counts_that_the_account_is_in_or_while_it_owes_nothing_will_be():
    category = EMode(1, 9300, 9500, 10100, frozenset({WETH}), frozenset({USDC}))
    wanted = mandate(emode=1)
    closed, open_ = state(posted=10), state(posted=10, debt=9_000)
    modes = market(emodes={1: category})

    def seen(of):
        position = replace(of.position, mandate=wanted)
        return replace(of, position=position, lending={"aave": modes})

    assert headroom.threshold_of(seen(closed)) == Fraction(95, 100)
    assert headroom.threshold_of(seen(open_)) == THRESHOLD
