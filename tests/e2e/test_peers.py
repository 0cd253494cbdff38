"""How other tools lose money or sleep, one test each: leverd does not.

Each name says what happened elsewhere; the docstring says to whom it may happen.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from tests.e2e.children import moving
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.stage import Stage
from tests.e2e.test_kill import check_nothing_lost_nothing_doubled
from tests.evm.proxy import delayed, proxied
from tests.limits import TIMING, limits
from tests.worlds import GWEI, at_leverage, view

from leverd.adapters.sql_journal import Heartbeat
from leverd.agents.guardian import Guardian, Params
from leverd.devnet.throwaway_keys import _KEYS
from leverd.domain.events import PositionAdopted
from leverd.domain.plan_events import PlanApproved, StepVerified
from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.domain.view import Gas
from leverd.engine.turn import Seat, turn
from leverd.risk.gate import Approved

__all__ = ["agents", "devnet", "stage"]

pytestmark = pytest.mark.chain

AT_TARGET = Decimal("0.0001")
CUTS = 12


def _at_target(stage: Stage) -> bool:
    return abs(stage.truth().leverage - Decimal("2.5")) < AT_TARGET


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_while_a_transaction_is_in_flight(stage, agents, number):
    """Lost it, and opened the position twice after the restart."""
    with moving(stage):
        first = agents.start(stage, stage.files(), die=("send", "after", 1, number))
        if number is signal.SIGHUP:  # it asks for the settings again, and goes on
            first.wait_calm()
            assert first.stop() == 0
        else:
            assert first.ended() in {0, -signal.SIGKILL}
        again = agents.start(stage, stage.files())
        again.wait_calm()
        assert again.stop() == 0
    assert _at_target(stage)
    check_nothing_lost_nothing_doubled(stage)


def test_a_transaction_mined_while_it_was_down(stage, agents):
    """Could not be restarted: that case was never written."""
    child = agents.start(stage, stage.files(), die=("send", "after", 1))
    assert child.ended() == -signal.SIGKILL
    for _ in range(5):
        stage.devnet.step()
    assert stage.truth().sequence == 1
    assert stage.events(SlotIncluded) == []
    with moving(stage):
        again = agents.start(stage, stage.files())
        again.wait_calm()
        assert again.stop() == 0
    assert len(stage.events(AttemptSigned)) == len(stage.events(StepVerified)) == 1
    check_nothing_lost_nothing_doubled(stage)


def test_a_nonce_that_is_too_low(stage, agents):
    """Died for good on the node's "nonce too low": the same bytes were sent once more."""
    child = agents.start(stage, stage.files(), die=("send", "before", 1))
    assert child.ended() == -signal.SIGKILL
    (signed,) = stage.events(AttemptSigned)
    stage.devnet.mempool.accept("0x" + signed.payload.removeprefix("0x"))
    for _ in range(3):
        stage.devnet.step()
    with moving(stage):  # recovery finds it mined, or is told so when it sends again
        again = agents.start(stage, stage.files())
        again.wait_calm()
        assert again.stop() == 0
    check_nothing_lost_nothing_doubled(stage)


