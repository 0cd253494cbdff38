"""How much saving a position may cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.limits import limits
from tests.worlds import GWEI, NOON, USDC, WETH, at_leverage, state, view

from leverd.risk import stress, urgency
from leverd.risk.raising import reserve_wei


def at_health(health):
    return view(at_leverage(Decimal(health) / (Decimal(health) - Decimal("0.83"))))


@pytest.mark.parametrize(
    ("health", "urgent"),
    [("1.5", "0"), ("1.15", "0"), ("1.085", "0.5"), ("1.02", "1"), ("1.001", "1")],
)
def test_urgency_rises_evenly_from_the_floor_to_the_step_floor(health, urgent):
    found = urgency.of(at_health(health), limits())

    assert found == pytest.approx(Decimal(urgent), abs=Decimal("1e-5"))


def test_a_deleverage_is_pressed_by_a_quarter_at_least_and_by_all_at_most():
    found = [urgency.pressing(Decimal(own)) for own in ("0", "0.5", "1")]

    assert found == [Decimal("0.25"), Decimal("0.625"), Decimal(1)]


def test_without_debt_nothing_is_urgent():
    assert urgency.of(view(), limits()) == 0


@pytest.mark.parametrize(("urgent", "cap"), [("0", "0.005"), ("0.5", "0.0275"), ("1", "0.05")])
def test_slippage_rises_to_the_liquidation_bonus(urgent, cap):
    assert urgency.slippage_max(view(), limits(), Decimal(urgent)) == Decimal(cap)


def test_of_several_collaterals_the_lowest_bonus_counts():
    """A liquidator takes which it likes: nobody pays more than the least it might cost."""
    held = state(posted=10, debt=10_000)
    loan = held.position.loan
    both = replace(
        loan, supplies={**loan.supplies, USDC: 10**9}, collaterals=frozenset({WETH, USDC})
    )
    seen = view(replace(held, position=held.position.with_loan("aave", both)))

    assert urgency.slippage_max(seen, limits(), Decimal(1)) == Decimal("0.045")
    assert urgency.slippage_max(view(held), limits(), Decimal(1)) == Decimal("0.05")


def test_a_bonus_below_the_calm_cap_leaves_the_cap_alone():
    wide = limits(slippage_max=Decimal("0.06"), price_impact_max=Decimal("0.07"))

    assert urgency.slippage_max(view(), wide, Decimal(1)) == Decimal("0.06")
    assert urgency.impact_max(view(), wide, Decimal(1)) == Decimal("0.07")


def test_calm_trading_bids_the_calm_price():
    assert urgency.gas_price_cap(at_health("1.3"), limits(), Decimal(0), gas=450_000) == 100 * GWEI


def test_the_most_that_is_bid_costs_what_liquidation_would():
    seen = at_health("1.02")
    cap = urgency.gas_price_cap(
        seen, limits(gas_price_wei_worst=3_000 * GWEI), Decimal(1), gas=450_000
    )

    spent_usd = cap * 450_000 * 3000 / 10**18
    assert spent_usd == pytest.approx(urgency.worth_usd(seen) / 10**8, rel=1e-4)


def test_what_takes_the_place_of_the_highest_bid_can_still_be_signed():
    cap = urgency.gas_price_cap(at_health("1.02"), limits(), Decimal(1), gas=250_000)
    assert cap * 121 // 100 < limits().gas_price_wei_most < cap * 123 // 100


def test_what_waits_for_cheaper_gas_is_what_a_shock_would_leave_safe():
    quarter = Decimal("0.25")
    near, far = at_health("1.13"), at_health("2")  # a fall of a tenth leaves 1.017 and 1.8

    most = urgency.gas_price_cap(near, limits(), Decimal(1), gas=450_000)
    assert urgency.gas_price_cap(near, limits(), quarter, gas=450_000) == most
    calm, top = 100 * GWEI, urgency.gas_price_cap(far, limits(), Decimal(1), gas=450_000)
    waits = urgency.gas_price_cap(far, limits(), quarter, gas=450_000)
    assert waits == pytest.approx(calm + (top - calm) / 4, rel=1e-9)


def test_a_short_plan_may_bid_more_for_its_gas_than_a_long_one():
    seen, wide = at_health("1.02"), limits(gas_price_wei_worst=30_000 * GWEI)
    short, long = (
        urgency.gas_price_cap(seen, wide, Decimal(1), gas=gas) for gas in (250_000, 2_450_000)
    )
    assert short == pytest.approx(long * 9.8, rel=1e-6)


def test_a_small_position_is_still_bid_for_at_the_calm_price():
    small = view(at_leverage("4", equity=Decimal("0.01")))

    assert urgency.gas_price_cap(small, limits(), Decimal(1), gas=450_000) == 100 * GWEI


def test_the_step_floor_is_the_limit_or_half_the_room_that_is_left():
    assert urgency.step_floor(view(), limits()) == Decimal("1.02")
    assert urgency.step_floor(at_health("1.1"), limits()) == Decimal("1.02")
    assert urgency.step_floor(at_health("1.01"), limits()) == pytest.approx(
        Decimal("1.005"), abs=Decimal("1e-6")
    )
    assert urgency.step_floor(view(state(posted=10, debt=30_000)), limits()) == 1


def test_the_reserve_pays_for_its_deleverages_at_the_worst_price_of_the_year():
    limit = 703_125  # what a node wants paid for a deleverage that takes 450,000
    assert reserve_wei(view(), limits()) == 3 * limit * 300 * GWEI
    assert reserve_wei(view(atomic=False), limits()) > reserve_wei(view(), limits())


def test_a_shock_moves_the_collaterals_price_and_health_with_it():
    seen = at_health("1.5")
    after = stress.shocked(seen.state, Decimal("-0.1"))

    assert after.market.reserves[WETH].price == 2700 * 10**8
    assert stress.health_after(seen.state, Decimal("-0.1"), NOON) == pytest.approx(
        135 * 10**16, rel=1e-6
    )
    assert after == replace(seen.state, lending=after.lending)
