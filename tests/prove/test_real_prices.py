"""March 2020 and June 2022 as they were: never liquidated with the agent, liquidated without.

The prices are five-minute bars of Binance's ETH/USDT, in the order open, low, high, close. A
window of an hour or so runs with `make test`, all of them with `make prove`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from tests.e2e.replay import Ride, check_ridden, highest_accepted, open_and_leave, ride, unwind
from tests.e2e.stage import Stage, loop, staged
from tests.prove.tally import tell

from leverd.devnet.recipe import Recipe
from leverd.devnet.recorded import Columns

DATA = os.environ.get("LEVERD_DATA", "")
FILE = Path(DATA) / "crash_fine.parquet"

pytestmark = [
    pytest.mark.chain,
    pytest.mark.data,
    pytest.mark.skipif(
        not (DATA and FILE.is_file()),
        reason="LEVERD_DATA names no folder with crash_fine.parquet",
    ),
]

WIDTH = "0.3"
LIMITS = {"leverage_max": 5}  # what limits leverage here is the market, not this


@dataclass(frozen=True)
class Window:
    """A stretch of the past, UTC."""

    name: str
    since: str
    until: str

    @property
    def recipe(self) -> Recipe:
        where = {"venue": "binance", "symbol": "ETHUSDT", "bar": "5m"}
        since, until = (_unix(each) for each in (self.since, self.until))
        return Recipe(
            path=str(FILE), columns=Columns(price="bar", where=where, since=since, until=until)
        )

    @property
    def end(self) -> int:
        return self.recipe.prices().end


MARCH = Window("March 2020", "2020-03-06T00:00", "2020-03-20T00:00")
JUNE = Window("June 2022", "2022-06-06T00:00", "2022-06-20T00:00")
NIGHT = Window("the night of 12 March 2020", "2020-03-12T22:00", "2020-03-13T03:00")


@pytest.mark.parametrize("leverage", ["2", "2.5"])
async def test_the_worst_night_is_ridden(tmp_path, leverage):
    await _ridden(tmp_path, NIGHT, leverage)


async def test_the_worst_night_liquidates_who_sleeps(tmp_path):
    await _liquidated(tmp_path, NIGHT, "2.5")


@pytest.mark.prove
@pytest.mark.parametrize("leverage", ["2", "2.5", "highest"])
@pytest.mark.parametrize("window", [MARCH, JUNE], ids=lambda window: window.name)
async def test_the_crash_is_ridden(tmp_path, window, leverage):
    await _ridden(tmp_path, window, leverage)


@pytest.mark.prove
@pytest.mark.parametrize("leverage", ["2", "2.5", "highest"])
@pytest.mark.parametrize("window", [MARCH, JUNE], ids=lambda window: window.name)
async def test_the_crash_liquidates_who_sleeps(tmp_path, window, leverage):
    await _liquidated(tmp_path, window, leverage)


async def _ridden(folder: Path, window: Window, leverage: str) -> None:
    with staged(folder, window.recipe) as stage:
        target = await _target(stage, leverage)
        settings = {"limits": LIMITS, "positions": loop(target, WIDTH)}
        found = await ride(stage, until=window.end, **settings)
        _tell("with the agent", window, target, found)
        check_ridden(stage, found)
        assert found.plans > 1
        await unwind(stage, **settings)


async def _liquidated(folder: Path, window: Window, leverage: str) -> None:
    with staged(folder, window.recipe) as stage:
        target = await _target(stage, leverage)
        settings = {"limits": LIMITS, "positions": loop(target, WIDTH)}
        found = await open_and_leave(stage, until=window.end, **settings)
        _tell("left alone", window, target, found)
        assert found.liquidated_at


async def _target(stage: Stage, leverage: str) -> str:
    if leverage != "highest":
        return leverage
    highest = await highest_accepted(stage, WIDTH, limits=LIMITS)
    assert highest > 2
    return str(highest)


def _tell(how: str, window: Window, target: str, found: Ride) -> None:
    tell(
        f"{window.name}, {target}x, {how}",
        liquidated=bool(found.liquidated_at),
        health_lowest=f"{found.health_lowest:.4f}",
        turns=found.turns,
        plans=found.plans,
        equity_usd=f"{found.equity_first:.0f} -> {found.equity_last:.0f}",
    )


def _unix(moment: str) -> int:
    return int(datetime.fromisoformat(moment + "+00:00").timestamp())
