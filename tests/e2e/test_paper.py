"""Mode paper on a chain that is as real as any to it: it looks, and leaves no trace there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.e2e.children import moving, nursery
from tests.e2e.owner import BLOCK_S
from tests.e2e.stage import POSITION, Stage, staged
from tests.evm.proxy import proxied

from leverd.adapters.evm import keystore
from leverd.adapters.sql_journal import SqlJournal
from leverd.bootstrap import service
from leverd.bootstrap.daemon import Care
from leverd.cli.given import settings_of
from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.domain.events import (
    DaemonStarted,
    ExternalChanged,
    PnlRecorded,
    PositionAdopted,
    TradingStateChanged,
)
from leverd.domain.plan import Purpose
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.interfaces.requests import RequestKind

pytestmark = pytest.mark.chain

PAPER = {"deposit": 10, "gas": 2, "inclusion_blocks": 2}
NO_KEY = {"keystore": "/nowhere/operator.json", "password": {"file": "/nowhere/password"}}
READS = {
    "eth_blockNumber", "eth_call", "eth_chainId", "eth_feeHistory", "eth_getBalance",
    "eth_getBlockByHash", "eth_getBlockByNumber", "eth_getCode", "eth_getTransactionCount",
}  # fmt: skip
ETHER = 10**18
IN_A_FALL = {"drag_max": 1}
FALL = "ts,close\n1700000000,3000\n1700000480,3000\n1700001080,2550\n1700100000,2550\n"


def paper(**sections):
    return {"mode": "paper", "paper": PAPER, "key": NO_KEY, **sections}


@pytest.fixture
def falling(tmp_path) -> Iterator[Stage]:
    """A market that falls by 15 % within ten minutes, after eight of calm."""
    prices = tmp_path / "prices.csv"
    prices.write_text(FALL)
    conduct = Conduct(Habits(borrows=False, oracle=OracleRule(lag_s=0)), delay_chance=0.0)
    with staged(tmp_path, Recipe(path=str(prices)), conduct, speed=120.0) as made:
        yield made


def purposes(stage: Stage) -> list[str]:
    """Return what the plans that came to their end were for."""
    ended = {event.plan_id for event in stage.events(PlanCompleted)}
    return [each.purpose for each in stage.events(PlanApproved) if each.plan_id in ended]


def held(snapshot) -> tuple[dict[str, int], ...]:
    parts = snapshot.idle, snapshot.supplied, snapshot.owed
    return tuple({symbol: raw for symbol, raw in part.items() if raw} for part in parts)


async def test_every_call_is_a_read_and_none_names_an_address_of_ours(world, monkeypatch):
    for name in ("operator.json", "operator.password", "owner.json", "owner.password"):
        (world.folder / name).unlink()
    monkeypatch.setattr(keystore, "unlock", _never)
    monkeypatch.setattr(keystore, "account_of", _never)
    before, said = world.truth(), []
    async with proxied(world.devnet.url) as proxy:

        async def heard(_request, questions, _answers):
            said.extend(json.dumps(each).lower() for each in questions)

        proxy.fault = heard
        world.announce(proxy.url)
        await world.play(seconds=400, **paper())
        world.ask(RequestKind.UNWIND)
        await world.play(seconds=400, **paper())
    assert len(world.events(PlanCompleted)) == 2, "or there was nothing to send"
    assert set(proxy.methods) <= READS, set(proxy.methods) - READS
    roles = world.deployment.roles
    for address in (roles.operator, roles.owner, world.account):
        assert not any(address.lower().removeprefix("0x") in each for each in said)
    assert world.truth() == before
    assert world.operator_hashes() == []


async def test_paper_pays_what_the_market_would_have_taken(world):
    """The same opening, on paper and then for real: the same debt, nearly the same gas."""
    world.journal = world.folder / "paper.db"
    await world.play(seconds=400, **paper())
    on_paper, fees = world.events(PlanCompleted)[0].snapshot, world.events(SlotIncluded)[0]
    world.journal = world.folder / "journal.db"
    await world.play(seconds=400)
    really, paid = world.events(PlanCompleted)[0].snapshot, world.events(SlotIncluded)[0]
    assert on_paper.owed["USDC"] == pytest.approx(really.owed["USDC"], rel=1e-4)
    assert on_paper.supplied["WETH"] == pytest.approx(really.supplied["WETH"], rel=1e-4)
    assert on_paper.equity == pytest.approx(really.equity, rel=1e-4)
    assert fees.gas_used == pytest.approx(paid.gas_used, rel=0.2)
    assert fees.gas_price == pytest.approx(paid.gas_price, rel=0.5)
    assert len(world.events(StepVerified)) == 1


def test_killed_in_a_falling_market_it_goes_on_and_leaves_no_trace(falling):
    before = falling.truth()
    large = {**PAPER, "deposit": 50}  # for which the gas of a fall is no great matter
    files = falling.files(**paper(paper=large, limits=IN_A_FALL))
    with nursery() as agents, moving(falling) as market:
        child = born(market, agents, falling, files, die=("append", "after", 5))
        assert child.ended() == -signal.SIGKILL, child.said()[-2000:]
        assert falling.events(AttemptSigned), "the intent is durable, nothing else is"
        assert falling.events(SlotIncluded) == []
        child = born(market, agents, falling, files)
        child.wait_for(lambda: Purpose.DELEVERAGE in purposes(falling), "never deleveraged")
        os.kill(child.pid, signal.SIGKILL)
        assert child.ended() == -signal.SIGKILL
        left = falling.events(PlanCompleted, PnlRecorded)[-1].snapshot
        child = born(market, agents, falling, files)
        child.wait_calm()
        assert held(falling.events(PlanCompleted, PnlRecorded)[-1].snapshot) == held(left)
        falling.ask(RequestKind.UNWIND_NOW)  # gas is dear, and an ordinary one would wait
        child.wait_for(lambda: Purpose.UNWIND in purposes(falling), "never unwound")
        child.wait_calm()
        assert child.stop() == 0
    check_story(falling)
    assert replace(falling.truth(), idle={}) == replace(before, idle={}), "what is idle fell too"
    assert falling.operator_hashes() == []


def born(market, agents, stage, files, **order):
    """Start an agent while the market stands still: how fast that is depends on the machine."""
    with market.holding():
        child = agents.start(stage, files, **order)
        child.wait_born()
    return child


def check_story(stage: Stage) -> None:
    """Check that one position lived through it all, and every change of equity has its line."""
    assert len(stage.events(DaemonStarted)) == 3
    assert len(stage.events(PositionAdopted)) == 1
    assert stage.events(ExternalChanged, StepMismatched, TradingStateChanged) == []
    included = stage.events(SlotIncluded)
    assert [each.slot for each in included] == list(range(len(included))), "no nonce twice"
    assert len(stage.events(StepVerified)) == len([each for each in included if each.succeeded])
    reverted = {each.reason for each in included if not each.succeeded}
    assert {each.reason for each in stage.events(PlanAborted)} <= {"restarted", *reverted}
    first, *marks = stage.events(PnlRecorded)
    earned = sum(
        amount
        for each in marks
        for line, amount in each.attribution.items()
        if line != "gas"  # the purse pays it, outside the position
    )
    assert first.snapshot.equity + earned == marks[-1].snapshot.equity
    assert held(marks[-1].snapshot)[1:] == ({}, {})
    assert marks[-1].snapshot.equity < first.snapshot.equity


def test_the_commands_know_the_paper_position(owner, world):
    owner.sections = paper()
    world.speed = 12 / BLOCK_S  # looks keep pace with the blocks that go by meanwhile
    world.announce(world.devnet.url)
    assert owner("doctor", mining=False).code == 0
    assert owner("config", "check", mining=False).code == 0
    planned = owner("plan", "--json", mining=False).data
    assert planned["positions"][0]["plan"]["purpose"] == "open"
    asyncio.run(world.play(seconds=400, **paper()))
    for verb in ("status", "history", "positions"):
        shown = owner(verb, mining=False)
        assert (shown.code, POSITION in shown.out) == (0, True)
    for verb in ("pause", "resume", "reduce", "resume", "halt", "resume"):
        yes = ("--yes",) if verb == "halt" else ()
        assert owner(verb, POSITION, *yes, mining=False).code == 0
    unwound = owner("unwind", POSITION, "--yes", "--for", "7200")
    assert unwound.code == 0, unwound.err
    for section in (paper(), paper(paper={**PAPER, "deposit": 99})):
        owner.sections = section  # a deposit begins a position, and nothing afterwards
        (compared,) = owner("reconcile", "--json", mining=False).data
        assert compared["good"], compared
    (one,) = owner("positions", "--json", mining=False).data
    assert Decimal(one["equity"]) == pytest.approx(Decimal(30_000), rel=Decimal("0.01"))
    assert world.operator_hashes() == []


async def test_a_start_waits_for_a_node_that_is_behind_the_journal(world):
    await world.play(seconds=100, **paper())
    snapshot = world.events(PnlRecorded)[-1].snapshot
    later = replace(snapshot, block=world.devnet.driver.number + 2, block_hash="0xlater")
    journal = SqlJournal(world.journal, world.clock)
    journal.append_now(ExternalChanged(POSITION, "trade", {}, explained=True, snapshot=later))
    journal.close()
    settings = settings_of(world.files(**paper()))

    start = service.Start(wait_s=30)
    opened = await service.begun(settings, world.clock, start, asyncio.Event(), Care())  # it mines
    assert opened is not None
    seen = await opened.chain.venue.observe(opened.charter.mandates)
    assert seen.stamp.block > later.block
    await opened.close()


def _never(*_args, **_kwargs):
    raise AssertionError("a key was asked for")
