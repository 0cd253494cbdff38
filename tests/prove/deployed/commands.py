"""Commands of the machine that the proof runs on: what they said, or why they failed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

PATIENCE_S = 900.0
"""For the longest of them, which install from the network on a machine that does much else."""

ROOT = Path(__file__).parents[3]


def run(
    *command: object,
    given: str = "",
    at: Path = ROOT,
    beside: Mapping[str, str] | None = None,
    code: int | None = 0,
) -> str:
    """Return all that `command` wrote, once it ended with `code`; None takes any."""
    found = subprocess.run(
        [str(each) for each in command],
        input=given,
        cwd=at,
        env={**os.environ, **(beside or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    said = found.stdout
    assert code is None or found.returncode == code, (
        f"{command} ended with {found.returncode}:\n{said[-4_000:]}"
    )
    return said
