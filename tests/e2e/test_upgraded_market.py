"""Governance upgrades the lending market under a running daemon; then the price falls."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from loguru import logger
from tests.account_contract.test_changed_market import upgrade
from tests.e2e.stage import Stage, staged

from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.domain.plan_events import PlanApproved, PlanCompleted, StepMismatched
from leverd.engine.watchman import ONLY_CLOSE

pytestmark = pytest.mark.chain

FALL_AT = 1_700_000_000 + 3_600
PRICES = f"ts,close\n1700000000,3000\n{FALL_AT},3000\n{FALL_AT + 600},2300\n1700100000,2300\n"


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    prices = tmp_path / "prices.csv"
    prices.write_text(PRICES)
    conduct = Conduct(Habits(borrows=False, oracle=OracleRule(lag_s=0)), delay_chance=0.0)
    with staged(tmp_path, Recipe(path=str(prices)), conduct) as made:
        made.clock.stride = 12
        yield made


def _upgrade(stage: Stage) -> None:
    devnet = stage.devnet
    local: Any = SimpleNamespace(
        deployment=devnet.deployment,
        node=devnet.node,
        chain=devnet.chain,
        mine=devnet.step,
    )
    upgrade(SimpleNamespace(local=local))


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What the owner is told of it, a line each."""
    lines: list[str] = []
    sink = logger.add(lines.append, filter=lambda record: ONLY_CLOSE in record["message"])
    yield lines
    logger.remove(sink)


async def test_a_fall_after_an_upgrade_ends_without_debt_and_the_owner_was_told(stage, told):
    upgraded_at: list[int] = []

    def after_block(block):
        if not upgraded_at and stage.events(PlanCompleted):
            upgraded_at.append(block.at)
            _upgrade(stage)

    stage.clock.after_block = after_block
    await stage.play(until=lambda _: stage.devnet.driver.now > FALL_AT + 1_200)
    assert upgraded_at
    assert len(told) == 1
    assert "leverd account bounds" in told[0]
    assert stage.account not in {who for _, who in stage.clock.liquidated}
    assert stage.truth().debt == 0
    assert stage.truth().collateral == 0
    assert stage.events(StepMismatched) == []
    assert [plan.purpose for plan in stage.events(PlanApproved)] == ["open", "deleverage"]
