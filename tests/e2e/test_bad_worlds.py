"""Worlds that are not as they should be: an exit code, one clear screen, and nothing sent."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from tests.e2e.children import Nursery, moving, nursery
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.stage import POSITION, Stage
from tests.evm.proxy import dropped, proxied

from leverd.adapters.sql_journal import SqlJournal
from leverd.bootstrap.daemon import Opened
from leverd.domain.plan_events import StepMismatched
from leverd.interfaces.journal import Binding

__all__ = ["agents", "devnet", "stage"]

pytestmark = pytest.mark.chain

NOWHERE = "http://127.0.0.1:9"


def refused(stage: Stage, agents: Nursery, *words: str, arguments=(), files=None) -> int:
    """Return the exit code of an agent that does not start, after checking what it says."""
    child = agents.start(stage, files or stage.files(), arguments=list(arguments))
    code: int = child.ended()
    said = child.said()
    for word in words:
        assert word in said, said
    assert "Traceback" not in said
    assert len(said.splitlines()) < 30  # one screen
    assert stage.operator_hashes() == []
    assert len(stage.devnet.mempool) == 0
    return code


def test_a_node_that_is_down_is_waited_for_and_then_given_up(stage, agents):
    stage.announce(NOWHERE)
    code = refused(stage, agents, "waiting for the chain", "LVD-NET", arguments=["--wait", "3"])
    assert code == 3


def test_a_devnet_that_never_ran_is_said_with_the_way_to_start_it(stage, agents):
    (stage.folder / "endpoint.json").unlink()
    assert refused(stage, agents, "leverd devnet up", arguments=["--wait", "1"]) == 3


def test_a_node_that_comes_up_late_is_found(stage, agents):
    stage.announce(NOWHERE)
    with moving(stage):
        child = agents.start(stage, stage.files(), arguments=["--wait", "20"])
        child.wait_said("waiting for the chain")
        stage.announce(stage.devnet.url)
        child.wait_calm()
        assert child.stop() == 0
    assert stage.truth().sequence == 1


async def test_a_node_that_dies_later_and_returns_costs_nothing(stage):
    async with proxied(stage.devnet.url) as proxy:
        stage.announce(proxy.url)
        turns = 0

        def until(_: Opened) -> bool:
            nonlocal turns
            turns += 1
            proxy.fault = dropped if turns in {2, 3, 4, 9, 10} else None
            return bool(turns > 16)

        await stage.play(until=until)
    assert stage.truth().sequence == 1
    assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.0001")
    assert stage.events(StepMismatched) == []


def test_another_chain_than_the_settings_name_is_refused(stage, agents):
    record = json.loads((stage.folder / "deployment.json").read_text())
    (stage.folder / "deployment.json").write_text(json.dumps({**record, "chain_id": 1}))
    assert refused(stage, agents, "LVD-CHN", "chain 31337, not 1", "remedy") == 3


def test_no_code_at_the_account_is_refused(stage, agents):
    record = json.loads((stage.folder / "deployment.json").read_text())
    record["accounts"] = {POSITION: "0x" + "12" * 20}
    (stage.folder / "deployment.json").write_text(json.dumps(record))
    code = refused(stage, agents, "LVD-", "12" * 20)
    assert code != 0


def test_a_wrong_password_is_refused_without_repeating_it(stage, agents):
    (stage.folder / "operator.password").write_text("mistyped-secret\n")
    assert refused(stage, agents, "LVD-KEY", "password") == 2
    assert "mistyped-secret" not in (stage.folder / "output.log").read_text()


def test_a_journal_of_another_chain_is_refused_and_left_alone(stage, agents):
    journal = SqlJournal(stage.journal, stage.clock)
    journal.bind(Binding("devnet", 31337, "0x" + "ab" * 32))
    journal.close()
    assert refused(stage, agents, "LVD-JRN", "belongs to", "journal.path") == 5
    assert stage.events() == []


def test_a_second_daemon_on_the_journal_is_refused_with_the_firsts_pid(stage, agents):
    with moving(stage):
        first = agents.start(stage, stage.files())
        first.wait_calm()
        code, said = _second(stage, stage.files())
        assert first.stop() == 0
    assert code == 5
    assert f"process {first.pid}" in said
    assert len(stage.operator_hashes()) == 1


def test_a_second_daemon_with_the_key_is_refused_though_its_journal_is_another(stage, agents):
    with moving(stage):
        first = agents.start(stage, stage.files())
        first.wait_calm()
        elsewhere = stage.folder / "elsewhere" / "journal.db"
        code, said = _second(stage, stage.files(journal={"path": str(elsewhere)}))
        assert first.stop() == 0
    assert code == 5
    assert f"process {first.pid}" in said


def test_a_mistyped_key_is_named_with_its_line_and_the_nearest_right_one(stage, agents):
    own = stage.folder / "mistyped.yaml"
    own.write_text("limits:\n  leverage_max: 3\n  helth_min: 1.2\n")
    said = f"{own}:3"
    assert refused(stage, agents, said, "helth_min", "health_min", files=[*stage.files(), own]) == 2


def test_an_infeasible_wish_with_nothing_open_is_refused_with_the_numbers(stage, agents):
    section = {POSITION: {"agents": {"leverage_loop": {"target": 4.5, "repay_above": 4.8}}}}
    files = stage.files(positions=section, limits={"leverage_max": 5})
    assert refused(stage, agents, "LVD-FEA", "remedy", "set target", files=files) == 6


def _second(stage: Stage, files) -> tuple[int, str]:
    """Run another agent as a process of its own; return its exit code and what it says."""
    with nursery() as others:
        child = others.start(stage, files)
        return child.ended(), child.said()
