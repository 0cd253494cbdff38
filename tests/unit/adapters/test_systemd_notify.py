"""What systemd is told, over a socket that a test holds."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager

import pytest

from leverd.adapters.systemd_notify import SystemdSupervisor

pytestmark = pytest.mark.sockets


class Clock:
    def monotonic(self):
        return 12.5


class Systemd:
    """The other end: a socket at a path, or at an abstract name."""

    def __init__(self, held, name):
        self._held, self.name = held, name

    def heard(self):
        """Return every message so far, each as a mapping."""
        found = []
        while True:
            try:
                message = self._held.recv(4096).decode()
            except BlockingIOError:
                return found
            found.append(dict(line.split("=", 1) for line in message.splitlines()))

    def supervisor(self, *, note="", **env):
        return SystemdSupervisor({"NOTIFY_SOCKET": self.name, **env}, Clock(), note=note)


@contextmanager
def listening(name):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as held:
        held.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        held.setblocking(False)
        yield Systemd(held, name)


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path):
    name = str(tmp_path / "notify") if request.param == "path" else f"@leverd-test-{tmp_path}"
    with listening(name) as found:
        yield found


def test_ready_waits_for_the_first_fresh_view_and_is_said_once(systemd):
    supervisor = systemd.supervisor()
    supervisor.starting("waiting for the chain", 4)
    supervisor.turned("eth-loop: stale", fresh=False)
    waiting, stale = systemd.heard()
    assert waiting == {"STATUS": "waiting for the chain", "EXTEND_TIMEOUT_USEC": "19000000"}
    assert "READY" not in stale
    assert stale["WATCHDOG"] == "1", "a turn that ends stale is completed"
    assert int(stale["EXTEND_TIMEOUT_USEC"]) >= 60 * 10**6, "and no slow start to be killed for"
    supervisor.turned("eth-loop: leverage 2.5000, health 1.3833", fresh=True)
    supervisor.turned("eth-loop: leverage 2.5000, health 1.3833", fresh=True)
    ready, later = systemd.heard()
    assert ready == {
        "READY": "1",
        "STATUS": "eth-loop: leverage 2.5000, health 1.3833",
        "WATCHDOG": "1",
    }
    assert "READY" not in later


def test_a_reload_is_between_two_notices_with_the_kernel_s_time(systemd):
    supervisor = systemd.supervisor()
    supervisor.reloading()
    supervisor.reloaded()
    assert systemd.heard() == [], "what is not ready does not become it by a reload"
    supervisor.turned("", fresh=True)
    supervisor.reloading()
    supervisor.reloaded()
    _, begun, done = systemd.heard()
    assert begun == {"RELOADING": "1", "MONOTONIC_USEC": "12500000"}
    assert done == {"READY": "1"}


def test_leaving_asks_for_time_and_nothing_is_ready_after_it(systemd):
    supervisor = systemd.supervisor()
    supervisor.turned("", fresh=True)
    supervisor.stopping("stopping: settling what is in flight", 30)
    supervisor.turned("a turn that had begun", fresh=True)
    supervisor.reloading()
    supervisor.reloaded()
    _, left = systemd.heard()
    assert left["STOPPING"] == "1"
    assert left["EXTEND_TIMEOUT_USEC"] == "45000000"


def test_the_watchdog_is_widened_for_a_slow_pace_and_never_narrowed(systemd):
    supervisor = systemd.supervisor(WATCHDOG_USEC="300000000", WATCHDOG_PID=str(os.getpid()))
    supervisor.pace(60)
    assert systemd.heard() == []
    supervisor.pace(600)
    assert systemd.heard() == [{"WATCHDOG_USEC": str(1860 * 10**6)}]
    supervisor.pace(60)
    assert systemd.heard() == []


@pytest.mark.parametrize("env", [{}, {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}])
def test_a_watchdog_that_is_not_ours_is_left_alone(systemd, env):
    systemd.supervisor(**env).pace(10_000)
    assert systemd.heard() == []


def test_a_note_stands_before_every_status_and_lines_stay_lines(systemd):
    supervisor = systemd.supervisor(note="GUARDS ONLY, LVD-CFG-002")
    supervisor.turned("a\nREADY=1", fresh=False)
    (said,) = systemd.heard()
    assert said["STATUS"] == "GUARDS ONLY, LVD-CFG-002: a READY=1"
    assert "READY" not in said


def test_without_systemd_nothing_is_sent_and_a_dead_socket_is_no_error(tmp_path):
    for env in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}):
        supervisor = SystemdSupervisor(env, Clock())
        supervisor.starting("", 1)
        supervisor.turned("", fresh=True)
        supervisor.reloading()
        supervisor.pace(10_000)
        supervisor.stopping("", 1)


def test_a_full_socket_does_not_hold_a_turn_up(systemd):
    supervisor = systemd.supervisor()
    for _ in range(2000):
        supervisor.turned("x" * 500, fresh=True)
    assert len(systemd.heard()) < 2000
