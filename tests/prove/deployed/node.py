"""A devnet at the wall's pace: calm first, then ether falls while the service guards."""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.prove.deployed.commands import run

from leverd.adapters.system_clock import SystemClock

LEVERD = Path(sys.executable).with_name("leverd")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
PRICE = 3000.0
FALL = 0.15
FALL_MIN = 5
HOURS = 6


@dataclass(frozen=True)
class Node:
    """Where it answers, and what stands on it."""

    folder: Path
    url: str
    bare: str  # anvil itself, which takes what no node of a live chain would
    on_it: dict[str, Any]
    fall: datetime  # when it begins

    def grant(self, who: str, ether: int) -> None:
        """Let `who` have so much gas money."""
        self._ask("anvil_setBalance", who, hex(ether * 10**18))

    def pay_in(self, ether: int, settings: Path) -> None:
        """Send wrapped ether from the owner's wallet into the account of `settings`."""
        self._as_owner("deposit", ether, "WETH", settings=settings)

    def appoint(self, operator: str, settings: Path) -> None:
        """Have the owner let `operator` act on the account of `settings`."""
        self._as_owner("appoint", operator, settings=settings)

    def _as_owner(self, *words: object, settings: Path) -> None:
        wallet = ("--owner-keystore", self.folder / "owner.json")
        password = ("--owner-password-file", self.folder / "owner.password")
        where = ("eth-loop", "--yes", "-c", settings)
        run(LEVERD, "account", *words, *where, *wallet, *password)

    def _ask(self, method: str, *parameters: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        request = urllib.request.Request(
            self.bare, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.load(answer)
        assert "error" not in found, found
        return found["result"]


@contextmanager
def running(folder: Path, *, calm_min: int) -> Iterator[Node]:
    """Run a devnet of our own; it is ended and forgotten when left."""
    folder.mkdir()
    path = folder.with_suffix(".csv")
    fall = _write(path, calm_min)
    where = ("--dir", folder)
    run(LEVERD, "devnet", "up", *where, "--path", path, "--speed", "1", "--detach")
    try:
        end = json.loads((folder / "endpoint.json").read_text())
        on_it = json.loads((folder / "deployment.json").read_text())
        yield Node(folder, end["url"], end["node_url"], on_it, fall)
    finally:
        run(LEVERD, "devnet", "down", *where)


def _write(path: Path, calm_min: int) -> datetime:
    """Write the market's path: still for so long, `FALL` in `FALL_MIN`, then still again."""
    now = SystemClock().now().replace(microsecond=0)
    rows = ["ts,close"]
    for minute in range(HOURS * 60):
        fallen = min(max(minute - calm_min, 0), FALL_MIN) / FALL_MIN * FALL
        at = now + timedelta(minutes=minute)
        rows.append(f"{at:%Y-%m-%dT%H:%M:%SZ},{PRICE * (1 - fallen):.2f}")
    path.write_text("\n".join(rows) + "\n")
    return now + timedelta(minutes=calm_min)
