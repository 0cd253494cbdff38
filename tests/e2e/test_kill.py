"""SIGKILL at every kind of line of a running agent: nothing lost, nothing doubled."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from decimal import Decimal

import pytest
from tests.e2e.children import Nursery, moving, nursery
from tests.e2e.stage import DUST_USD, Stage, staged

from leverd.devnet.devnet import Conduct, Devnet
from leverd.devnet.driver import Habits
from leverd.devnet.recipe import Recipe
from leverd.domain.events import (
    AttemptSigned,
    ExternalChanged,
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    SlotIncluded,
    SlotLost,
    StepMismatched,
    StepVerified,
)

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
STEPWISE = [
    ("send", "before", 2),
    ("send", "after", 3),
    ("fills", "after", 4),
    ("append", "after", 9),
]


@pytest.fixture(scope="module")
def agents() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture(scope="module")
def devnet(tmp_path_factory) -> Iterator[Devnet]:
    flat = tmp_path_factory.mktemp("path") / "flat.csv"
    flat.write_text("ts,close\n1700000000,3000\n1800000000,3000\n")
    recipe = Recipe(seed=2, path=str(flat))
    made = Devnet.begin(recipe, Conduct(Habits(borrows=False)))
    yield made
    made.stop()


@pytest.fixture
def stage(devnet, tmp_path) -> Iterator[Stage]:
    """Yield the market as it opens, with a new journal; set it back afterwards."""
    snapshot = devnet.node.rpc.ask("evm_snapshot")
    yield Stage(devnet, tmp_path, speed=120.0)
    devnet.mempool._waiting.clear()
    assert devnet.node.rpc.ask("evm_revert", snapshot)
    devnet.driver.resync()


@pytest.mark.parametrize("die", ATOMIC, ids=lambda die: "-".join(map(str, die)))
def test_an_opening_killed_anywhere_is_finished_once(stage, agents, die):
    _kill_and_finish(stage, agents, [die])
    assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.0001")


@pytest.mark.parametrize("die", STEPWISE, ids=lambda die: "-".join(map(str, die)))
def test_a_sequence_killed_half_way_leaves_nothing_idle(stage, agents, die):
    _kill_and_finish(stage, agents, [die], stepwise=True)


@pytest.mark.parametrize("again", [("recover", "after", 1), ("append", "after", 1)],
                         ids=lambda die: "-".join(map(str, die)))  # fmt: skip
def test_killed_in_recovery_it_recovers_from_that(stage, agents, again):
    _kill_and_finish(stage, agents, [("append", "after", 4), again, again])


def _kill_and_finish(stage: Stage, agents: Nursery, deaths, *, stepwise: bool = False) -> None:
    files = stage.files(limits={"drag_max": 1, "cost_share_max": 0.05})
    with moving(stage):
        for die in deaths:
            child = agents.start(stage, files, die=die, stepwise=stepwise)
            assert child.ended() == -signal.SIGKILL, child.said()[-2000:]
        last = agents.start(stage, files, stepwise=stepwise)
        last.wait_calm()
        assert last.stop() == 0
    check_nothing_lost_nothing_doubled(stage)


def check_nothing_lost_nothing_doubled(stage: Stage) -> None:
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
    assert truth.leverage <= Decimal("2.500001")
    assert max(truth.idle.values()) <= DUST_USD or truth.debt == 0
