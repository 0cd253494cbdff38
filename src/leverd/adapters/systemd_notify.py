"""Notices to systemd, over the datagram socket it names in the environment.

Without such a socket nothing is sent. A notice that cannot be sent is dropped: systemd draws
its own conclusion from silence, and a turn never waits for it.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Final

from leverd.interfaces.clock import Clock

_MICRO: Final = 10**6
_MARGIN_S: Final = 15.0
"""Wall seconds that systemd gets on top of what we announce."""

_LOOKS: Final = 3
"""Looks that may be missed before the watchdog bites."""

_TURN_S: Final = 60.0
"""Wall seconds that one turn may take beside the wait for it."""


class SystemdSupervisor:
    """A `Supervisor` that is systemd, or nobody where systemd did not start this process."""

    def __init__(self, env: Mapping[str, str], clock: Clock, *, note: str = "") -> None:
        name = env.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self._clock, self._note = clock, note
        watched = env.get("WATCHDOG_PID", "") in {"", str(os.getpid())}
        self._watchdog_us = int(env.get("WATCHDOG_USEC", "0") or "0") if watched else 0
        self._patience_s = _TURN_S
        self._ready = False
        self._stopping = False

    def starting(self, status: str, within_s: float) -> None:
        """Say what the start waits for, and ask for the time it takes."""
        self._send(STATUS=self._noted(status), EXTEND_TIMEOUT_USEC=_micro(within_s + _MARGIN_S))

    def turned(self, status: str, *, fresh: bool) -> None:
        """Feed the watchdog; the first time with a `fresh` view, say that we are ready."""
        if self._stopping:
            return
        fields = {"STATUS": self._noted(status), "WATCHDOG": "1"}
        if not self._ready:  # what guards by a stale view is not to be killed for starting slowly
            start = {"READY": "1"} if fresh else {"EXTEND_TIMEOUT_USEC": _micro(self._patience_s)}
            fields |= start
        self._ready = self._ready or fresh
        self._send(**fields)

    def reloading(self) -> None:
        """Say that settings are read anew; before we are ready there is nothing to say."""
        if self._ready and not self._stopping:
            # The kernel's clock that Python calls monotonic is the one systemd compares with.
            self._send(RELOADING="1", MONOTONIC_USEC=_micro(self._clock.monotonic()))

    def reloaded(self) -> None:
        """Say that they are in force, or refused."""
        if self._ready and not self._stopping:
            self._send(READY="1")

    def pace(self, look_s: float) -> None:
        """Widen the watchdog where turns lie further apart than it expects; never narrow it."""
        self._patience_s = _LOOKS * look_s + _TURN_S
        wanted = int(self._patience_s * _MICRO)
        if 0 < self._watchdog_us < wanted:
            self._watchdog_us = wanted
            self._send(WATCHDOG_USEC=str(wanted))

    def stopping(self, status: str, within_s: float) -> None:
        """Say that we are leaving, and ask for the time that settling takes."""
        self._stopping = True
        self._send(
            STOPPING="1",
            STATUS=self._noted(status),
            EXTEND_TIMEOUT_USEC=_micro(within_s + _MARGIN_S),
        )

    def _noted(self, status: str) -> str:
        return f"{self._note}: {status}" if self._note else status

    def _send(self, **fields: str) -> None:
        if not self._address:
            return
        lines = (f"{name}={' '.join(value.split())}" for name, value in fields.items())
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out,
        ):
            out.setblocking(False)  # noqa: FBT003 -- the socket's own signature
            out.sendto("\n".join(lines).encode(), self._address)


def _micro(seconds: float) -> str:
    return str(int(seconds * _MICRO))
