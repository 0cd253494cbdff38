"""An owner tunes a running daemon: by SIGHUP, by the file alone, with mistakes, and killed."""

from __future__ import annotations

import os
import signal
import time
from decimal import Decimal

import pytest
from tests.e2e.children import moving
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.stage import loop
from tests.e2e.test_kill import check_nothing_lost_nothing_doubled

from leverd.domain.events import AlertRaised, DaemonStarted, SettingsChanged

__all__ = ["agents", "devnet", "stage"]

pytestmark = pytest.mark.chain

TIGHT = {"limits": {"leverage_max": 2.95}}
LOOSE = {"limits": {"leverage_max": 3.2}}


def wait_until(holds, what):
    for _ in range(2_400):
        if holds():
            return
        time.sleep(0.05)  # noqa: TID251 -- a test's patience
    raise AssertionError(f"never: {what}")


def test_a_signal_brings_new_settings_into_force_and_the_position_follows(stage, agents):
    with moving(stage):
        child = agents.start(stage, stage.files())
        child.wait_calm()
        stage.files(positions=loop("2.0"))
        os.kill(child.pid, signal.SIGHUP)
        child.wait_said("leverage_loop.target: 2.5 -> 2.0 (tightens)")
        wait_until(lambda: abs(stage.truth().leverage - 2) < Decimal("0.01"), "leverage 2")
        stage.files(positions=loop("2.4"))
        os.kill(child.pid, signal.SIGHUP)
        child.wait_said("leverage_loop.target: 2.0 -> 2.4 (loosens)")
        assert child.stop() == 0
    down, up = stage.events(SettingsChanged)
    assert (down.by, up.by) == ("signal", "signal")
    assert down.after == up.before
    assert len(stage.events(DaemonStarted)) == 1
    check_nothing_lost_nothing_doubled(stage)


def test_a_changed_file_alone_tightens_and_does_not_loosen(stage, agents):
    with moving(stage):
        child = agents.start(stage, stage.files())
        child.wait_calm()
        stage.files(**TIGHT)
        child.wait_said("limits.leverage_max: 3 -> 2.95 (tightens)")
        stage.files(**LOOSE)
        child.wait_said("limits.leverage_max: 2.95 -> 3.2 (loosens)")
        child.wait_calm()
        assert child.stop() == 0
    (changed,) = stage.events(SettingsChanged)
    assert changed.by == "file"
    (alert,) = stage.events(AlertRaised)  # once, however many turns went by
    assert alert.code == "LVD-CFG-091"
    assert "kill -HUP" in alert.message


def test_a_typo_keeps_the_old_settings_and_names_its_line(stage, agents):
    with moving(stage):
        child = agents.start(stage, stage.files())
        child.wait_calm()
        stage.files(limits={"leverage_mxa": 2.9})
        os.kill(child.pid, signal.SIGHUP)
        child.wait_said("Did you mean 'leverage_max'?")
        child.wait_calm()
        stage.files(**TIGHT)
        os.kill(child.pid, signal.SIGHUP)
        child.wait_said("limits.leverage_max: 3 -> 2.95")  # 3 had stayed
        assert child.stop() == 0
    (alert,) = stage.events(AlertRaised)
    assert alert.code == "LVD-CFG-002"
    assert "own.yaml:" in alert.message
    assert "the old ones stay in force" in alert.message


def test_what_cannot_change_while_it_runs_is_refused_with_its_remedy(stage, agents):
    with moving(stage):
        child = agents.start(stage, stage.files())
        child.wait_calm()
        stage.files(memory={"stop_mb": 1900}, limits={"leverage_max": 2.9})
        os.kill(child.pid, signal.SIGHUP)
        child.wait_said("memory.stop_mb: 2000 -> 1900 (needs a restart)")
        assert child.stop() == 0
    assert stage.events(SettingsChanged) == []  # nor the half of it that could have
    (alert,) = stage.events(AlertRaised)
    assert "restart the daemon" in alert.message


def test_a_signal_has_the_key_opened_anew_and_another_one_is_refused(stage, agents):
    files = [stage.folder / name for name in ("operator.json", "operator.password")]
    right = [file.read_text() for file in files]
    others = [stage.folder / name for name in ("owner.json", "owner.password")]

    def put(texts):
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)

    with moving(stage):
        child = agents.start(stage, stage.files())
        child.wait_calm()
        put([right[0], "mistyped-secret"])
        os.kill(child.pid, signal.SIGHUP)
        child.wait_said("the password does not open the keystore")
        put([file.read_text() for file in others])
        os.kill(child.pid, signal.SIGHUP)
        child.wait_said("refused while eth-loop is open")
        put(right)
        os.kill(child.pid, signal.SIGHUP)
        child.wait_said("secrets: all are good")
        child.wait_calm()
        assert "mistyped-secret" not in child.said()
        assert child.stop() == 0
    assert [each.code for each in stage.events(AlertRaised)] == ["LVD-KEY-013", "LVD-KEY-050"]
    assert stage.events(SettingsChanged) == []
    check_nothing_lost_nothing_doubled(stage)


def test_what_the_market_does_not_allow_is_refused_with_the_position_open(stage, agents):
    with moving(stage):
        child = agents.start(stage, stage.files())
        child.wait_calm()
        stage.files(limits={"health_min": 1.9})
        os.kill(child.pid, signal.SIGHUP)
        child.wait_said("changed settings are refused")
        child.wait_calm()
        assert child.stop() == 0
    assert stage.events(SettingsChanged) == []
    assert stage.events(AlertRaised)[0].code == "LVD-FEA-001"
    assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.01")


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_it_takes_new_settings_the_next_start_has_them_whole(stage, agents, when):
    with moving(stage):
        child = agents.start(stage, stage.files(), die=("overrule", when, 1, signal.SIGKILL))
        child.wait_calm()
        stage.files(**TIGHT)
        os.kill(child.pid, signal.SIGHUP)
        assert child.ended() == -signal.SIGKILL
        assert len(stage.events(SettingsChanged)) == (when == "after")
        again = agents.start(stage, stage.files(**TIGHT))
        again.wait_calm()
        assert again.stop() == 0
    old, new = [event.settings_hash for event in stage.events(DaemonStarted)]
    assert old != new
    assert [event.after for event in stage.events(SettingsChanged)] in ([], [new])
    check_nothing_lost_nothing_doubled(stage)


def test_a_signal_before_the_chain_answers_is_no_end(stage, agents):
    there = stage.devnet.url
    stage.announce("http://127.0.0.1:9")
    child = agents.start(stage, stage.files(), arguments=["--wait", "60"])
    child.wait_said("waiting for the chain")
    os.kill(child.pid, signal.SIGHUP)
    stage.announce(there)
    with moving(stage):
        child.wait_calm()
        child.wait_said("nothing differs from what runs")
        assert child.stop() == 0
