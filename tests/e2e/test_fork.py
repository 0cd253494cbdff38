"""A copy of a chain to try things on: what happens there stays there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.stage import POSITION, Stage

from leverd.adapters.sql_journal import SqlLedger
from leverd.bootstrap import rehearsing
from leverd.devnet.node import Node, NodeOptions
from leverd.devnet.rpc import Rpc
from leverd.domain.plan_events import PlanCompleted, StepVerified
from leverd.domain.slot_events import SlotIncluded
from leverd.settings import Settings

pytestmark = pytest.mark.chain

PATIENCE_S = 60


def sent_by_operator(stage: Stage) -> int:
    rpc = Rpc(stage.devnet.node.url)
    try:
        return int(
            rpc.ask("eth_getTransactionCount", stage.deployment.roles.operator, "latest"), 16
        )
    finally:
        rpc.close()


def _run_on_a_copy(world: Stage, tmp_path: Path, *arguments: str, **sections) -> SqlLedger:
    """Run the agent on a copy until it has done its first plan; return what it journaled."""
    journal = tmp_path / "copy" / "journal.db"
    files = world.files(journal={"path": str(journal)}, **sections)
    named = [part for file in files for part in ("-c", str(file))]
    command = [str(Path(sys.executable).with_name("run_agent")), "--mode", "fork"]
    agent = subprocess.Popen(
        [*command, "--speed", "12", *arguments, *named],
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    try:
        said = _until_it_holds(agent)
        agent.send_signal(signal.SIGTERM)
        rest, _ = agent.communicate(timeout=PATIENCE_S)
    finally:
        agent.kill()
    assert agent.returncode == 0, said + rest
    assert "a copy of 127.0.0.1 from block" in said
    return SqlLedger(journal)


def _until_it_holds(agent: subprocess.Popen[str]) -> str:
    assert agent.stdout is not None
    said = ""
    for line in agent.stdout:
        said += line
        if "decision=Hold" in line and "health=none" not in line:
            return said
    raise AssertionError(f"it never held a levered position:\n{said}")


def test_a_plan_is_rehearsed_and_nothing_of_it_is_real(owner, world):
    before, sent = world.truth(), sent_by_operator(world)
    (found,) = owner("plan", "--rehearse", "--json", mining=False).data["positions"]
    assert (found["purpose"], found["carried_out"], found["aborted"]) == ("open", True, "")
    assert [each["succeeded"] for each in found["transactions"]] == [True]
    held = {(each["kind"], each["token"]): each for each in found["balances"]}
    assert [int(held["idle", "WETH"][when]) for when in ("before", "after")] == [10**19, 0]
    assert int(held["owed", "USDC"]["before"]) == 0
    assert abs(int(held["owed", "USDC"]["after"]) - 45_000 * 10**6) < 100 * 10**6
    assert (world.truth(), sent_by_operator(world)) == (before, sent)
    assert not (world.folder / "journal.db").exists()


def test_a_rehearsal_shows_people_balances_before_and_after(owner):
    shown = owner("plan", "--rehearse", "--target", "2", mining=False)
    assert shown.code == 0
    assert "open, 1 of 1 transaction mined" in shown.out
    assert re.search(r"leverage +│ 1.0000 +│ (2.0000|1.9999)", shown.out)
    assert "ended early  no" in shown.out


@pytest.mark.parametrize("when", ["from the start", "in its midst"])
def test_a_copy_whose_source_forgets_says_so(owner, world, monkeypatch, when):
    """A full node keeps the states of some blocks; a copy asks for them as it needs them."""
    go_on = partial(world.devnet.node.rpc.ask, "anvil_mine", hex(300))
    if when == "from the start":
        start = Node.start.__func__

        def start_and_go_on(kind: type[Node], options: NodeOptions) -> Node:
            node: Node = start(kind, options)
            go_on()
            return node

        monkeypatch.setattr(Node, "start", classmethod(start_and_go_on))
    else:
        memory = rehearsing._memory

        async def go_on_and_remember(settings: Settings) -> Any:
            go_on()
            return await memory(settings)

        monkeypatch.setattr(rehearsing, "_memory", go_on_and_remember)
    answer = owner("plan", "--rehearse", mining=False)
    assert answer.code == 3, answer
    assert "LVD-NET-046  the copy from block " in answer.err
    assert "BlockOutOfRange" in answer.err, "in anvil's own words"
    assert "--rpc" in answer.err
    assert "Traceback" not in answer.err


def test_what_the_gate_denies_is_not_rehearsed(owner):
    shown = owner("plan", "--rehearse", "--target", "1", mining=False)
    assert shown.code == 0
    assert "there is no plan that may be carried out" in shown.out


def test_the_agent_runs_on_a_copy_with_a_journal_of_its_own(world, tmp_path):
    before, sent = world.truth(), sent_by_operator(world)
    ledger = _run_on_a_copy(world, tmp_path)
    kinds = [entry.event for entry in ledger.entries(limit=1000)]
    mined = [event for event in kinds if isinstance(event, SlotIncluded)]
    assert any(isinstance(event, PlanCompleted) for event in kinds)
    assert len([event for event in kinds if isinstance(event, StepVerified)]) == len(mined) == 1
    assert (world.truth(), sent_by_operator(world)) == (before, sent)


def test_a_position_without_an_account_gets_one_on_the_copy(world, tmp_path):
    none = {"positions": {POSITION: {"account": "none"}}}
    ledger = _run_on_a_copy(world, tmp_path, "--deposit", "10", **none)
    completed = [
        entry.event
        for entry in ledger.entries(limit=1000)
        if isinstance(entry.event, PlanCompleted)
    ]
    snapshot = completed[0].snapshot
    posted = Decimal(snapshot.supplied["WETH"]) * snapshot.supply_indexes["WETH"] / 10**45
    assert abs(posted - Decimal(25)) < Decimal("0.1")


def test_without_a_deposit_such_a_position_is_refused(owner):
    owner.sections = {"positions": {POSITION: {"account": "none"}}}
    refused = owner("run", "--mode", "fork", mining=False)
    assert (refused.code, "say --deposit" in refused.err) == (1, True)


def test_only_a_fork_is_told_where_to_copy_from(owner):
    refused = owner("run", "--rpc", "http://127.0.0.1:1", mining=False)
    assert (refused.code, "say --mode fork too" in refused.err) == (1, True)
    refused = owner("run", "--mode", "fork", "--deposit", "lots", mining=False)
    assert (refused.code, "lots is no amount" in refused.err) == (1, True)
