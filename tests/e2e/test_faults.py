"""A real node that errs in every way it can: the agent opens, repays, and ends where it would.

The story is always the same: the loop opens at 2.5x, the price falls by a seventh, the loop
repays back to 2.5x. What goes wrong between the agent and the chain differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web
from eth_account import Account
from tests.e2e.stage import DUST_USD, Stage, staged
from tests.evm.proxy import Fault, Proxy, body, delayed, dropped, mangled, proxied, status

from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.devnet.rpc import Rpc
from leverd.devnet.throwaway_keys import _KEYS
from leverd.domain.events import ExternalChanged
from leverd.domain.plan_events import PlanCompleted, StepMismatched, StepVerified
from leverd.domain.slot_events import AttemptSigned, SlotIncluded, SlotLost, SlotReorganised
from leverd.errors import NonsenseError
from leverd.interfaces.requests import RequestKind

pytestmark = pytest.mark.chain

SHARE = 0.15
"""Of all requests that a fault befalls."""

NEAR = Decimal("0.02")
"""How far from its target it may end: what is sent late is filled at another price."""

DEADLINE_S = 0.5
TURNS_MAX = 400
FALL_AT = 1_700_000_000 + 1_200
PRICES = f"ts,close\n1700000000,3000\n{FALL_AT},3000\n{FALL_AT + 12},2570\n1700100000,2570\n"
SETTINGS: dict[str, Any] = {
    "chain": {"read_deadline_s": DEADLINE_S},
    "positions": {"eth-loop": {"agents": {"leverage_loop": {"wait_s_min": 60}}}},
}


@contextmanager
def _market(folder: Path, *, delay_chance: float) -> Iterator[Stage]:
    prices = folder / "prices.csv"
    prices.write_text(PRICES)
    conduct = Conduct(Habits(borrows=False, oracle=OracleRule(lag_s=0)), delay_chance=delay_chance)
    with staged(folder, Recipe(path=str(prices)), conduct) as made:
        yield made


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    with _market(tmp_path, delay_chance=0.0) as made:
        yield made


@pytest.fixture
def slow(tmp_path) -> Iterator[Stage]:
    """A market where everything sent waits some blocks."""
    with _market(tmp_path, delay_chance=1.0) as made:
        yield made


def sometimes(fault: Fault, *, seed: int = 1, only: str = "") -> Fault:
    """Err on a seeded share of the requests, or on that of those that call method `only`."""
    dice = Random(f"fault:{seed}")

    async def falls(request, questions, answers):
        meant = not only or any(each["method"] == only for each in questions)
        if meant and dice.random() < (SHARE if not only else 0.6):
            return await fault(request, questions, answers)
        return None

    return falls


async def cut_short(_request, _questions, answers):
    whole = json.dumps(answers)
    return web.Response(text=whole[: len(whole) // 2], content_type="application/json")


async def bent(_request, _questions, answers):
    return web.Response(body=mangled(answers), content_type="application/json")


async def lying(_request, _questions, answers):
    """Answer other questions than were asked, with things that cannot be."""
    for answer in answers:
        answer["result"] = {"number": "-0x1", "hash": None, "timestamp": "soon"}


def stale() -> Fault:
    """Tell the head of some blocks ago as the newest."""
    heads: list[object] = []

    async def fault(_request, questions, answers):
        for question, answer in zip(questions, answers, strict=True):
            if question["method"] == "eth_getBlockByNumber" and question["params"][0] == "latest":
                heads.append(answer["result"])
                answer["result"] = heads[max(len(heads) - 4, 0)]

    return fault


FAULTS: dict[str, Callable[[], Fault]] = {
    "silence": lambda: sometimes(delayed(2 * DEADLINE_S)),
    "closed connections": lambda: sometimes(dropped),
    "too many requests": lambda: sometimes(status(429)),
    "server errors": lambda: sometimes(status(503)),
    "pages for people": lambda: sometimes(body("<html>be right back</html>")),
    "answers cut short": lambda: sometimes(cut_short),
    "a bit flipped": lambda: sometimes(bent),
    "lies": lambda: sometimes(lying),
    "a head that stands still": lambda: sometimes(stale()),
    "sends answered too late": lambda: sometimes(
        delayed(2 * DEADLINE_S), only="eth_sendRawTransaction"
    ),
    "sends that seem refused": lambda: sometimes(status(500), only="eth_sendRawTransaction"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_whatever_the_node_does_the_end_is_the_same(stage, name):
    async with proxied(stage.devnet.url) as proxy:
        stage.announce(proxy.url)
        await _play(stage, begun=lambda: _arm(proxy, FAULTS[name]()))
    assert proxy.requests > 20
    _check_end(stage)


ASTRAY = {"silent": delayed(2 * DEADLINE_S), "lying": lying}


@pytest.mark.parametrize("name", ASTRAY)
async def test_a_start_goes_on_with_a_node_that_errs_once_in_the_midst_of_its_checks(stage, name):
    erred = []

    async def once(request, questions, answers):
        if not erred and any(each["method"] == "eth_getCode" for each in questions):
            erred.append(questions)
            return await ASTRAY[name](request, questions, answers)
        return None

    async with proxied(stage.devnet.url) as proxy:
        stage.announce(proxy.url)
        proxy.fault = once
        await stage.play(until=lambda _: bool(stage.events(PlanCompleted)), **SETTINGS)
    assert len(erred) == 1
    assert abs(stage.truth().leverage - Decimal("2.5")) < NEAR


async def test_a_start_ends_at_what_never_makes_sense(stage):
    async def always(request, questions, answers):
        if any(each["method"] == "eth_getCode" for each in questions):
            await lying(request, questions, answers)

    async with proxied(stage.devnet.url) as proxy:
        stage.announce(proxy.url)
        proxy.fault = always
        with pytest.raises(NonsenseError, match="malformed answer"):
            await stage.play(**SETTINGS)


async def test_what_the_node_forgets_is_sent_again(slow):
    """Everything that waits is dropped, some times over."""
    drops = 6

    def forget(_block) -> None:
        nonlocal drops
        if drops and len(slow.devnet.mempool):
            slow.devnet.mempool._waiting.clear()
            drops -= 1

    slow.clock.after_block = forget
    await _play(slow)
    assert drops == 0
    _check_end(slow)


async def test_a_block_that_is_undone_is_done_again(stage):
    """The opening's block goes, with the transaction in it."""
    undone = []

    def undo(_block) -> None:
        if not undone and stage.events(SlotIncluded):
            rpc = Rpc(stage.devnet.node.url)
            mined = stage.events(SlotIncluded)[0]
            depth = int(rpc.ask("eth_blockNumber"), 16) - mined.block + 1
            rpc.ask("anvil_rollback", depth)
            rpc.close()
            stage.devnet.driver.resync()
            undone.append(mined.block_hash)

    stage.clock.after_block = undo
    await _play(stage)
    assert len(undone) == 1
    assert [event.block_hash for event in stage.events(SlotReorganised)] == undone
    assert stage.truth().debt > 0
    assert abs(stage.truth().leverage - Decimal("2.5")) < NEAR
    assert stage.events(StepMismatched) == []


