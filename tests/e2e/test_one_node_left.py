"""All nodes but one are gone or wrong while the price falls: risk goes down by the one left.

Three nodes are named and two must name one head before risk is raised. The price falls twice,
so far that a position left alone would be liquidated, and comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.e2e.stage import DUST_USD, Stage, staged
from tests.e2e.test_faults import bent, lying
from tests.evm.proxy import Fault, delayed, dropped, proxied, status

from leverd.bootstrap import daemon
from leverd.bootstrap.places import resolve
from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.domain.events import ExternalChanged
from leverd.domain.plan_events import PlanApproved, PlanCompleted, PlanDenied, StepMismatched
from leverd.domain.slot_events import SlotLost
from leverd.interfaces.requests import RequestKind

pytestmark = pytest.mark.chain

DEADLINE_S = 1.5  # a third of it is each node's
START = 1_700_000_000
DIE, FALL, CRASH, RISE, BACK, OVER, LATE = (
    START + 300 * number for number in (2, 3, 6, 9, 14, 30, 200)
)
PRICES = "ts,close\n" + "".join(
    f"{at},{price}\n"
    for at, price in [
        (START, 3000),
        (FALL, 3000),
        (FALL + 12, 2570),
        (CRASH, 2570),
        (CRASH + 12, 2150),
        (RISE, 2150),
        (RISE + 12, 2900),
        (START + 100_000, 2900),
    ]
)
SETTINGS: dict[str, Any] = {
    "chain": {"read_deadline_s": DEADLINE_S},
    "limits": {"sources_min": 2},
    "positions": {"eth-loop": {"agents": {"leverage_loop": {"wait_s_min": 60}}}},
}


def frozen() -> Fault:
    """Know no block beyond the first one that is told as the newest."""
    newest: list[Any] = []

    async def fault(_request, questions, answers):
        for question, answer in zip(questions, answers, strict=True):
            if question["method"] != "eth_getBlockByNumber":
                continue
            if question["params"][0] == "latest":
                newest.append(answer["result"])
                answer["result"] = newest[0]
            elif newest and int(answer["result"]["number"], 16) > int(newest[0]["number"], 16):
                answer["result"] = None

    return fault


GONE = {
    "dead": lambda: (status(503), dropped),
    "silent": lambda: (delayed(2 * DEADLINE_S), delayed(2 * DEADLINE_S)),
    "lying": lambda: (lying, bent),
    "one dead and one standing still": lambda: (dropped, frozen()),
}


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    prices = tmp_path / "prices.csv"
    prices.write_text(PRICES)
    conduct = Conduct(Habits(borrows=False, oracle=OracleRule(lag_s=0)), delay_chance=0.0)
    with staged(tmp_path, Recipe(path=str(prices)), conduct) as made:
        yield made


@asynccontextmanager
async def three_nodes(stage, monkeypatch):
    """Name three nodes, of which the last stays well; yield the others."""
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(proxied(stage.devnet.url)) for _ in range(3)]
        urls = tuple(node.url for node in nodes)
        monkeypatch.setattr(
            daemon, "resolve", lambda settings, **how: replace(resolve(settings, **how), rpc=urls)
        )
        yield nodes[:2]


async def play(stage, monkeypatch, faults, *, back_at, until, reduce=False, enough=None):
    """Run the agent to chain time `until`, two of its nodes gone from DIE to `back_at`.

    Sooner if it is `enough`; a machine under load takes a good node for a slow one meanwhile.
    """
    async with three_nodes(stage, monkeypatch) as others:
        asked = False

        def happen(block) -> None:
            nonlocal asked
            gone = DIE <= block.at < back_at
            for node, fault in zip(others, faults, strict=True):
                node.fault = fault if gone else None
            if reduce and gone and not asked:
                asked = True
                stage.ask(RequestKind.REDUCE)

        stage.clock.after_block = happen

        def over(_: Any) -> bool:
            return stage.devnet.driver.now >= until or (enough is not None and enough())

        await stage.play(until=over, **SETTINGS)
    assert all(node.requests > 5 for node in others)


@pytest.mark.parametrize("how", GONE)
async def test_one_node_is_enough_to_come_through_a_crash(stage, monkeypatch, how):
    await play(stage, monkeypatch, GONE[how](), back_at=OVER, until=BACK)

    _check_survived(stage)
    assert _purposes(stage)[0] == "open"
    assert len(_purposes(stage)) >= 3
    assert not set(_purposes(stage)[1:]) & {"open", "boost"}
    # The price came back, and nobody but this node says so.
    denied = stage.events(PlanDenied)
    assert any("too_few_sources" in reason for plan in denied for reason in plan.reasons)


async def test_it_takes_risk_again_once_the_others_are_back(stage, monkeypatch):
    def boosted() -> bool:
        return _purposes(stage)[-1:] == ["boost"]

    await play(stage, monkeypatch, GONE["dead"](), back_at=BACK, until=LATE, enough=boosted)

    _check_survived(stage)
    assert boosted()
    assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.02")


async def test_one_node_is_enough_while_reducing(stage, monkeypatch):
    await play(stage, monkeypatch, GONE["lying"](), back_at=OVER, until=BACK, reduce=True)

    _check_survived(stage)
    assert len(_purposes(stage)) >= 2
    assert set(_purposes(stage)[1:]) <= {"reduce", "deleverage"}


async def test_left_alone_it_is_liquidated(stage):
    await stage.play(seconds=DIE - stage.devnet.driver.now, **SETTINGS | {"limits": {}})
    stage.clock.walk_to(RISE)
    assert stage.account in _liquidated(stage)


def _liquidated(stage: Stage) -> set[str]:
    return {who for _, who in stage.clock.liquidated}


def _check_survived(stage: Stage) -> None:
    truth = stage.truth()
    assert stage.account not in _liquidated(stage)
    assert truth.debt > 0
    assert max(truth.idle.values()) <= DUST_USD
    assert truth.sequence == len(stage.events(PlanCompleted))
    assert stage.events(StepMismatched, ExternalChanged, SlotLost) == []


def _purposes(stage: Stage) -> list[str]:
    """Return what was carried out, in order."""
    purposes = {plan.plan_id: str(plan.purpose) for plan in stage.events(PlanApproved)}
    return [purposes[done.plan_id] for done in stage.events(PlanCompleted)]
