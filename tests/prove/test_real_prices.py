"""The great crashes as they were: never liquidated with the agent, liquidated without.

The prices are five-minute bars of Binance's ETH/USDT, walked worst-first: open, low, high,
close. A night of March 2020 runs with `make test`, all crashes with `make prove`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.replay import Ride, check_ridden, highest_accepted, open_and_leave, ride, unwind
from tests.e2e.stage import Stage, loop, staged
from tests.prove.crashes import (
    CLOGGED,
    CRASHES,
    DATA,
    FAIR,
    GAS,
    NIGHT,
    PRICES,
    WIDTH,
    Window,
    World,
    sections,
)
from tests.prove.tally import tell

pytestmark = [
    pytest.mark.chain,
    pytest.mark.data,
    pytest.mark.skipif(
        not (DATA and PRICES.is_file() and GAS.is_file()),
        reason="LEVERD_DATA names no folder with crash_fine.parquet and gas_eth_1d.parquet",
    ),
]

ETHER = 10**18


@dataclass(frozen=True)
class Case:
    """Settings that feasibility accepts: a leverage in a world."""

    leverage: str  # `highest`: the highest target that is accepted there and then
    world: World = FAIR
    trigger: float | None = None  # the guardian's, where it is not derived
    by_record: bool = False  # the gap is the worst fall on record, not the shipped figure

    @property
    def name(self) -> str:
        return f"{self.leverage}x, {self.world.name}" if self.leverage != "highest" else (
            f"highest, {self.world.name}"
        )  # fmt: skip

    async def settings(self, stage: Stage) -> tuple[str, dict[str, Any]]:
        """Return the target and the settings for it."""
        engine = {"gap": None} if self.by_record else {}
        target = self.leverage
        if target == "highest":
            said = sections(self.world, {}, **engine)
            del said["positions"]
            highest = await highest_accepted(stage, WIDTH, **said)
            assert highest > Decimal("2.5")
            target = str(highest)
        positions = loop(target, WIDTH)
        return target, sections(self.world, positions, trigger=self.trigger, **engine)


TWO, SHIPPED = Case("2"), Case("2.5")
HIGHEST = Case("highest", by_record=True)
SLOW = Case("2.5", CLOGGED, trigger=1.18)

each_crash = pytest.mark.parametrize("window", CRASHES, ids=lambda window: window.name)


@pytest.mark.parametrize("case", [TWO, SHIPPED], ids=lambda case: case.name)
async def test_the_worst_night_is_ridden(tmp_path, case):
    await _ridden(tmp_path, NIGHT, case)


async def test_the_worst_night_liquidates_who_sleeps(tmp_path):
    assert (await _left_alone(tmp_path, NIGHT, SHIPPED)).liquidated_at


@pytest.mark.prove
@pytest.mark.parametrize("case", [TWO, SHIPPED, HIGHEST, SLOW], ids=lambda case: case.name)
@each_crash
async def test_the_crash_is_ridden(tmp_path, window, case):
    await _ridden(tmp_path, window, case)


@pytest.mark.prove
@pytest.mark.parametrize("case", [TWO, SHIPPED, HIGHEST], ids=lambda case: case.name)
@each_crash
async def test_who_sleeps_is_liquidated_where_the_fall_is_deep_enough(tmp_path, window, case):
    found = await _left_alone(tmp_path, window, case)
    assert bool(found.liquidated_at) is (found.health_lowest < 1)
    assert found.liquidated_at or case is TWO  # twice the equity needs a fall of 40 %


@contextmanager
def _staged(folder: Path, window: Window, case: Case) -> Iterator[Stage]:
    with staged(folder, window.recipe, case.world.conduct) as stage:
        there = stage.truth().raw["WETH"]
        if window.equity * ETHER > there:
            stage.deposit("WETH", window.equity * ETHER - there)
        yield stage


async def _ridden(folder: Path, window: Window, case: Case) -> None:
    with _staged(folder, window, case) as stage:
        target, settings = await case.settings(stage)
        path = stage.devnet.driver.path
        found = await ride(stage, until=path.end, **settings)
        _tell(window, case, target, found, stage)
        check_ridden(stage, found)
        assert found.plans > 1
        await unwind(stage, **settings)


async def _left_alone(folder: Path, window: Window, case: Case) -> Ride:
    with _staged(folder, window, case) as stage:
        target, settings = await case.settings(stage)
        found = await open_and_leave(stage, until=stage.devnet.driver.path.end, **settings)
        _tell(window, case, target, found, stage, alone=True)
        return found


def _tell(
    window: Window, case: Case, target: str, found: Ride, stage: Stage, *, alone: bool = False
) -> None:
    path = stage.devnet.driver.path
    held = found.equity_first * path.prices[-1] / path.prices[0]
    tell(
        f"ride: {window.name}, {case.name}" + (", left alone" if alone else ""),
        crash=window.name,
        span=f"{window.since} to {window.until}",
        case=case.name,
        world=case.world.name,
        target=target,
        alone=alone,
        liquidated=len(found.liquidated_at),
        health_lowest=f"{found.health_lowest:.4f}",
        plans=found.plans,
        turns=found.turns,
        blocks=found.blocks,
        fees=f"{found.fees:.2f}",
        gas=f"{found.gas:.2f}",
        equity_first=f"{found.equity_first:.0f}",
        equity_last=f"{found.equity_last:.0f}",
        held=f"{held:.0f}",
    )
