"""What systemd and leverd's own log say of a running service."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.prove.deployed.installed import AS_LEVERD, SETTINGS, Installed
from tests.prove.deployed.machine import until

LOG = "/var/log/leverd/leverd.log"


@dataclass(frozen=True)
class Service:
    """A unit of `installed`'s machine: the daemon's, unless it is asked about another."""

    installed: Installed

    def shell(self, words: str, *, code: int | None = 0) -> str:
        """Return what root's shell on the machine said."""
        return self.installed.machine(words, code=code)

    def shown(self, what: str, unit: str = "leverd") -> str:
        """Return a property of the unit."""
        return self.shell(f"systemctl show -p {what} --value {unit}").strip()

    def pid(self, unit: str = "leverd") -> int:
        """Return its main process, 0 where none runs."""
        return int(self.shown("MainPID", unit))

    def position(self) -> str:
        """Return what the status line says of the position, which is open."""
        said = self.shown("StatusText")
        found = re.search(r"eth-loop: leverage ([\d.]+), health ([\d.]+)", said)
        assert found, f"the status line tells no leverage and health: {said!r}"
        assert float(found[1]) > 1
        return f"leverage {float(found[1]):.2f}, health {float(found[2]):.3f}"

    def is_up(self, unit: str = "leverd") -> bool:
        """Return whether it is ready, by its own word."""
        return self.shown("ActiveState", unit) == "active"

    def journal(self, after: str = "", level: str = "info") -> str:
        """Return what the system's log has of it since the mark `after`."""
        since = f"--since=@{after}" if after else ""
        return self.shell(f"journalctl -u leverd -p {level} -o cat --no-pager {since}")

    def tells(self, words: str, after: str = "", level: str = "info") -> None:
        """Wait until the system's log has these words of it."""
        until(lambda: words in self.journal(after, level), f"told: {words}")

    def mark(self) -> str:
        """Return the machine's time: a cursor would not do, for filters skip what follows it."""
        return self.shell("date +%s.%6N").strip()

    def turns(self) -> list[str]:
        """Return the lines of its own log that end a turn, of all its lives."""
        return [line for line in self.shell(f"cat {LOG}").splitlines() if " turn=" in line]

    def asked(self, words: str) -> Any:
        """Return what a leverd command of the service's user answers in JSON."""
        said = self.shell(f"{AS_LEVERD} {words} -c {SETTINGS} --json")
        return json.loads(said)

    def comes_back(self, instead_of: int) -> None:
        """Wait until another process than this one is ready."""
        until(lambda: self.pid() not in {0, instead_of} and self.is_up(), "back", patience_s=600)
