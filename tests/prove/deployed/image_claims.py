"""What docs/install.md and the compose file promise of containers, each with what it measured."""

from __future__ import annotations

import os
import re
import signal
import time
import urllib.error
import urllib.request

from tests.prove.deployed.composed import USER, Composed
from tests.prove.deployed.machine import until


def up(composed: Composed) -> str:
    """The compose file brings daemon and API up, and the position is opened."""
    began = time.perf_counter()
    composed.up()
    until(lambda: "turn=1 " in composed.said(), "at its first turn")
    took = time.perf_counter() - began
    until(lambda: re.search(r" leverage=2\.\d+ health=1", composed.said()), "open")
    return f"first turn after {took:.0f} s; {composed.position()}"


def confined(composed: Composed) -> str:
    """User 10001, no capability, a root that cannot be written, a folder of its own."""
    status = composed.inside("cat", "/proc/self/status")
    assert set(re.findall(r"^Cap\w+:\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert composed.inside("id", "-u").strip() == str(USER)
    assert "Read-only file system" in composed.inside("touch", "/opt/leverd/new", code=1)
    assert composed.inside("stat", "-c", "%a %u", "/var/lib/leverd").split() == ["700", str(USER)]
    files = composed.inside("ls", "-A", "/var/lib/leverd").split()
    assert "journal.db" in files
    assert not [each for each in files if each.startswith(".")]
    return f"in its folder: {', '.join(sorted(files))}"


def healthy(composed: Composed) -> str:
    """The health checks of both containers say yes."""
    for service in ("leverd", "api"):
        composed.engine("healthcheck", "run", composed.name(service))
    return "both"


def answered(composed: Composed) -> str:
    """The API answers 401 without a token, and 200 with one."""
    token = composed.token()
    assert _answer(composed) == 401
    assert _answer(composed, token) == 200
    return "both"


def alone(composed: Composed) -> str:
    """A second daemon with the same key, and a folder of its own, is refused."""
    mounts = [
        part
        for name in ("keystore", "password")
        for part in ("-v", f"{composed.folder}/secrets/{name}:/run/secrets/{name}:ro")
    ]
    settings = ("-v", f"{composed.folder}/settings.yaml:/etc/leverd/settings.yaml:ro")
    limits = ("--ulimit", "nofile=4096", "--ulimit", "nproc=4000")
    where = ("run", "--rm", "--network", "host", *limits, *mounts, *settings)
    words = ("leverd:local", "run", "--mode", "live", "-c", "/etc/leverd/settings.yaml")
    said = composed.engine(*where, *words, code=5)
    assert "LVD-JRN-008" in said
    return "LVD-JRN-008, exit 5"


def stopped(composed: Composed) -> str:
    """A stop ends in order with 0, and says what it leaves; started again, it goes on."""
    known, began = composed.position(), time.perf_counter()
    composed.engine("stop", "--time", "90", composed.name())
    took = time.perf_counter() - began
    assert composed.shown(".State.ExitCode") == "0"
    (left,) = re.findall(r"left unguarded: (.+?);", composed.said())
    lives = _lives(composed)
    composed.engine("start", composed.name())
    _has_turned(composed, lives)
    return f"{took:.1f} s, “{left}”; before {known}; after {composed.position()}"


def killed(composed: Composed) -> str:
    """Killed, it is started again by the engine, settles first, and knows its position."""
    known, lives = composed.position(), _lives(composed)
    os.kill(int(composed.shown(".State.Pid")), signal.SIGKILL)
    _has_turned(composed, lives)
    return f"before {known}; after {composed.position()}"


def paper(composed: Composed) -> str:
    """The paper overlay comes up without a key, and opens a position in memory alone."""
    composed.up()
    until(lambda: re.search(r" leverage=2\.\d+ health=1", composed.said()), "open")
    held = set(composed.inside("ls", "/run/secrets").split())
    assert held == {"pgpass"}, held
    composed.engine("stop", "--time", "90", composed.name())
    assert composed.shown(".State.ExitCode") == "0"
    return composed.position()


def _lives(composed: Composed) -> int:
    return composed.said().count("recovery: ")


def _has_turned(composed: Composed, lives: int) -> None:
    """Wait for the first turn of a life after so many."""
    until(lambda: _lives(composed) > lives, "recovered")
    until(lambda: " turn=1 " in composed.said().rpartition("recovery: ")[2], "at its first turn")


def _answer(composed: Composed, token: str = "") -> int:
    url = f"http://127.0.0.1:{composed.port}/api/v1/positions"
    allowed = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=allowed), timeout=30
        ) as got:
            return int(got.status)
    except urllib.error.HTTPError as refused:
        return refused.code
