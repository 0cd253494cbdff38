"""SIGKILL at every kind of line of a running agent: nothing lost, nothing doubled."""

from __future__ import annotations

import signal
from decimal import Decimal
from pathlib import Path

import pytest
from tests.e2e.children import Child, Market, Nursery, moving
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.stage import DUST_USD, STEPWISE, Stage, merged

from leverd.domain.events import ExternalChanged, PnlRecorded, TradingStateChanged
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepAccepted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.slot_events import AttemptSigned, SlotIncluded, SlotLost

__all__ = ["agents", "devnet", "stage"]  # fixtures, shared with test_stop and test_bad_worlds

pytestmark = pytest.mark.chain

# (call, before or after it, which of them): the numbers fall on each line of an opening plan.
ATOMIC = [
    ("append", "before", 3),
    ("append", "after", 4),  # the intent is durable, nothing is sent
    ("send", "before", 1),
    ("send", "after", 1),
    ("look", "after", 1),
    ("fills", "before", 1),
    ("append", "before", 5),  # mined and seen, not journaled
    ("append", "after", 5),
]
IN_STEPS = [
    ("send", "before", 2),
    ("send", "after", 3),
    ("fills", "after", 4),
    ("append", "after", 9),
]


@pytest.mark.parametrize("die", ATOMIC, ids=lambda die: "-".join(map(str, die)))
def test_an_opening_killed_anywhere_is_finished_once(stage, agents, die):
    _kill_and_finish(stage, agents, [die])
    assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.0001")


@pytest.mark.parametrize("die", IN_STEPS, ids=lambda die: "-".join(map(str, die)))
def test_a_sequence_killed_half_way_leaves_nothing_idle(stage, agents, die):
    _kill_and_finish(stage, agents, [die], stepwise=True)


@pytest.mark.parametrize("again", [("recover", "after", 1), ("append", "after", 1)],
                         ids=lambda die: "-".join(map(str, die)))  # fmt: skip
def test_killed_in_recovery_it_recovers_from_that(stage, agents, again):
    _kill_and_finish(stage, agents, [("append", "after", 4), again, again])


@pytest.mark.parametrize("stepwise", [False, True], ids=["atomic", "sequential"])
def test_mined_while_down_for_longer_than_any_node_remembers(stage, agents, stepwise):
    """Nodes keep the states of some minutes: what was done then is known by its receipt."""
    files = _files(stage, stepwise=stepwise)
    with moving(stage) as market:
        die = ("send", "after", 2 if stepwise else 1)
        child = _born(market, agents, stage, files, die=die, stepwise=stepwise)
        assert child.ended() == -signal.SIGKILL, child.said()[-2000:]
        with market.holding():
            for _ in range(80):
                stage.devnet.step()
        last = _born(market, agents, stage, files, stepwise=stepwise)
        last.wait_calm()
        assert last.stop() == 0
    assert "going by its receipt" in last.said()
    assert stage.events(TradingStateChanged, StepAccepted) == [], "ACTIVE, and all of it verified"
    proofs = [event.proof for event in stage.events(StepVerified)]
    assert "receipt" in proofs
    check_profit_adds_up(stage)
    check_nothing_lost_nothing_doubled(stage)
    if not stepwise:  # a sequence cut off half-way is tidied, and tried again after its wait
        assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.0001")


def _files(stage: Stage, *, stepwise: bool) -> list[Path]:
    dear = {"limits": {"drag_max": 1, "cost_share_max": 0.05}}
    return stage.files(**merged(STEPWISE if stepwise else {}, dear))


def _born(market: Market, agents: Nursery, stage: Stage, files: list[Path], **order) -> Child:
    """Start an agent while the market stands still: how fast a start is depends on the machine.

    What it finds would otherwise lie further back than the 64 blocks whose state the node keeps.
    """
    with market.holding():
        child = agents.start(stage, files, **order)
        child.wait_born()
    return child


def _kill_and_finish(stage: Stage, agents: Nursery, deaths, *, stepwise: bool = False) -> None:
    files = _files(stage, stepwise=stepwise)
    with moving(stage) as market:
        for die in deaths:
            child = _born(market, agents, stage, files, die=die, stepwise=stepwise)
            assert child.ended() == -signal.SIGKILL, child.said()[-2000:]
        last = _born(market, agents, stage, files, stepwise=stepwise)
        last.wait_calm()
        assert last.stop() == 0
    check_nothing_lost_nothing_doubled(stage)


def check_profit_adds_up(stage: Stage) -> None:
    """Check that every change of equity has its line, and that nobody is said to have paid in."""
    first, *marks = stage.events(PnlRecorded)
    assert marks, "or nothing is checked"
    earned = sum(
        amount
        for each in marks
        for line, amount in each.attribution.items()
        if line != "gas"  # the signing key pays it, outside the position
    )
    assert first.snapshot.equity + earned == marks[-1].snapshot.equity
    assert [each.flow for each in marks if each.flow] == []


def check_nothing_lost_nothing_doubled(stage: Stage, most: str = "2.5001") -> None:
    """Check journal against chain, and that leverage is at `most` that: interest of the blocks."""
    truth = stage.truth()
    signed = [event.tx_hash for event in stage.events(AttemptSigned)]
    mined = stage.events(SlotIncluded)
    assert len(set(signed)) == len(signed)
    assert [event.tx_hash for event in mined] == stage.operator_hashes()
    assert {event.tx_hash for event in mined} <= set(signed)
    acts = [event for event in mined if event.succeeded]
    assert len(stage.events(StepVerified)) == len(acts) == truth.sequence
    assert stage.events(StepMismatched, ExternalChanged, SlotLost) == []
    ended = {event.plan_id for event in stage.events(PlanCompleted, PlanAborted)}
    assert {event.plan_id for event in stage.events(PlanApproved)} == ended
    assert truth.leverage <= Decimal(most)
    assert max(truth.idle.values()) <= DUST_USD or truth.debt == 0
