"""Agents reckon in whole numbers where they can; plain fractions must give the same."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests import worlds
from tests.worlds import USDC, WETH

from leverd.agents.guardian import Guardian, triggers
from leverd.agents.guardian import Params as Guarded
from leverd.agents.leverage_loop import LeverageLoop, Params
from leverd.agents.rebalance_cost import cost_of
from leverd.domain import headroom, loans, quotes, valuation
from leverd.domain.fixed_point import WAD
from leverd.domain.money import USD

LOOP = Params(
    target=Decimal("2.5"),
    boost_below=Decimal("2.2"),
    repay_above=Decimal("2.8"),
    change_min=Decimal("0.1"),
    wait_s_min=0,
)
leverages = st.decimals("1.3", "3.4", places=6)
CARE = Fraction(1, 10**6)


@given(leverages, st.decimals("1.2", "3.4", places=9))
def test_a_rebalance_moves_and_costs_what_fractions_say(leverage, target):
    view = worlds.view(worlds.at_leverage(leverage))
    state = view.state
    drift = Fraction(target) * valuation.equity(state) - valuation.exposure(state)
    sell = USDC if drift > 0 else WETH
    raw = int(abs(drift) / valuation.rate(state, sell))
    cost = cost_of(view, target)
    if raw == 0:
        assert cost is None
        return
    quote = quotes.quote_exact_in(state.pool, sell, raw)
    impact = quotes.price_impact(state.pool, quote, sell)
    assert cost.moved == Decimal(int(abs(drift))) / USD.unit
    assert cost.swap == cost.moved * (Decimal(quote.fee) / quote.sold + impact)


@given(leverages, st.decimals(0, 3, places=6), st.decimals(0, 50_000, places=2))
def test_the_quiet_band_of_a_loop_is_that_of_fractions(leverage, idle, idle_debt):
    posted = worlds.at_leverage(leverage).position.loan
    state = worlds.state(idle=idle, idle_debt=idle_debt)
    state = replace(state, position=state.position.with_loan("aave", posted))
    view = worlds.view(state)
    promise = LeverageLoop(LOOP).quiet(view)
    if promise is None:
        return
    summary, threshold = loans.summarise(state.market, posted, state.at), Fraction(83, 100)
    exposure, equity = valuation.exposure(state), valuation.equity(state)
    used = Fraction(summary.collateral_value, exposure)
    used *= Fraction(exposure - equity, summary.debt_value)
    low, high = Fraction("2.2"), Fraction("2.8")
    above = max(threshold * high / (high - 1), threshold)
    assert promise.health.above == int(above * (1 + CARE) * WAD) + 1
    assert promise.health.below == int(threshold * used * low / (low - 1) * (1 - CARE) * WAD)


@given(st.integers(10**18, 2 * 10**18))
def test_a_health_reaches_a_trigger_exactly_where_its_fraction_does(health):
    levels = triggers(Guarded(target=Decimal("2.5"), band_high=Decimal("2.9")), Fraction(83, 100))
    assert (health >= levels.deleverage_wad) is (health >= levels.deleverage_below * WAD)
    assert (health >= levels.alert_wad) is (health >= levels.alert_below * WAD)
    for level, at in (
        (levels.deleverage_below, levels.deleverage_wad),
        (levels.alert_below, levels.alert_wad),
    ):
        assert at >= level * WAD > at - 1


def test_a_guard_is_quiet_above_its_trigger_rounded_down():
    params = Guarded(target=Decimal("2.5"), band_high=Decimal("2.9"))
    state = worlds.at_leverage("2.5")
    trigger = triggers(params, headroom.threshold_of(state)).deleverage_below
    promise = Guardian(params).quiet(worlds.view(state))
    assert promise.health.above == int(trigger * WAD)
