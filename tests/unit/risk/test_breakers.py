"""Breakers open after enough bad looks, close after enough good ones, and never halt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.limits import limits
from tests.worlds import GWEI, pool, state, view

from leverd.domain.view import Gas, TradingState
from leverd.risk.breakers import Breaker, Breakers, Fault, Rule, watch

CALM = view(state(posted=20, debt=30_000))
APART = view(state(posted=20, debt=30_000, pool_price=2900))
DEAR = view(CALM.state, gas=Gas(101 * GWEI, 0, 3000 * 10**8, 0))


def after(*looks, failures=0, start=None):
    breakers = start or Breakers()
    for look in looks:
        breakers = watch(breakers, look, limits(), failures=failures)
    return breakers


def test_calm_looks_open_nothing():
    assert after(CALM, CALM, CALM).opened == ()
    assert after(CALM).trading_state is TradingState.ACTIVE


def test_one_bad_look_is_not_enough_and_a_good_one_begins_anew():
    assert after(APART).opened == ()
    assert after(APART, CALM, APART).opened == ()


def test_a_market_that_stays_away_from_a_still_oracle_opens_both_breakers():
    breakers = after(CALM, APART, APART)

    assert breakers.opened == (Fault.ORACLE_STALE, Fault.ORACLE_GAP)
    assert breakers.trading_state is TradingState.REDUCING


def test_a_moving_oracle_that_disagrees_is_a_gap_and_not_stale():
    looks = [
        view(state(price=price, posted=20, debt=30_000, pool_price=price * 0.9))
        for price in (3000, 2990, 2980)
    ]

    assert after(*looks).opened == (Fault.ORACLE_GAP,)


def test_it_closes_only_after_a_while_of_good_looks():
    bad = after(CALM, APART, APART)

    assert after(*[CALM] * 4, start=bad).opened != ()
    assert after(*[CALM] * 5, start=bad).opened == ()


def test_dear_gas_opens_its_own():
    assert after(DEAR, DEAR).opened == ()
    assert after(DEAR, DEAR, DEAR).opened == (Fault.GAS,)


@pytest.mark.parametrize(("failures", "opened"), [(2, ()), (3, (Fault.FAILURES,))])
def test_plans_that_fail_in_a_row_open_theirs_and_a_success_closes_it(failures, opened):
    breakers = after(CALM, failures=failures)

    assert breakers.opened == opened
    assert after(CALM, start=breakers, failures=0).opened == ()


def test_a_pool_without_a_price_is_away_from_its_oracle():
    gone = replace(pool(), sqrt_price=0)
    empty = view(replace(CALM.state, pools={"weth-usdc": gone}))

    assert Fault.ORACLE_GAP in after(empty, empty).opened


def test_a_breaker_told_what_it_knows_forgets_the_contrary():
    rule = Rule(opens_after=2, closes_after=2)

    wavering = Breaker().told(rule, bad=True).told(rule, bad=False)

    assert wavering == Breaker(open=False, against=0)


def test_after_a_spell_without_failures_one_more_plan_may_try():
    """Else nothing could ever complete, and the breaker would never close."""
    opened = after(CALM, failures=3)

    assert after(*[CALM] * 9, start=opened, failures=3).opened == (Fault.FAILURES,)
    tried = after(*[CALM] * 10, start=opened, failures=3)
    assert tried.opened == ()
    assert after(CALM, start=tried, failures=4).opened == (Fault.FAILURES,)
