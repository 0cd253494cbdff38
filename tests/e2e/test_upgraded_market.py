"""Governance upgrades or moves the lending market under a daemon; then the price falls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from loguru import logger
from tests.account_contract.test_changed_market import name_pool, upgrade
from tests.e2e.stage import Stage, staged

from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.domain.events import ExternalChanged
from leverd.domain.plan_events import PlanApproved, PlanCompleted, StepMismatched
from leverd.engine.watchman import ONLY_CLOSE
from leverd.engine.whereabouts import MOVED

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


def _local(stage: Stage) -> Any:
    devnet = stage.devnet
    return SimpleNamespace(
        deployment=devnet.deployment,
        node=devnet.node,
        chain=devnet.chain,
        mine=devnet.step,
    )


def _upgrade(stage: Stage) -> None:
    upgrade(SimpleNamespace(local=_local(stage)))


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What the owner is told of it, a line each."""
    lines: list[str] = []
    sink = logger.add(
        lines.append,
        filter=lambda record: any(code in record["message"] for code in (ONLY_CLOSE, MOVED)),
    )
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


async def test_a_fall_after_the_provider_named_another_pool_ends_without_debt_over_a_restart(
    stage, told
):
    await stage.play(until=lambda _: bool(stage.events(PlanCompleted)))
    debt = stage.truth().debt
    assert debt
    driver = stage.devnet.driver
    driver.habits = replace(driver.habits, liquidates=False)  # theirs asks the provider
    name_pool(_local(stage), "0x" + "77" * 20)
    await stage.play(seconds=600)
    assert stage.truth().debt >= debt
    await stage.play(until=lambda _: stage.devnet.driver.now > FALL_AT + 1_200)
    moved = [line for line in told if MOVED in line]
    assert len(moved) == 2, "once by each process"
    assert "0x" + "77" * 20 in moved[0]
    assert (stage.truth().debt, stage.truth().collateral) == (0, 0)
    assert stage.events(StepMismatched, ExternalChanged) == []
    assert [plan.purpose for plan in stage.events(PlanApproved)] == ["open", "deleverage"]
