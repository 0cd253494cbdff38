"""Each kill switch reaches the one process that signs, at once, and lasts until resume."""

from __future__ import annotations

import os
import signal
import time

import pytest
from tests.e2e.children import moving
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.stage import DUST_USD

from leverd.adapters.sql_journal import SqlRequests
from leverd.adapters.system_clock import SystemClock
from leverd.domain.events import DaemonStarted, TradingStateChanged, UnwindRequested
from leverd.interfaces.requests import RequestKind

__all__ = ["agents", "devnet", "stage"]

pytestmark = pytest.mark.chain


def wait_until(holds, what):
    for _ in range(2_400):
        if holds():
            return
        time.sleep(0.05)  # noqa: TID251 -- a test's patience
    raise AssertionError(f"never: {what}")


def by_signal(child, _stage):
    os.kill(child.pid, signal.SIGUSR2)


def by_file(_child, stage):
    (stage.folder / "kill").write_text("unwind\n")


def by_command(_child, stage):
    requests = SqlRequests(stage.journal, SystemClock())
    requests.put(RequestKind.UNWIND_NOW, "", "cli")
    requests.close()


@pytest.mark.parametrize("ask", [by_signal, by_file, by_command])
def test_everything_is_out_without_waiting_for_the_next_look(stage, agents, ask):
    with moving(stage):
        child = agents.start(stage, stage.files(engine={"kill_file": str(stage.folder / "kill")}))
        child.wait_calm()
        assert stage.truth().debt > DUST_USD
        ask(child, stage)
        wait_until(lambda: stage.truth().debt == 0, "all repaid")
        child.wait_calm()
        assert child.stop() == 0
    (asked,) = stage.events(UnwindRequested)
    assert asked.by.partition(":")[0] in {"signal", "file", "cli"}
    assert asked.now == (ask is by_command)
    assert len(stage.events(DaemonStarted)) == 1, "the signal ended nothing"


def test_a_pausing_signal_leaves_the_position_and_its_guardian(stage, agents):
    with moving(stage):
        child = agents.start(stage, stage.files())
        child.wait_calm()
        os.kill(child.pid, signal.SIGUSR1)
        wait_until(lambda: stage.events(TradingStateChanged), "paused")
        child.wait_calm()
        assert child.stop() == 0
    (paused,) = stage.events(TradingStateChanged)
    assert (paused.state, paused.paused, paused.by) == ("reducing", True, "signal")
    assert stage.truth().debt > DUST_USD
