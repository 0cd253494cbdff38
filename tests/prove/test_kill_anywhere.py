"""Killed at every write, signature, send and look of every flow: nothing lost or doubled.

Each flow is run once to count the calls it makes; then the process is killed before and after
each of them, some killed again while they recover, and a process that is left alone ends it.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.e2e.children import Child, Nursery, moving, nursery
from tests.e2e.nursery import POINTS
from tests.e2e.stage import DUST_USD, POSITION, STEPWISE, Stage, merged
from tests.prove.tally import tell

from leverd.devnet.devnet import Conduct, Devnet
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.domain.events import ExternalChanged
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.slot_events import AttemptSigned, SlotIncluded, SlotLost
from leverd.interfaces.requests import RequestKind

pytestmark = pytest.mark.chain

SPEED = 240.0  # chain seconds a wall second: what the daemon reckons with
BLOCK_S = 0.05  # wall seconds
START = 1_700_000_000
RISE_AT = START + 7_200
PRICES = f"ts,close\n{START},3000\n{RISE_AT},3000\n{RISE_AT + 12},3300\n1800000000,3300\n"
LOOSE = {"drag_max": 1, "cost_share_max": 0.05}
POINTS_KILLED = ("append", "sign", "send", "look", "fills", "observe")
AGAIN_SHARE = 0.4
"""Of all kills, those after which the recovery is killed as well."""

TERM_SHARE = 0.2
"""Of all first signals, those that ask (SIGTERM) where the others do not (SIGKILL)."""

Death = tuple[str, str, int, int]
"""Point, before or after, which of its calls, signal."""


def loop(**params: Any) -> dict[str, Any]:
    """Return a position's agents: the loop with these parameters, in no hurry."""
    usual = {"target": 2.5, "boost_below": 2.0, "repay_above": 3.0, "wait_s_min": 1}
    return {"leverage_loop": {**usual, **params}}


@dataclass(frozen=True)
class Flow:
    """Something the agent does, from where it is due to where it is done."""

    name: str
    agents: Mapping[str, Any]
    ends: Callable[[Stage], bool]
    opened: bool = True  # it begins with a levered position
    risen: bool = False  # it begins after the price rose
    asks: RequestKind | None = None


def at(leverage: str) -> Callable[[Stage], bool]:
    """Return whether the position ends there or lower.

    A sequence cut off half-way may end anywhere in the band: nothing is due there any more.
    """
    return lambda stage: stage.truth().leverage <= Decimal(leverage) + Decimal("0.001")


def closed(stage: Stage) -> bool:
    return stage.truth().debt == 0 and stage.truth().collateral == 0


SCALED = {"take_profit": [{"price": 3200, "share": 0.4}]}
FLOWS = (
    Flow("open", loop(), at("2.5"), opened=False),
    Flow("boost", loop(target=2.8, boost_below=2.6), at("2.8")),
    Flow("repay", loop(target=2.0, boost_below=1.5, repay_above=2.3), at("2.3")),
    Flow("scale-out", {**loop(boost_below=1.2), "orders": SCALED}, at("1.6"), risen=True),
    Flow("close", loop(), closed, asks=RequestKind.UNWIND),
)


@pytest.fixture(scope="module")
def agents() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture(scope="module")
def devnet(tmp_path_factory) -> Iterator[Devnet]:
    prices = tmp_path_factory.mktemp("path") / "prices.csv"
    prices.write_text(PRICES)
    habits = Habits(borrows=False, oracle=OracleRule(lag_s=0))
    made = Devnet.begin(Recipe(seed=2, path=str(prices)), Conduct(habits))
    yield made
    made.stop()


