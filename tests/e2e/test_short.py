"""A short on real contracts: opened, boosted in a fall, reduced in a rise, closed to dollars."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.e2e.replay import check_ridden, open_and_leave, ride
from tests.e2e.stage import DUST_USD, POSITION, STEPWISE, Stage, merged, staged

from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.domain.events import AlertRaised, ExternalChanged, PnlRecorded
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.slot_events import SlotIncluded
from leverd.domain.snapshot import Snapshot
from leverd.interfaces.requests import RequestKind

pytestmark = pytest.mark.chain

MILLIONTH = Decimal("0.000001")
RAY = 10**27
OVER = 1_700_020_000  # chain time by which everything has long been done
EQUITY = 30_000 * 10**6  # USDC, what the devnet's short begins with

# Calm, a fall that takes leverage below its band, a rise that takes it above, calm again. Both
# happen while the loop waits, so that it never acts in the midst of one; gas is dear for an hour
# after a fall.
SWINGS = """ts,close
1700000000,3000
1700000900,3000
1700000912,2500
1700007000,2500
1700007012,2800
"""
# Two hours in which ether gains a half, then a third as much again.
RALLY = """ts,close
1700000000,2000
1700001800,2000
1700009000,3000
1700012600,3000
1700016200,3600
1700020000,3600
"""
BAND = {
    "target": 2.2,
    "boost_below": 1.9,
    "repay_above": 2.5,
    "wait_s_min": 4500,
    "cost_share_max": 0.05,
}
# Steps of their own cost several times the gas, and gas is dear where the market swings: what
# they may cost has to be said.
LIMITS = {
    "drag_max": 1,
    "cost_share_max": 0.05,
    "gas_price_gwei_max": 500,
    "gas_price_gwei_worst": 500,
}


@pytest.fixture(params=["atomic", "sequential", "plain"])
def kind(request) -> str:
    """Return how the account acts: at once, in single steps, or as a plain address."""
    return str(request.param)


@pytest.fixture
def stage_of(tmp_path) -> Iterator[Any]:
    made = []

    def stage(path: str) -> Stage:
        prices = tmp_path / "prices.csv"
        prices.write_text(path)
        # A market without strangers: what moves is ours and the price.
        habits = Habits(borrows=False, oracle=OracleRule(lag_s=0))
        world = staged(tmp_path, Recipe(path=str(prices)), Conduct(habits, delay_chance=0.0))
        made.append(world)
        found = world.__enter__()
        found.account = found.deployment.accounts["eth-short"]
        found.clock.stride = 60
        return found

    yield stage
    for world in made:
        world.__exit__(None, None, None)


async def test_a_short_opens_boosts_in_a_fall_reduces_in_a_rise_and_closes_to_dollars(
    stage_of, kind
):
    stage, stepwise = stage_of(SWINGS), kind == "sequential"
    settings = _settings(stage, kind)
    ends = []
    for count in (1, 2, 3):
        await stage.play(until=_completed(stage, count), stepwise=stepwise, **settings)
        ends.append(_leverage(stage.events(PlanCompleted)[-1].snapshot))
    stage.ask(RequestKind.UNWIND)
    await stage.play(until=_closed(stage), stepwise=stepwise, **settings)

    purposes = _carried_out(stage)
    # What the last purchase of a close in rounds bought beyond the debt is sold by a plan more.
    assert purposes == ["open", "boost", "reduce", "unwind"] + ["unwind"] * (kind != "atomic")
    assert all(abs(end - Decimal("2.2")) <= MILLIONTH for end in ends)
    truth = stage.truth()
    assert (truth.collateral, truth.debt) == (0, 0)
    assert truth.idle["WETH"] <= DUST_USD
    # 12 ether sold at 3,000 and bought back for 2,500, more sold there and bought at 2,800.
    assert truth.raw["USDC"] > EQUITY
    _check_nothing_odd(stage, kind)
    _check_profit_and_loss(stage)


async def test_a_short_rides_a_rally_that_liquidates_it_when_it_is_left_alone(stage_of):
    stage = stage_of(RALLY)
    found = await ride(stage, until=1_700_018_000, **_settings(stage, "atomic"))
    check_ridden(stage, found)
    assert {"open", "reduce"} <= {plan.purpose for plan in stage.events(PlanApproved)}
    assert found.equity_last < found.equity_first


async def test_the_same_short_left_alone_is_liquidated(stage_of):
    stage = stage_of(RALLY)
    found = await open_and_leave(stage, until=1_700_018_000, **_settings(stage, "atomic"))
    assert found.liquidated_at
    assert found.health_lowest < 1


def _settings(stage: Stage, kind: str) -> dict[str, Any]:
    if kind == "plain":
        stage.account = stage.deployment.roles.operator
        _swap_purse(stage)
    position = {
        "account": stage.account,
        "collateral": "USDC",
        "debt": "WETH",
        "agents": {"leverage_loop": BAND},
    }
    settings = {"positions": {POSITION: position}, "limits": LIMITS}
    return merged(STEPWISE if kind == "plain" else {}, settings)


def _swap_purse(stage: Stage) -> None:
    """Give the operator dollars for the ether it begins with."""
    chain, tokens, roles = stage.devnet.chain, stage.deployment.tokens, stage.deployment.roles
    operator, weth = roles.operator, tokens["WETH"].address
    held = chain.read(weth, "balanceOf(address)->(uint256)", operator)
    chain.send(operator, weth, "transfer(address,uint256)", roles.owner, held, gas=100_000)
    chain.send(operator, tokens["USDC"].address, "mint(uint256)", EQUITY, gas=200_000)
    stage.devnet.step()


def _check_nothing_odd(stage: Stage, kind: str) -> None:
    assert stage.events(StepMismatched, ExternalChanged, AlertRaised) == []
    # Where the market moved on between look and block the contract said so, and nothing else.
    assert {event.reason for event in stage.events(PlanAborted)} <= {"StateMoved"}
    mined = [event for event in stage.events(SlotIncluded) if event.succeeded]
    assert len(stage.events(StepVerified)) == len(mined)
    assert len(mined) == 4 if kind == "atomic" else len(mined) > 12
    if kind != "plain":
        assert set(stage.operator_hashes()) >= {event.tx_hash for event in mined}
        assert len(mined) == stage.truth().sequence


def _check_profit_and_loss(stage: Stage) -> None:
    """Every mark's lines add up to the balance change, in dollars, but for rounding."""
    marks = stage.events(PnlRecorded)
    for before, after in pairwise(marks):
        lines = dict(after.attribution)
        assert lines.pop("gas") <= 0  # paid by the key, not out of the position
        assert sum(lines.values()) == after.snapshot.equity - before.snapshot.equity - after.flow
        # One unit of each lent asset a leg and event; a wei of USDC is 100 units of a dollar.
        assert abs(lines["rounding"]) <= 5 * 100 + 10
    assert sum(mark.flow for mark in marks) == marks[0].flow  # nobody brought or took money
    assert marks[-1].snapshot.equity == pytest.approx(stage.truth().equity, abs=200)
    total = {line: sum(mark.attribution[line] for mark in marks) for line in marks[0].attribution}
    assert total["price"] > 0  # what it owed was cheaper to buy back
    assert total["supply_interest"] > 0 > total["borrow_interest"]
    assert total["swap_fees"] < 0


