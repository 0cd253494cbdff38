"""The settings that ship can be kept on the recorded WETH market; 3x at health 1.3 cannot."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from leverd.bootstrap.agents import find_agents
from leverd.bootstrap.feasible import check, judged_by
from leverd.domain.side import Side
from leverd.errors import InfeasibleError
from leverd.risk.market_facts import facts_from_json
from leverd.settings import load_settings

SHIPPED, MARKET = Path("config/settings.yaml"), Path("config/markets/weth-usdc.json")


def test_the_shipped_settings_can_be_kept():
    settings = load_settings([SHIPPED], {}, find_agents())

    lines = check(settings, MARKET)

    assert any("2.5x with health >= 1.15" in line for line in lines)


def test_three_times_at_health_1_3_is_infeasible_and_says_what_is_not(tmp_path):
    greedy = tmp_path / "greedy.yaml"
    greedy.write_text(
        "positions: {eth-loop: {agents: {leverage_loop: "
        "{target: 3, boost_below: 2.7, repay_above: 3.3, health_floor: 1.3}}}}",
        encoding="utf-8",
    )
    settings = load_settings([SHIPPED, greedy], {}, find_agents())

    with pytest.raises(InfeasibleError, match=r"2\.766x") as caught:
        check(settings, MARKET)

    assert caught.value.exit_code == 6
    assert "health_floor: 1.24" in caught.value.remedy


def test_the_shipped_short_can_be_kept_beside_the_long():
    settings = load_settings([SHIPPED, Path("config/short.yaml")], {}, find_agents())
    facts = replace(facts_from_json(MARKET.read_text(encoding="utf-8")),
                    threshold=Decimal("0.78"), ltv=Decimal("0.75"), side=Side.SHORT)  # fmt: skip

    assert judged_by(settings, "eth-short", facts).refused == ()
    assert any(line.startswith("eth-short: a rise of") for line in check(settings, MARKET))
