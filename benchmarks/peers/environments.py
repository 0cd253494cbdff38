"""Environments of the peers' own, made once and kept beside ours, never in it."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".setup" / "peers"


@dataclass(frozen=True)
class Peer:
    """An engine of somebody else's: every version it is run with is in its list of pins."""

    name: str
    module: str  # that runs the shared work in its environment
    pins: str  # beside this file

    @property
    def python(self) -> Path:
        return HOME / self.name / "bin" / "python"


PEERS = (
    Peer("fractal-defi", "benchmarks.peers.run_fractal", "fractal_defi.txt"),
    Peer("demeter", "benchmarks.peers.run_demeter", "demeter.txt"),
)


def installed(peer: Peer, uv: Path) -> str | None:
    """Return why the peer cannot be run; None once its environment stands."""
    pins = Path(__file__).with_name(peer.pins)
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    stamp = HOME / peer.name / "pins.sha256"
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return None
    place = HOME / peer.name
    commands: list[list[str | Path]] = [
        [uv, "venv", "--quiet", "--clear", place],
        [uv, "pip", "install", "--quiet", "--python", peer.python, "-r", pins],
    ]
    for command in commands:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode:
            lines = found.stderr.strip().splitlines()
            return lines[-1].strip() if lines else f"uv ended with {found.returncode}"
    stamp.write_text(wanted, "ascii")
    return None