def test_a_state_file_that_is_torn(stage, agents, tmp_path):
    """Each place of truncation stopped the next start."""
    with moving(stage):
        child = agents.start(stage, stage.files(), die=("append", "after", 6))
        assert child.ended() == -signal.SIGKILL
        log = stage.journal.with_name(stage.journal.name + "-wal")
        whole = tmp_path / "whole"
        shutil.copytree(stage.folder, whole, ignore=shutil.ignore_patterns("whole"))
        size = log.stat().st_size
        assert size > 0
        for cut in range(CUTS):
            shutil.copy2(whole / stage.journal.name, stage.journal)
            shutil.copy2(whole / log.name, log)
            with log.open("r+b") as file:
                file.truncate(size * cut // CUTS)
            again = agents.start(stage, stage.files())
            again.wait_calm()
            assert again.stop() == 0, again.said()[-2000:]
            assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.001")
            assert stage.truth().sequence == 1, "nothing is done twice"


def test_a_dependency_that_is_down_at_the_start(stage, agents):
    """Hung for ever, and looked healthy to its supervisor."""
    stage.announce("http://127.0.0.1:9")
    child = agents.start(stage, stage.files(), arguments=["--wait", "5"])
    assert child.ended() == 3
    assert "waiting for the chain" in child.said()
    assert "LVD-NET" in child.said()


async def test_an_unknown_outcome_taken_for_a_failure(stage):
    """Counted a dead line as a failed order; the order was filled, and the position stayed."""
    async with proxied(stage.devnet.url) as proxy:
        stage.announce(proxy.url)

        async def deaf(request, questions, answers):
            if any(each["method"] == "eth_sendRawTransaction" for each in questions):
                return await delayed(5)(request, questions, answers)
            return None

        proxy.fault = deaf
        turns = 0

        def done(opened) -> bool:
            nonlocal turns
            turns += 1
            assert turns < 400, "it never came to its end"
            return turns > 12 and not opened.daemon._world.executor.open_slots and _at_target(stage)

        await stage.play(until=done, chain={"read_deadline_s": 2})
    assert len({event.slot for event in stage.events(AttemptSigned)}) == 1
    assert len(stage.events(PlanApproved)) == 1
    assert _at_target(stage)


def test_secrets_in_the_settings_shown(owner, world):
    """Printed keys, passwords and tokens with the settings, to be pasted into a question."""
    password = (world.folder / "operator.password").read_text().strip()
    url = "https://rpc.example/v2/0123456789abcdef0123456789abcdef"
    owner.sections = {"chain": {"devnet": None, "id": 1, "rpc": [url], "profile": "ethereum"}}
    shown = owner("config", "show", mining=False)
    for secret in (password, *_KEYS.values(), "0123456789abcdef"):
        if secret != "devnet":
            assert secret not in shown.out + shown.err


def test_a_ghost_position(stage, agents):
    """Forgot a position with its file, and left it to the liquidators."""
    with moving(stage):
        first = agents.start(stage, stage.files())
        first.wait_calm()
        assert first.stop() == 0
        for file in stage.folder.glob("journal.db*"):
            file.unlink()
        again = agents.start(stage, stage.files())
        again.wait_calm()
        assert again.stop() == 0
    (adopted,) = stage.events(PositionAdopted)
    assert adopted.snapshot.owed["USDC"] > 0
    assert stage.events(AttemptSigned) == [], "it is where it should be"
    assert _at_target(stage)


def test_its_own_gas_cap_in_a_crash():
    """Waited 17 minutes for cheaper gas, and was liquidated in them."""
    bounds = limits(health_min=Decimal("1.15"))
    spike = Gas(390 * GWEI, 2 * GWEI, 3000 * 10**8, 10**19)
    seen = view(at_leverage("4.0"), gas=spike)
    guard = Seat(Guardian(Params(target=Decimal("2.5"), band_high=Decimal("2.8"))), guards=True)
    outcome = turn(seen, [guard], bounds, TIMING, age_s=0)
    assert spike.base_fee > bounds.gas_price_wei_max
    assert isinstance(outcome.verdict, Approved)
    assert outcome.verdict.gas_price_cap > spike.base_fee


def test_alive_but_doing_nothing(stage, agents):
    """Ran on for days without a turn, healthy to its supervisor, and nobody was told."""
    heart = Heartbeat(stage.journal)
    with moving(stage) as market:
        child = agents.start(stage, stage.files(chain={"read_deadline_s": 2}))
        child.wait_calm()
        with market.holding(), frozen(stage.devnet.node.pid):
            said = len(child.said())
            child.wait_for(lambda: "turn failed" in child.said()[said:])
            assert "LVD-NET" in child.said()[said:]
            stopped, said = heart.last(), len(child.said())
            child.wait_for(lambda: "turn failed" in child.said()[said:])
            assert heart.last() == stopped, "a turn that failed is no sign of life"
        said = len(child.said())
        child.wait_for(lambda: "turn=" in child.said()[said:])
        assert child.stop() == 0
    assert "left unguarded: eth-loop" in child.said()


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Let a process hang while inside: its sockets stay open, and nothing answers."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