async def test_a_nonce_used_elsewhere_stops_new_risk_until_a_human_resumes(slow):
    """Somebody with the same key spends the nonce that the opening waits for."""
    stolen = []

    def steal(_block) -> None:
        if not stolen and len(slow.devnet.mempool):
            slow.devnet.mempool._waiting.clear()
            stolen.append(_spend_a_nonce(slow))

    slow.clock.after_block = steal
    quiet_until = slow.devnet.driver.now + 600
    resumed = False

    def done(_opened) -> bool:
        nonlocal resumed
        if slow.devnet.driver.now < quiet_until:
            assert slow.truth().debt == 0, "REDUCING: nothing is opened"
        elif not resumed:
            slow.ask(RequestKind.RESUME)
            resumed = True
        return bool(slow.events(PlanCompleted))

    await slow.play(until=done, **SETTINGS)
    assert resumed
    assert len(stolen) == len(slow.events(SlotLost)) == 1
    assert abs(slow.truth().leverage - Decimal("2.5")) < NEAR
    assert slow.events(StepMismatched) == []


def _arm(proxy: Proxy, fault: Fault) -> None:
    proxy.fault = fault


async def _play(stage: Stage, *, begun: Callable[[], None] = lambda: None) -> None:
    """Let the agent open and repay; `begun` is called once its start is over."""
    turns = 0

    def done(opened) -> bool:
        nonlocal turns
        turns += 1
        assert turns < TURNS_MAX, "it never came to its end"
        past = stage.devnet.driver.now > FALL_AT + 120
        settled = not opened.daemon._world.executor.open_slots
        return past and settled and len(stage.events(PlanCompleted)) >= 2

    await stage.play(until=done, begun=begun, **SETTINGS)


def _spend_a_nonce(stage: Stage) -> str:
    rpc = Rpc(stage.devnet.node.url)
    key = Account.from_key(_KEYS["operator"])
    nonce = int(rpc.ask("eth_getTransactionCount", key.address, "latest"), 16)
    signed = key.sign_transaction(
        {"to": key.address, "value": 0, "nonce": nonce, "gas": 21_000, "chainId": 31337,
         "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 10**9}
    )  # fmt: skip
    try:
        return str(rpc.ask("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex()))
    finally:
        rpc.close()


def _check_end(stage: Stage) -> None:
    """Check that it ended where it would have without any fault, each thing done once."""
    truth, mined = stage.truth(), stage.events(SlotIncluded)
    assert abs(truth.leverage - Decimal("2.5")) < NEAR
    assert max(truth.idle.values()) <= DUST_USD
    acts = [event for event in mined if event.succeeded and event.gas_used > 21_000]
    assert len(stage.events(StepVerified)) == len(acts) == truth.sequence == 2
    assert {event.tx_hash for event in mined} <= {
        event.tx_hash for event in stage.events(AttemptSigned)
    }
    assert stage.events(StepMismatched, ExternalChanged, SlotLost) == []
