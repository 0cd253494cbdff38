"""One daemon, a long and a short: a frozen one is said and waited on, the other goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from loguru import logger
from tests.e2e.stage import POSITION, Stage, staged

from leverd.devnet.chain import Chain
from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.domain.plan_events import PlanAborted, PlanApproved, PlanCompleted

pytestmark = pytest.mark.chain

SHORT = "eth-short"
FROZEN = "LVD-FRZ-001"
CALM = "ts,close\n1700000000,3000\n1700086400,3000\n"
_PAUSE, _FREEZE = "setReservePause(address,bool)", "setReserveFreeze(address,bool)"
_SUPPLY_CAP, _BORROW_CAP = "setSupplyCap(address,uint256)", "setBorrowCap(address,uint256)"
_LATE = 1_700_000_000 + 6 * 3600  # chain time by which everything has long gone on
_POOL = "weth-usdc-500"

_BOTH = {POSITION, SHORT}
SHIPPED = yaml.safe_load(Path("config/short.yaml").read_text(encoding="utf-8"))

# The configurator's call that begins and ends it, whom it stops, and what the owner is told. Both
# positions live on the same two reserves: a pause stops both, a cap the one that grows there.
FROSTS = {
    "ether paused": (_PAUSE, "WETH", (True, False), _BOTH, "WETH is paused"),
    "dollars frozen": (_FREEZE, "USDC", (True, False), _BOTH, "USDC is frozen"),
    "no more dollars posted": (_SUPPLY_CAP, "USDC", (1, 0), {SHORT}, "the supply cap of USDC"),
    "no more ether lent": (_BORROW_CAP, "WETH", (1, 0), {SHORT}, "no more WETH can be borrowed"),
    "no more ether posted": (_SUPPLY_CAP, "WETH", (1, 0), {POSITION}, "the supply cap of WETH"),
}


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    prices = tmp_path / "prices.csv"
    prices.write_text(CALM)
    habits = Habits(borrows=False, oracle=OracleRule(lag_s=0))
    with staged(tmp_path, Recipe(path=str(prices)), Conduct(habits, delay_chance=0.0)) as made:
        made.clock.stride = 60
        yield made


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What the owner is told of frost, a line each."""
    lines: list[str] = []
    sink = logger.add(lines.append, filter=lambda record: FROZEN in record["message"])
    yield lines
    logger.remove(sink)


async def test_the_shipped_short_opens_beside_the_shipped_long(stage, told):
    await stage.play(until=lambda _: _kept(stage) == _BOTH, **SHIPPED)
    assert _purposes(stage) == {POSITION: ["open"], SHORT: ["open"]}
    assert told == []


async def test_a_long_and_a_short_live_in_one_daemon_each_in_its_own_account(stage, told):
    await stage.play(until=lambda _: _kept(stage) == {POSITION, SHORT}, **_both(stage))
    assert _purposes(stage) == {POSITION: ["open"], SHORT: ["open"]}
    assert told == []
    # 1.5 and 1.2 times the equity of 30,000 dollars.
    long, short = (_debt(stage, name) for name in (POSITION, SHORT))
    assert long == pytest.approx(45_000 * 10**8, rel=0.01)
    assert short == pytest.approx(36_000 * 10**8, rel=0.01)


@pytest.mark.parametrize("frost", FROSTS)
@pytest.mark.parametrize("stepwise", [False, True], ids=["atomic", "sequential"])
async def test_a_frozen_position_is_said_once_and_waited_on_while_the_other_goes_on(
    stage, told, frost, stepwise
):
    signature, symbol, (begin, end), frozen, words = FROSTS[frost]
    _configure(stage, signature, symbol, begin)
    settings = _both(stage)
    await stage.play(seconds=3600, stepwise=stepwise, **settings)
    assert _kept(stage) == _BOTH - frozen
    assert [_debt(stage, name) for name in sorted(frozen)] == [0] * len(frozen)
    for name in frozen:
        (line,) = [each for each in told if f"[{name}]" in each]
        assert words in line
    assert len(told) == len(frozen)
    assert stage.events(PlanAborted) == []

    _configure(stage, signature, symbol, end)
    await stage.play(
        until=lambda _: _kept(stage) == _BOTH or stage.devnet.driver.now > _LATE,
        stepwise=stepwise,
        **settings,
    )
    assert _kept(stage) == _BOTH
    assert len(told) == len(frozen)


def _both(stage: Stage) -> dict[str, Any]:
    return {
        "positions": {
            SHORT: {
                "account": stage.deployment.accounts[SHORT],
                "lending": "aave",
                "pool": _POOL,
                "collateral": "USDC",
                "debt": "WETH",
                "share_class": "USD",
                "agents": {
                    "leverage_loop": {
                        "target": 2.2,
                        "boost_below": 1.9,
                        "repay_above": 2.5,
                        "change_min": 0.1,
                        "wait_s_min": 60,
                        "cost_share_max": 0.05,
                    },
                    "guardian": {},
                },
            },
            POSITION: {"agents": {"leverage_loop": {"cost_share_max": 0.05}}},
        },
        "limits": {
            "drag_max": 1,
            "cost_share_max": 0.05,
            "gas_price_gwei_max": 500,
            "gas_price_gwei_worst": 500,
        },
    }


def _configure(stage: Stage, signature: str, symbol: str, value: Any) -> None:
    """Have the market's governance change a reserve, in a block of its own."""
    deployment, chain = stage.deployment, stage.devnet.chain
    token = deployment.tokens[symbol].address
    chain.send(
        deployment.roles.deployer, deployment.configurator, signature, token, value, gas=500_000
    )
    stage.devnet.step()


def _kept(stage: Stage) -> set[str]:
    done = {event.plan_id for event in stage.events(PlanCompleted)}
    return {plan.position_id for plan in stage.events(PlanApproved) if plan.plan_id in done}


def _purposes(stage: Stage) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {POSITION: [], SHORT: []}
    for plan in stage.events(PlanApproved):
        found[plan.position_id].append(str(plan.purpose))
    return found


def _debt(stage: Stage, position: str) -> int:
    signature = "getUserAccountData(address)->(" + ",".join(["uint256"] * 6) + ")"
    account = stage.deployment.accounts[position]
    return int(Chain(stage.devnet.chain.rpc).read(stage.deployment.pool, signature, account)[1])
