"""Breakers open after enough bad looks, close after enough good ones, and never halt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.limits import limits
from tests.worlds import GWEI, USDC, pool, state, view

from leverd.domain.view import Gas, Record, TradingState
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


def test_gas_is_dear_above_the_limit_with_its_tip_and_not_at_it():
    exact = view(CALM.state, gas=Gas(99 * GWEI, GWEI, 3000 * 10**8, 0))
    above = view(CALM.state, gas=Gas(99 * GWEI, GWEI + 1, 3000 * 10**8, 0))

    assert after(*[exact] * 3).opened == ()
    assert after(*[above] * 3).opened == (Fault.GAS,)


@pytest.mark.parametrize("price", [98_000_000, 102_000_000])
def test_a_peg_is_kept_exactly_at_its_limit(price):
    assert Fault.DEPEG not in after(*[off_peg(price)] * 3).opened
    off = price + (1 if price > 10**8 else -1)
    assert Fault.DEPEG in after(*[off_peg(off)] * 3).opened


@pytest.mark.parametrize(("failures", "opened"), [(2, ()), (3, (Fault.FAILURES,))])
def test_plans_that_fail_in_a_row_open_theirs_and_a_success_closes_it(failures, opened):
    breakers = after(CALM, failures=failures)

    assert breakers.opened == opened
    assert after(CALM, start=breakers, failures=0).opened == ()


def test_a_pool_without_a_price_is_away_from_its_oracle():
    gone = replace(pool(), sqrt_price=0)
    empty = view(replace(CALM.state, pools={"weth-usdc": gone}))

    assert Fault.ORACLE_GAP in after(empty, empty).opened


def off_peg(price):
    """Return a look at which the oracle prices a USDC at `price` (USD 1e8)."""
    reserves = dict(CALM.state.market.reserves)
    reserves[USDC] = replace(reserves[USDC], price=price)
    lending = {"aave": replace(CALM.state.market, reserves=reserves)}
    return view(replace(CALM.state, lending=lending))


@pytest.mark.parametrize("price", [97_900_000, 102_100_000])
def test_a_dollar_token_off_its_peg_either_way_opens_a_breaker(price):
    assert Fault.DEPEG in after(off_peg(price), off_peg(price)).opened
    assert Fault.DEPEG not in after(off_peg(price)).opened


def test_within_the_limit_a_dollar_token_is_at_its_peg():
    assert Fault.DEPEG not in after(*[off_peg(98_100_000)] * 3).opened


def test_a_token_that_nobody_called_pegged_has_no_peg():
    breakers = Breakers()
    for _ in range(3):
        breakers = watch(breakers, off_peg(90_000_000), limits(pegged=()), failures=0)

    assert Fault.DEPEG not in breakers.opened


def held(price, *, at=0, units=10 * 10**18, **record):
    """Return a look `at` seconds later at 20 WETH of `price`, owing 30,000 USDC, in ten units."""
    of = state(price=price, posted=20, debt=30_000)
    seen = view(of, record=Record(units=units, **record))
    stamp = replace(seen.stamp, at=seen.now + at)
    return replace(seen, stamp=stamp, state=replace(of, at=of.at + at))


def test_a_position_that_lost_too_much_within_a_day_takes_no_new_risk():
    fallen = [held(2400, at=60), held(2400, at=120)]  # 30,000 USD of equity, now 18,000

    assert Fault.DRAWDOWN in after(held(3000), *fallen).opened


def test_a_fall_of_less_than_the_owner_bears_opens_nothing():
    assert Fault.DRAWDOWN not in after(held(3000), *[held(2700, at=60)] * 3).opened


def test_a_fall_of_exactly_what_the_owner_bears_opens_nothing():
    """From 3,000 to 2,250 a unit of 30,000 USD in ten: 25 % of equity is 7,500 of 60,000."""
    bears = [held(2625, at=60)] * 3  # 20 x 375 less

    assert Fault.DRAWDOWN not in after(held(3000), *bears).opened
    assert Fault.DRAWDOWN in after(held(3000), *[held(2624, at=60)] * 3).opened


def test_what_was_lost_more_than_a_day_ago_counts_no_more():
    later = [held(2400, at=86_400 + each) for each in (60, 120)]

    assert Fault.DRAWDOWN not in after(held(3000), *later).opened


def test_a_restart_remembers_the_peak_from_the_marks_in_the_journal():
    highs = ((held(3000).now, 3_000 * 10**8),)
    seen = [held(2400, at=each, highs=highs) for each in (60, 120)]

    assert Fault.DRAWDOWN in after(*seen).opened


def test_money_that_comes_while_something_is_under_way_is_no_peak():
    under_way = held(6000, open_slots=1)

    assert Fault.DRAWDOWN not in after(under_way, *[held(3000, at=60)] * 3).opened


def test_what_the_journal_says_is_open_stays_open_until_it_was_good_for_a_while():
    restarted = Breakers.standing(("oracle_gap", "depeg"))

    assert restarted.opened == (Fault.ORACLE_GAP, Fault.DEPEG)
    assert after(*[CALM] * 5, start=restarted).opened == ()


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


@pytest.mark.parametrize("fault", list(Fault))
def test_each_breaker_closes_after_its_own_number_of_good_looks(fault):
    """Five, and ten for plans that failed: a while, but not for ever."""
    needed = 10 if fault is Fault.FAILURES else 5
    opened = Breakers.standing((fault,))
    failing = {"failures": 3} if fault is Fault.FAILURES else {}  # still failed, none anew
    start = replace(opened, failures=3)

    assert after(*[CALM] * (needed - 1), start=start, **failing).opened == (fault,)
    assert after(*[CALM] * needed, start=start, **failing).opened == ()
