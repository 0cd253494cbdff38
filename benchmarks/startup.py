"""What it costs to ask for help: wall time and memory, beside a bare interpreter.

Run: python -m benchmarks.startup
The goal is for `run_agent --help` on an idle machine; the best of several runs is shown, and
the interpreter's own cost beside it, so that a slow machine shows itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

RUNS = 15
GOAL_S = 0.15
GOAL_MB = 30
SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True)
class Cost:
    seconds: float  # wall, the best of all runs
    megabytes: float  # resident, the most of all runs


def cost_of(command: Sequence[str]) -> Cost:
    """Return what running `command` costs; it must succeed."""
    seconds, kilobytes = [], []
    for _ in range(RUNS):
        began = perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(perf_counter() - began)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, command
        kilobytes.append(usage.ru_maxrss)
    return Cost(min(seconds), max(kilobytes) / 1024)


def main() -> int:
    """Print the table; return 1 if `run_agent --help` misses its goal."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "run_agent --help": [str(SCRIPTS / "run_agent"), "--help"],
        "leverd --help": [str(SCRIPTS / "leverd"), "--help"],
        "leverd db --help": [str(SCRIPTS / "leverd"), "db", "--help"],
    }
    costs = {name: cost_of(command) for name, command in commands.items()}
    print("| command | seconds | MB |")
    print("|---|---|---|")
    for name, cost in costs.items():
        print(f"| `{name}` | {cost.seconds:.3f} | {cost.megabytes:.0f} |")
    ours = costs["run_agent --help"]
    print(f"\ngoal for `run_agent --help`: {GOAL_S} s and {GOAL_MB} MB")
    return 0 if ours.seconds <= GOAL_S and ours.megabytes <= GOAL_MB else 1


if __name__ == "__main__":
    sys.exit(main())