def _completed(stage: Stage, count: int):
    def completed(_) -> bool:
        return len(stage.events(PlanCompleted)) >= count or stage.devnet.driver.now >= OVER

    return completed


def _closed(stage: Stage):
    def closed(_) -> bool:
        over = stage.events(PlanCompleted, PlanAborted)
        ended = len(over) == len(stage.events(PlanApproved))
        truth = stage.truth()
        closed = ended and truth.debt == 0 and truth.idle["WETH"] <= DUST_USD
        return closed or stage.devnet.driver.now >= OVER

    return closed


def _carried_out(stage: Stage) -> list[str]:
    """Return the purposes of completed plans, in order."""
    purposes = {plan.plan_id: str(plan.purpose) for plan in stage.events(PlanApproved)}
    return [purposes[done.plan_id] for done in stage.events(PlanCompleted)]


def _leverage(snapshot: Snapshot) -> Decimal:
    """Return collateral over equity, from scaled balances and indexes alone."""
    price = snapshot.prices
    posted = snapshot.supplied.get("USDC", 0) * snapshot.supply_indexes["USDC"] // RAY
    owed = snapshot.owed.get("WETH", 0) * snapshot.borrow_indexes["WETH"] // RAY
    posted += snapshot.idle.get("USDC", 0)
    exposure = Decimal(posted) * price["USDC"] / 10**6
    equity = exposure + Decimal(snapshot.idle.get("WETH", 0) - owed) * price["WETH"] / 10**18
    return exposure / equity
