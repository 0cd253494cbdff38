"""How fast the daemon comes up on a running devnet, and what it weighs when idle.

Start to first decision is counted beyond what imports and the keystore's scrypt take; both
are measured in processes of their own and shown beside it, so that the figure is paired with
its own reference on the same machine.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
IDLE_S = 20.0
GOAL_START_S = 2.0
GOAL_IDLE_MB = 120

IMPORTS = "import leverd.cli.run_agent, leverd.bootstrap.service"
UNLOCK = (
    "import sys, time; from pathlib import Path; from leverd.adapters.evm import keystore;"
    "from leverd.interfaces.secrets import Secret; began = time.perf_counter();"
    "keystore.unlock(Path(sys.argv[1]), Secret(Path(sys.argv[2]).read_text().strip()));"
    "print(time.perf_counter() - began)"
)


def settings(folder: Path) -> Path:
    """Return the shipped settings, moved into `folder`."""
    text = (ROOT / "config" / "settings.yaml").read_text()
    text = text.replace("var/devnet", str(folder / "devnet"))
    text = text.replace("var/{mode}/journal.db", str(folder / "journal.db"))
    text = text.replace("logs/leverd.log", str(folder / "leverd.log"))
    path = folder / "settings.yaml"
    path.write_text(text)
    return path


def seconds(*command: str) -> float:
    """Return how long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def devnet(verb: str, folder: Path, *more: str) -> None:
    """Run one command of the devnet."""
    command = [str(BIN / "leverd"), "devnet", verb, "--dir", str(folder / "devnet"), *more]
    subprocess.run(command, check=True, capture_output=True)


def first_decision(path: Path) -> tuple[float, float]:
    """Return seconds from start to the first turn, and MB resident after a while."""
    began = time.perf_counter()
    daemon = subprocess.Popen(
        [str(BIN / "run_agent"), "-c", str(path)], stderr=subprocess.PIPE, text=True
    )
    assert daemon.stderr is not None
    for line in daemon.stderr:
        if re.search(r"\bturn=1\b", line):
            break
    taken = time.perf_counter() - began
    deadline = time.perf_counter() + IDLE_S
    while time.perf_counter() < deadline:
        daemon.stderr.readline()
    weight = psutil.Process(daemon.pid).memory_info().rss / 1e6
    daemon.terminate()
    daemon.communicate(timeout=60)
    return taken, weight


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = settings(folder)
        devnet("up", folder, "--detach")
        try:
            imports = min(seconds(sys.executable, "-c", IMPORTS) for _ in range(3))
            keystore = folder / "devnet" / "operator.json"
            password = folder / "devnet" / "operator.password"
            unlocked = subprocess.run(
                [sys.executable, "-c", UNLOCK, str(keystore), str(password)],
                check=True,
                capture_output=True,
                text=True,
            )
            derivation = float(unlocked.stdout)
            taken, weight = first_decision(path)
        finally:
            devnet("down", folder)
    beyond = taken - imports - derivation
    print("| measure | value | goal |\n|---|---|---|")
    print(f"| imports (reference) | {imports:.2f} s | |")
    print(f"| key derivation (reference) | {derivation:.2f} s | |")
    print(f"| start to first decision, beyond both | {beyond:.2f} s | {GOAL_START_S} s |")
    print(f"| resident after {IDLE_S:.0f} s of turns | {weight:.0f} MB | {GOAL_IDLE_MB} MB |")


if __name__ == "__main__":
    main()
