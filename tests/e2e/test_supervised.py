"""A child under a service manager: ready when it sees, alive while it turns, gone in order."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pytest
from tests.e2e.children import moving
from tests.e2e.market_day import agents, devnet, stage

__all__ = ["agents", "devnet", "stage"]

pytestmark = pytest.mark.chain


class Manager:
    """The other end of a child's notices."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self._held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._held.bind(self.path)
        self._held.settimeout(0.05)
        self.heard = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="manager")
        self._thread.start()  # what nobody reads is dropped once the kernel's queue is full

    def wait(self, holds, what):
        """Return the first notice of which `holds` is true; it may be there already."""
        for _ in range(2_400):
            for notice in list(self.heard):
                if holds(notice):
                    return notice
            time.sleep(0.05)  # noqa: TID251 -- a test's patience
        raise AssertionError(f"never heard {what}: {self.heard[-5:]}")

    def _listen(self):
        while not self._over.is_set():
            self._take()

    def _take(self):
        try:
            message = self._held.recv(4096).decode()
        except TimeoutError:
            return
        self.heard.append(dict(line.split("=", 1) for line in message.splitlines()))

    def drain(self):
        time.sleep(0.3)  # noqa: TID251 -- a test's patience
        return list(self.heard)

    def close(self):
        self._over.set()
        self._thread.join()
        self._held.close()


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path)
    yield made
    made.close()


def test_a_whole_life_is_told(stage, agents, manager):
    env = {"NOTIFY_SOCKET": manager.path}
    there = stage.devnet.url
    stage.announce("http://127.0.0.1:9")
    child = agents.start(stage, stage.files(), arguments=["--wait", "60"], env=env)
    manager.wait(lambda notice: "EXTEND_TIMEOUT_USEC" in notice, "that it waits for the chain")
    time.sleep(1)  # noqa: TID251 -- a test's patience
    assert not any("READY" in notice for notice in manager.drain())
    stage.announce(there)
    with moving(stage):
        ready = manager.wait(lambda notice: "READY" in notice, "that it is ready")
        assert ready["WATCHDOG"] == "1"
        assert "eth-loop: leverage " in ready["STATUS"]
        manager.wait(lambda notice: "leverage 2.5000" in notice.get("STATUS", ""), "the leverage")
        child.wait_calm()
        stage.files(limits={"leverage_max": 2.95})
        os.kill(child.pid, signal.SIGHUP)
        begun = manager.wait(lambda notice: "RELOADING" in notice, "that it reloads")
        assert int(begun["MONOTONIC_USEC"]) > 0
        place = manager.heard.index(begun)
        manager.wait(lambda notice: notice == {"READY": "1"}, "that it is ready again")
        assert place < manager.heard.index({"READY": "1"})
        child.wait_said("leverage_max: 3 -> 2.95")
        assert child.stop() == 0
    last = manager.drain()[-1]
    assert last["STOPPING"] == "1"
    assert int(last["EXTEND_TIMEOUT_USEC"]) > 30 * 10**6


def test_an_outage_feeds_no_watchdog(stage, agents, manager):
    with moving(stage) as market:
        child = agents.start(stage, stage.files(), env={"NOTIFY_SOCKET": manager.path})
        child.wait_calm()
        with market.holding():
            os.kill(stage.devnet.node.pid, signal.SIGSTOP)
            try:
                child.wait_said("turn failed, trying again")
                before = len(manager.drain())
                time.sleep(3)  # noqa: TID251 -- a test's patience
                assert not any("WATCHDOG" in each for each in manager.drain()[before:])
            finally:
                os.kill(stage.devnet.node.pid, signal.SIGCONT)
        manager.heard.clear()
        manager.wait(lambda notice: "WATCHDOG" in notice, "that it turns again")
        assert child.stop() == 0
