"""The loop on real contracts: open, boost, repay, close; in one transaction and step by step."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.e2e.stage import DUST_USD, POSITION, STEPWISE, Stage, merged, staged

from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.domain.events import AlertRaised, DecisionTaken, ExternalChanged, PnlRecorded
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
PURPOSES = ["open", "boost", "reduce", "unwind"]

# Calm, a rise that takes leverage below its band, a fall that takes it above, calm again.
PRICES = """ts,close
1700000000,3000
1700000900,3000
1700000912,3600
1700004000,3600
1700004012,3300
"""

# Steps of their own cost several times the gas: what they may cost has to be said.
DEAR = {"limits": {"drag_max": 1, "cost_share_max": 0.05}}


@pytest.fixture(params=["atomic", "sequential", "plain"])
def kind(request) -> str:
    """Return how the account acts: at once, in single steps, or as a plain address."""
    return str(request.param)


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    prices = tmp_path / "prices.csv"
    prices.write_text(PRICES)
    # A market without strangers: what moves is ours and the price.
    habits = Habits(borrows=False, oracle=OracleRule(lag_s=0))
    with staged(tmp_path, Recipe(path=str(prices)), Conduct(habits, delay_chance=0.0)) as made:
        made.clock.stride = 60
        yield made


async def test_open_boost_repay_and_close_end_where_they_were_planned_to(stage, kind):
    settings, stepwise = _settings(stage, kind), kind == "sequential"
    targets = []
    for count in (1, 2, 3):
        await stage.play(until=_completed(stage, count), stepwise=stepwise, **settings)
        targets.append(_leverage(stage.events(PlanCompleted)[-1].snapshot))
    stage.ask(RequestKind.UNWIND)
    await stage.play(until=_closed(stage), stepwise=stepwise, **settings)

    purposes = [plan.purpose for plan in stage.events(PlanApproved)]
    # What the last purchase of a close in rounds bought beyond the debt is sold by a plan more.
    assert purposes == PURPOSES + ["unwind"] * (kind != "atomic")
    planned = [Decimal(event.target) for event in stage.events(DecisionTaken) if event.target][:3]
    assert all(abs(end - goal) <= MILLIONTH for end, goal in zip(targets, planned, strict=True))
    truth = stage.truth()
    assert (truth.collateral, truth.debt) == (0, 0)
    assert truth.idle["USDC"] <= DUST_USD
    assert truth.idle["WETH"] > 29_000 * 10**8
    _check_nothing_odd(stage, kind)
    _check_profit_and_loss(stage)


def _settings(stage: Stage, kind: str) -> dict[str, Any]:
    position: dict[str, Any] = {"agents": {"leverage_loop": {"wait_s_min": 60}}}
    if kind == "plain":
        stage.account = position["account"] = stage.deployment.roles.operator
    settings = {"positions": {POSITION: position}}
    return settings if kind == "atomic" else merged(merged(STEPWISE, DEAR), settings)


def _check_nothing_odd(stage: Stage, kind: str) -> None:
    assert stage.events(StepMismatched, ExternalChanged, PlanAborted, AlertRaised) == []
    mined = stage.events(SlotIncluded)
    assert all(event.succeeded for event in mined)
    assert len(stage.events(StepVerified)) == len(mined)
    assert len(mined) == 4 if kind == "atomic" else len(mined) > 12
    assert [event.tx_hash for event in mined] == stage.operator_hashes()
    if kind != "plain":
        assert len(mined) == stage.truth().sequence


def _check_profit_and_loss(stage: Stage) -> None:
    """Every mark's lines add up to the balance change, and gas to what the key paid."""
    marks = stage.events(PnlRecorded)
    for before, after in pairwise(marks):
        lines = dict(after.attribution)
        gas = lines.pop("gas")  # paid by the key, not out of the position
        assert gas <= 0
        assert sum(lines.values()) == after.snapshot.equity - before.snapshot.equity - after.flow
        # One unit of each lent asset a leg and event; a wei of USDC is 100 units of a dollar.
        assert abs(lines["rounding"]) <= 5 * 100 + 10
    assert sum(mark.flow for mark in marks) == marks[0].flow  # nobody brought or took money
    assert marks[-1].snapshot.equity == pytest.approx(stage.truth().equity, abs=200)
    spent = [event.gas_used * event.gas_price * _price(stage, event) for event in
             stage.events(SlotIncluded)]  # fmt: skip
    told = -sum(mark.attribution["gas"] for mark in marks)
    assert told == pytest.approx(sum(spent) / 10**18, abs=len(spent) + 1)


def _price(stage: Stage, mined: SlotIncluded) -> int:
    verified = {event.tx_hash: event.snapshot for event in stage.events(StepVerified)}
    return int(verified[mined.tx_hash].prices["WETH"])


def _completed(stage: Stage, count: int):
    return lambda _: len(stage.events(PlanCompleted)) >= count


def _closed(stage: Stage):
    def closed(_) -> bool:
        ended = len(stage.events(PlanCompleted)) == len(stage.events(PlanApproved))
        return ended and stage.truth().debt == 0 and stage.truth().idle["USDC"] <= DUST_USD

    return closed


def _leverage(snapshot: Snapshot) -> Decimal:
    """Return exposure over equity, from scaled balances and indexes alone."""
    price = snapshot.prices
    posted = snapshot.supplied.get("WETH", 0) * snapshot.supply_indexes["WETH"] // RAY
    owed = snapshot.owed.get("USDC", 0) * snapshot.borrow_indexes["USDC"] // RAY
    exposure = Decimal(posted + snapshot.idle.get("WETH", 0)) * price["WETH"] / 10**18
    equity = exposure + Decimal(snapshot.idle.get("USDC", 0) - owed) * price["USDC"] / 10**6
    return exposure / equity
