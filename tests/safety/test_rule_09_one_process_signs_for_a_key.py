"""Design rule 9: one process signs for a key; everybody else asks it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from dataclasses import replace

import pytest
from tests import worlds
from tests.journal_events import SteadyClock, decision
from tests.unit.engine.daemons import Stage

from leverd.adapters.sql_journal import SqlJournal, SqlLedger, SqlRequests, acquire_lock
from leverd.bootstrap.places import Places
from leverd.bootstrap.signing_alone import signer_lock
from leverd.cli import orders
from leverd.domain.events import DecisionTaken, UnwindRequested
from leverd.errors import JournalLockedError
from leverd.interfaces.requests import RequestKind

LIVE = Places(1, ("https://node.example",), "ethereum", worlds.WETH, {}, {}, {}, (), "", "", 1.0)

HOLDER = """
import sys, time
from pathlib import Path
from leverd.adapters.sql_journal import acquire_lock
lock = acquire_lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_process_cannot_sign_for_the_key_whatever_its_journal():
    address = f"0x{uuid.uuid5(uuid.NAMESPACE_OID, __file__).hex}"  # nobody else's in this test run
    with signer_lock(LIVE, address):
        with pytest.raises(JournalLockedError, match="process"):
            signer_lock(LIVE, address)
        with signer_lock(replace(LIVE, chain_id=10), address):  # another chain, other nonces
            pass
        with signer_lock(LIVE, address + "ff"):  # another key
            pass
    with signer_lock(LIVE, address):  # let go, it is free
        pass


def test_a_private_temporary_folder_hides_no_second_signer(tmp_path, monkeypatch):
    address = f"0x{uuid.uuid5(uuid.NAMESPACE_OID, f'{__file__} private').hex}"
    with signer_lock(LIVE, address):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # as PrivateTmp=yes gives one
        with pytest.raises(JournalLockedError, match=f"process {os.getpid()}"):
            signer_lock(LIVE, address)
    with signer_lock(LIVE, address):  # and a lock refused half-way holds nothing
        pass


def test_the_kernel_lets_go_of_a_killed_process_at_once(tmp_path):
    path = tmp_path / "signer.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE
    ) as held:
        assert held.stdout is not None
        held.stdout.readline()
        with pytest.raises(JournalLockedError, match=f"process {held.pid}"):
            acquire_lock(path)
        held.send_signal(signal.SIGKILL)
        held.wait()
        with acquire_lock(path):
            pass


async def test_a_request_is_taken_before_the_next_turn_decides():
    stage = Stage()
    await stage.live(12)
    stage.requests.put(RequestKind.UNWIND, "loop", "cli")
    await stage.live(1)  # the very next turn
    assert stage.requests.pending() == []
    assert len(stage.events(UnwindRequested)) == 1
    assert stage.events(DecisionTaken)[-1].decision == "unwind"
    assert not stage.owes


def test_beside_a_daemon_the_command_line_asks_and_alone_it_acts(tmp_path):
    path = tmp_path / "journal.db"
    daemon = SqlJournal(path, SteadyClock())
    daemon.append_now(decision(1))
    orders.pause(journal=path)
    assert [entry.event for entry in daemon.replay()] == [decision(1)]  # asked, not done
    requests = SqlRequests(path, SteadyClock())
    (asked,) = requests.pending()
    requests.close()
    assert asked.kind is RequestKind.PAUSE
    daemon.close()

    orders.reduce(journal=path)
    ledger = SqlLedger(path)
    waited, done = (entry.event for entry in ledger.entries()[-2:])
    ledger.close()
    assert waited.paused, "what waited for the daemon was said first"
    assert not done.paused, "and this after it"
