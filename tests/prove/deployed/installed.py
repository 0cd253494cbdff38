"""leverd on a booted machine, put there by the commands of docs/install.md in their order."""

from __future__ import annotations

import re
import secrets
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.prove.deployed import guide, program
from tests.prove.deployed.commands import ROOT
from tests.prove.deployed.live_settings import as_yaml, live
from tests.prove.deployed.machine import Machine
from tests.prove.deployed.node import ADDRESS, Node

SETTINGS = "/etc/leverd/settings.yaml"
AS_LEVERD = "sudo -u leverd /opt/leverd/bin/leverd"
BACKOFF_SINCE = 254

PLACES: dict[str, dict[str, Any]] = {
    "journal": {"path": "/var/lib/leverd/journal.db"},
    "key": {
        "keystore": "/run/credentials/leverd.service/keystore",
        "password": {"credential": "password"},
    },
    "logs": {"file": "/var/log/leverd/leverd.log"},
    "engine": {"kill_file": "/var/lib/leverd/kill"},
}
"""What the page shows in its block of settings."""


class Installed:
    """A machine with the service's files on it, and the settings that it runs by."""

    def __init__(self, machine: Machine, node: Node) -> None:
        self.machine, self.node = machine, node
        self.port = free_port()
        self.account = "none"

    def program(self) -> None:
        """Make the wheel here, and install it there as the page says."""
        brought = self.machine.root / "root"
        shutil.copytree(ROOT / "deploy", brought / "deploy")
        version = program.make(brought)
        self._type(guide.commands("The program"), version)

    def settings(self) -> None:
        """Make user, folders and settings, and fill these in."""
        self._type(guide.commands("User, folders, settings"))
        self.fill_in()

    def key(self) -> str:
        """Return the address of the key that the page's commands make."""
        cd, password, new, *_ = guide.commands("The key")
        self.machine(f"{cd} && {password}", given=f"{secrets.token_hex(16)}\n")
        said = self.machine(f"{cd} && {new}")
        (address,) = set(ADDRESS.findall(said))
        return str(address)

    def deploy_account(self) -> None:
        """Have the operator's key make the account, and put its address into the settings."""
        typed = guide.the_one("The account", "account deploy").replace("--pty", "--pipe")
        owner = self.node.on_it["roles"]["owner"]
        said = self.machine(f"{typed.replace('0x…', owner)} --yes")
        (self.account,) = re.findall(r'account: "(0x[0-9a-fA-F]{40})"', said)
        self.fill_in()

    def pay_in(self, ether: int) -> None:
        """Send wrapped ether to the account, from the owner's wallet on this machine."""
        self.node.pay_in(ether, Path(f"{self.machine.root}{SETTINGS}"))

    def unit(self) -> Sequence[str]:
        """Install the unit's file; return the commands that check and start it."""
        typed = [each for each in guide.commands("The unit") if "systemd-run" not in each]
        version = int(self.machine("systemctl --version").split()[1])
        if version < BACKOFF_SINCE:
            typed = [each for each in typed if "backoff.conf" not in each]
        at = typed.index("systemctl daemon-reload") + 1
        self._type(typed[:at])
        return typed[at:]

    def fill_in(self, **changed: Any) -> None:
        """Write the settings as the page's mode and owner leave them."""
        found = live(self.node, account=self.account, api_port=self.port, **PLACES)
        found["engine"] |= changed
        self.write(as_yaml(found))

    def write(self, text: str) -> None:
        """Put `text` in the settings file, whose owner and mode stay."""
        self.machine(f"cat > {SETTINGS}", given=text)

    def _type(self, commands: Sequence[str], version: str = "") -> None:
        for each in commands:
            self.machine(each.replace("VERSION", version) if version else each)


def free_port() -> int:
    """Return a port of the loopback that nobody listens at."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])
