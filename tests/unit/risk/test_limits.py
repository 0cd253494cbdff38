"""Limits out of range are all named at once."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

import pytest
from tests.limits import limits
from tests.worlds import GWEI

from leverd.risk.limits import Limits, problems

BROKEN = {
    "leverage_max": Decimal("0.9"),
    "position_usd_max": Decimal(0),
    "active_positions_max": 0,
    "health_min": Decimal("1.02"),
    "health_step_min": Decimal(1),
    "shock": Decimal("0.1"),
    "slippage_max": Decimal(1),
    "price_impact_max": Decimal(-1),
    "oracle_gap_max": Decimal(0),
    "gas_price_wei_max": 0,
    "gas_day_wei_max": 0,
    "guardian_gas_share": Decimal(1),
    "gas_reserve_deleverages": 0,
    "gas_price_wei_worst": 1,
    "trades_day_max": 0,
    "cooldown_after_loss_s": -1,
    "cost_share_max": Decimal(0),
    "profit_usd_min": Decimal(-1),
    "drag_max": Decimal(0),
    "portfolio_stop": Decimal(1),
    "drawdown_day_max": Decimal(1),
    "pegged": ("USDC", "USDC"),
    "depeg_max": Decimal(0),
    "view_age_s_max": 0,
    "sources_min": 0,
}


NEAR = Decimal("0.001")
EDGES = [  # limit, last value in range, first one out of it
    ("leverage_max", Decimal(1), 1 - NEAR),
    ("position_usd_max", NEAR, Decimal(0)),
    ("active_positions_max", 1, 0),
    ("health_min", Decimal("1.02") + NEAR, Decimal("1.02")),
    ("health_step_min", 1 + NEAR, Decimal(1)),
    ("shock", -NEAR, Decimal(0)),
    ("shock", NEAR - 1, Decimal(-1)),
    ("slippage_max", Decimal(0), -NEAR),
    ("slippage_max", 1 - NEAR, Decimal(1)),
    ("price_impact_max", Decimal(0), -NEAR),
    ("price_impact_max", 1 - NEAR, Decimal(1)),
    ("oracle_gap_max", NEAR, Decimal(0)),
    ("oracle_gap_max", 1 - NEAR, Decimal(1)),
    ("gas_price_wei_max", 1, 0),
    ("gas_day_wei_max", 1, 0),
    ("guardian_gas_share", Decimal(0), -NEAR),
    ("guardian_gas_share", 1 - NEAR, Decimal(1)),
    ("gas_reserve_deleverages", 1, 0),
    ("gas_price_wei_worst", limits().gas_price_wei_max, limits().gas_price_wei_max - 1),
    ("trades_day_max", 1, 0),
    ("cooldown_after_loss_s", 0, -1),
    ("cost_share_max", NEAR, Decimal(0)),
    ("cost_share_max", Decimal(1), 1 + NEAR),
    ("profit_usd_min", Decimal(0), -NEAR),
    ("drag_max", NEAR, Decimal(0)),
    ("portfolio_stop", NEAR, Decimal(0)),
    ("portfolio_stop", 1 - NEAR, Decimal(1)),
    ("drawdown_day_max", NEAR, Decimal(0)),
    ("drawdown_day_max", 1 - NEAR, Decimal(1)),
    ("depeg_max", NEAR, Decimal(0)),
    ("depeg_max", 1 - NEAR, Decimal(1)),
    ("view_age_s_max", 1, 0),
    ("sources_min", 1, 0),
]


@pytest.mark.parametrize(("field", "last", "beyond"), EDGES)
def test_each_range_ends_exactly_where_it_says(field, last, beyond):
    assert problems(limits(**{field: last})) == []
    found = problems(limits(**{field: beyond}))
    assert [line.split(":")[0] for line in found] == [field]


def test_a_careful_owners_limits_have_no_problem():
    assert problems(limits()) == []


@pytest.mark.parametrize("field", [field.name for field in fields(Limits)])
def test_each_limit_out_of_range_is_named_with_what_must_hold_and_what_is(field):
    found = problems(limits(**{field: BROKEN[field]}))

    assert any(line.startswith(f"{field}: must be ") for line in found)
    assert any(str(BROKEN[field]) in line for line in found)


def test_all_of_them_are_named_at_once():
    # Those two are in range beside others that are not: they are judged against each other.
    names = {line.split(":")[0] for line in problems(limits(**BROKEN))}

    assert names >= BROKEN.keys() - {"gas_price_wei_worst", "health_min"}


def test_an_owner_who_says_nothing_of_sources_is_content_with_one():
    signed = limits(sources_min=3)
    said = {field.name: getattr(signed, field.name) for field in fields(Limits)}
    del said["sources_min"]

    assert Limits(**said).sources_min == 1


def test_the_most_that_is_bid_is_ten_times_the_worst_price_the_owner_reckons_with():
    for price, worst in ((100, 300), (300, 300), (400, 300)):
        signed = limits(gas_price_wei_max=price * GWEI, gas_price_wei_worst=worst * GWEI)
        assert signed.gas_price_wei_most == max(price, worst) * 10 * GWEI
