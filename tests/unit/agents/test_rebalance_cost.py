"""What a rebalance is expected to cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.worlds import at_leverage, state, view

from leverd.agents.rebalance_cost import Cost, cost_of


def test_a_boost_costs_fee_impact_and_gas_of_what_it_moves():
    cost = cost_of(view(at_leverage("2")), Decimal("2.5"))

    assert cost is not None
    assert cost.moved == pytest.approx(Decimal(15_000), rel=Decimal("1e-9"))
    assert cost.swap == pytest.approx(Decimal("7.5"), rel=Decimal("0.001"))
    assert cost.gas == Decimal("31.5")
    assert cost.total == cost.swap + cost.gas


def test_a_repayment_is_reckoned_the_same_way_down():
    cost = cost_of(view(at_leverage("3")), Decimal("2.5"))

    assert cost is not None
    assert cost.moved == pytest.approx(Decimal(15_000), rel=Decimal("1e-9"))
    assert cost.gas == Decimal("28.35")


def test_moving_nothing_has_no_cost_to_judge():
    assert cost_of(view(state(idle=10)), Decimal(1)) is None
    assert Cost(Decimal(0), Decimal(0), Decimal(1)).share() == 1
