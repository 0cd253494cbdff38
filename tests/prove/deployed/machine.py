"""A machine that boots systemd: systemd-nspawn, on the network of the one it runs on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
from tests.prove.deployed.commands import run
from tests.prove.deployed.control_group import ControlGroup

FOUND = TypeVar("FOUND")

PATIENCE_S = 180.0
"""For what a booted machine comes to by itself, while others work on this one too."""

UP = ("running", "degraded")
"""Degraded in a container is a unit of Debian's that wants hardware."""


class Machine:
    """Boots from a folder, runs commands as its root, loses its power."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._first = 0  # its systemd, as this machine counts processes
        self._group = ControlGroup(root.parent.name)

    def boot(self) -> None:
        """Return once systemd has started all that it wants to start."""
        self._group.make()
        options = "--boot --register=no --keep-unit --console=pipe"
        start = f"{self._group.joining} exec systemd-nspawn {options} --directory={self.root}"
        with (self.root.parent / "console.log").open("ab") as console:
            self._nspawn = subprocess.Popen(
                ["/bin/sh", "-c", start],
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        self._first = until(self._systemd, "its first process")
        until(lambda: self("systemctl is-system-running", code=None).strip() in UP, "booted")

    def __call__(self, words: str, *, given: str = "", code: int | None = 0) -> str:
        """Return what a line of shell said, typed by root in /root."""
        inside = ("nsenter", "-t", self._first, "-m", "-u", "-i", "-p", "-C")
        return run(*inside, "/bin/sh", "-c", f"cd /root && {words}", given=given, code=code)

    def lose_power(self) -> None:
        """End every process of it at once: its first one takes the others along."""
        if self._nspawn is None:
            return
        if self._first and psutil.pid_exists(self._first):
            os.kill(self._first, signal.SIGKILL)
        self._nspawn.kill()
        self._nspawn.wait()
        until(lambda: not psutil.pid_exists(self._first), "dark")
        until(self._group.is_removed, "gone from the kernel's groups")
        self._nspawn, self._first = None, 0

    def _systemd(self) -> int:
        assert self._nspawn is not None
        assert self._nspawn.poll() is None, "it did not boot: see console.log beside its folder"
        for child in psutil.Process(self._nspawn.pid).children(recursive=True):
            if child.name() == "systemd":
                return child.pid
        return 0


def until(holds: Callable[[], FOUND], what: str, *, patience_s: float = PATIENCE_S) -> FOUND:
    """Return what `holds` finds as soon as it finds something."""
    for _ in range(int(patience_s / 0.25)):
        found = holds()
        if found:
            return found
        time.sleep(0.25)  # noqa: TID251 -- a test's patience
    raise AssertionError(f"never {what}")
