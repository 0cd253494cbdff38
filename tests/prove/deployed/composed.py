"""The compose project of deploy/, copied beside settings and secrets of its own."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from typing import Any

import yaml
from tests.prove.deployed.commands import ROOT, run
from tests.prove.deployed.engine import Engine
from tests.prove.deployed.installed import free_port
from tests.prove.deployed.live_settings import as_yaml, live
from tests.prove.deployed.node import ADDRESS, LEVERD, Node

USER = 10001
SETTINGS = "/etc/leverd/settings.yaml"
OURS = ("leverd", "api")
"""The services whose image is ours; those of the others cannot be pulled everywhere."""

PLACES: dict[str, dict[str, Any]] = {
    "journal": {"path": "/var/lib/leverd/journal.db"},
    "key": {"keystore": "/run/secrets/keystore", "password": {"file": "/run/secrets/password"}},
}


class Composed:
    """One project: its folder, the API's port, and what its containers said."""

    def __init__(self, engine: Engine, node: Node, project: str, mode: str) -> None:
        self.engine, self.node, self.project, self.mode = engine, node, project, mode
        self.folder = engine.folder / project
        self.port = free_port()
        shutil.copytree(ROOT / "deploy", self.folder)
        self.files = [self.folder / "compose.yaml"]
        if mode == "paper":
            self.files.append(self.folder / "compose.dev.yaml")
        self._settings()
        self._secrets()
        self._here()

    def compose(self, *words: object) -> str:
        """Return what podman-compose said."""
        return self.engine.compose(self.project, self.files, *words)

    def up(self) -> None:
        """Start the daemon and the API."""
        self.compose("up", "--detach", "--no-build", *OURS)

    def name(self, service: str = "leverd") -> str:
        """Return the name of a service's container."""
        return f"{self.project}_{service}_1"

    def inside(self, *words: object, code: int | None = 0) -> str:
        """Return what a command said in the daemon's container."""
        return self.engine("exec", self.name(), *words, code=code)

    def shown(self, what: str, service: str = "leverd") -> str:
        """Return a field of what the engine knows of a container."""
        return self.engine("inspect", "--format", f"{{{{{what}}}}}", self.name(service)).strip()

    def said(self) -> str:
        """Return all that the daemon's container wrote."""
        return self.engine("logs", self.name())

    def position(self) -> str:
        """Return where the position stood at the last turn, if it is open."""
        turns = re.findall(r"turn=.* leverage=([\d.]+) health=([\d.]+) ", self.said())
        return f"leverage {float(turns[-1][0]):.2f}, health {float(turns[-1][1]):.3f}"

    def token(self) -> str:
        """Return a token made as the compose file's head says."""
        words = ("keys", "token", "new", "prometheus", "-c", SETTINGS, "--mode", self.mode)
        said = self.compose("run", "--rm", "-T", "api", *words)
        found: list[str] = re.findall(r"^[\w-]{30,}\s*$", said, re.MULTILINE)
        return max(found, key=len).strip()

    def _settings(self) -> None:
        account = self.node.on_it["accounts"]["eth-loop"]
        found = live(self.node, account=account, api_port=self.port, **PLACES)
        if self.mode == "paper":
            found |= {"mode": "paper", "real_money": False, "paper": {"deposit": 10, "gas": 1}}
            del found["key"]
        file = self.folder / "settings.yaml"
        file.write_text(as_yaml(found))
        os.chown(file, USER, USER)

    def _secrets(self) -> None:
        """Make secrets, and a key that no other devnet's daemon on this machine has."""
        folder = self.folder / "secrets"
        folder.mkdir(mode=0o700)
        for name in yaml.safe_load((self.folder / "compose.yaml").read_text())["secrets"]:
            (folder / name).write_text(secrets.token_hex(16))
            (folder / name).chmod(0o600)
        (folder / "keystore").unlink()
        key = ("keys", "new", folder / "keystore", "--password-file", folder / "password")
        (operator,) = set(ADDRESS.findall(run(LEVERD, *key)))
        if self.mode == "live":
            self.node.grant(operator, ether=100)
            self.node.appoint(operator, self.folder / "settings.yaml")
        for file in (folder, *folder.iterdir()):
            os.chown(file, USER, USER)

    def _here(self) -> None:
        """Put the two on this machine's network, for the devnet is at its loopback.

        So the API listens there too, at a free port; and limits are what this machine may grant.
        """
        text = self.files[0].read_text()
        assert text.count("8420") == 3, "the API's port stands elsewhere in the compose file now"
        self.files[0].write_text(text.replace("8420", str(self.port)))
        shared = {"network_mode": "host", "ulimits": {"nofile": 4096, "nproc": 4000}}
        at_loopback = ["api", "-c", SETTINGS, "--mode", self.mode]
        here = {"leverd": shared, "api": {**shared, "command": at_loopback}}
        file = self.folder / "here.yaml"
        file.write_text(yaml.safe_dump({"services": here}))
        self.files.append(file)