@dataclass
class Scene:
    """A flow that is due, to be played again and again."""

    flow: Flow
    stepwise: bool
    devnet: Devnet
    agents: Nursery
    folder: Path
    snapshot: str = ""
    plays: int = 0
    stage: Stage = field(init=False)

    def __post_init__(self) -> None:
        self.first = self.devnet.node.rpc.ask("evm_snapshot")
        self.stage = Stage(self.devnet, self._folder("prepared"), speed=SPEED)
        self.prepared = self.stage.folder
        if self.flow.opened:
            self._open()
        if self.flow.risen:
            while self.devnet.driver.now < RISE_AT + 120:
                self.devnet.step(60)
        self.snapshot = self.devnet.node.rpc.ask("evm_snapshot")

    def close(self) -> None:
        """Leave the market as it was."""
        self.devnet.mempool._waiting.clear()
        assert self.devnet.node.rpc.ask("evm_revert", self.first)
        self.devnet.driver.resync()

    def play(self, deaths: list[Death], tally: str = "") -> int:
        """Play the flow with these deaths on its way; return how many came about."""
        self._set_back()
        if self.flow.asks:
            self.stage.ask(self.flow.asks)
        files, kills = self._files(), 0
        with moving(self.stage, block_s=BLOCK_S):
            for death in deaths:
                child = self._start(files, die=death)
                kills += self._died(child)
            last = self._start(files, tally=tally) if tally else self._start(files)
            last.wait_calm()
            assert last.stop() == 0, last.said()[-2000:]
        check(self.stage)
        assert self.flow.ends(self.stage), self.stage.truth()
        return kills

    def _died(self, child: Child) -> int:
        ended = child.wait_calm_or_end()
        if ended is None:  # the point lies beyond what there was to do
            assert child.stop() in {0, -signal.SIGKILL}
            return 0
        assert ended in {0, -signal.SIGKILL}, child.said()[-2000:]
        return 1

    def _open(self) -> None:
        with moving(self.stage, block_s=BLOCK_S):
            agents = {**self.flow.agents, **loop(boost_below=1.2, repay_above=3.5)}
            child = self._start(self._files(agents), stepwise=False)
            child.wait_calm()
            assert child.stop() == 0
        assert abs(self.stage.truth().leverage - Decimal("2.5")) < Decimal("0.001")

    def _set_back(self) -> None:
        """Have the market and the journal as they were when the flow became due."""
        rpc = self.devnet.node.rpc
        self.devnet.mempool._waiting.clear()
        assert rpc.ask("evm_revert", self.snapshot)
        self.snapshot = rpc.ask("evm_snapshot")
        self.devnet.driver.resync()
        if self.plays:
            shutil.rmtree(self.stage.folder)
        self.plays += 1
        shutil.copytree(self.prepared, folder := self.folder / f"play-{self.plays}")
        self.stage = Stage(self.devnet, folder, speed=SPEED)

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _files(self, agents: Mapping[str, Any] | None = None) -> list[Path]:
        chosen = {**(agents or self.flow.agents), "guardian": {}}
        sections = {"limits": LOOSE, "positions": {POSITION: {"agents": chosen}}}
        return self.stage.files(**merged(STEPWISE if self.stepwise else {}, sections))

    def _start(self, files: list[Path], **order: Any) -> Child:
        return self.agents.start(self.stage, files, **{"stepwise": self.stepwise, **order})


@pytest.mark.parametrize("stepwise", [False, True], ids=["atomic", "sequential"])
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_one_kill_in_each_flow_loses_and_doubles_nothing(flow, stepwise, devnet, agents, tmp_path):
    _kill(Scene(flow, stepwise, devnet, agents, tmp_path), most=1)


@pytest.mark.prove
@pytest.mark.parametrize("stepwise", [False, True], ids=["atomic", "sequential"])
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_killed_anywhere(flow, stepwise, devnet, agents, tmp_path):
    most = int(os.environ.get("LEVERD_PROVE_KILLS", "110"))
    _kill(Scene(flow, stepwise, devnet, agents, tmp_path), most=most)


def _kill(scene: Scene, *, most: int) -> None:
    """Kill at `most` of the places there are, at the least once each where there are fewer."""
    seed = f"{scene.flow.name}:{scene.stepwise}"
    dice, kills = Random(seed), 0
    try:
        counted = scene.folder / "calls"
        scene.play([], tally=str(counted))
        places = _places(counted.read_text().split())
        dice.shuffle(places)
        while kills < most:
            for place in places:
                kills += scene.play(_deaths(place, dice))
                if kills >= most:
                    break
    finally:
        scene.close()
    steps = "one by one" if scene.stepwise else "at once"
    tell("kills", flow=scene.flow.name, steps=steps, kills=kills, places=len(places), seed=seed)


def _places(calls: list[str]) -> list[tuple[str, str, int]]:
    return [
        (point, when, nth)
        for point in POINTS_KILLED
        for nth in range(1, calls.count(point) + 1)
        for when in ("before", "after")
    ]


def _deaths(place: tuple[str, str, int], dice: Random) -> list[Death]:
    number = signal.SIGTERM if dice.random() < TERM_SHARE else signal.SIGKILL
    deaths: list[Death] = [(*place, number)]
    while len(deaths) < 3 and dice.random() < AGAIN_SHARE:
        point = dice.choice(("append", "look", "send", "fills", "recover", "observe"))
        again = (point, dice.choice(("before", "after")), dice.randint(1, 3), signal.SIGKILL)
        deaths.append(again)
    return deaths


def check(stage: Stage) -> None:
    """Check that chain and journal tell one story, and that nothing lies idle."""
    truth = stage.truth()
    signed = [event.tx_hash for event in stage.events(AttemptSigned)]
    mined = stage.events(SlotIncluded)
    assert len(set(signed)) == len(signed)
    assert [event.tx_hash for event in mined] == stage.operator_hashes()
    assert {event.tx_hash for event in mined} <= set(signed)
    acts = [event for event in mined if event.succeeded and event.gas_used > 21_000]
    assert len(stage.events(StepVerified)) == len(acts) == truth.sequence
    assert stage.events(StepMismatched, ExternalChanged, SlotLost) == []
    ended = [event.plan_id for event in stage.events(PlanCompleted, PlanAborted)]
    assert len(ended) == len(set(ended))
    assert {event.plan_id for event in stage.events(PlanApproved)} == set(ended)
    assert truth.idle["USDC"] <= DUST_USD
    assert truth.idle["WETH"] <= DUST_USD or truth.debt == 0


def test_every_point_that_is_killed_is_one_there_is():
    assert set(POINTS_KILLED) <= set(POINTS)
