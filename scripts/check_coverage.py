"""Fail if a room is covered by tests less than it has to be."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

FLOORS: Final = {"domain": 100.0, "risk": 100.0, "execution": 100.0}
ELSEWHERE: Final = 85.0
REPORT: Final = Path(".setup/coverage.json")


def measured() -> dict[str, float]:
    """Return the branch coverage of each room, in percent."""
    subprocess.run(["coverage", "json", "-q", "-o", str(REPORT)], check=True)  # noqa: S607  # from the virtual environment
    covered: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for name, file in json.loads(REPORT.read_text(encoding="utf-8"))["files"].items():
        parts = Path(name).parts
        room = parts[parts.index("leverd") + 1].removesuffix(".py")
        summary = file["summary"]
        covered[room] += summary["covered_lines"] + summary["covered_branches"]
        total[room] += summary["num_statements"] + summary["num_branches"]
    return {room: 100.0 * covered[room] / total[room] for room in total if total[room]}


def main() -> int:
    """Return 1 and say which rooms, if any is below its floor."""
    failed = False
    for room, percent in sorted(measured().items()):
        floor = FLOORS.get(room, ELSEWHERE)
        missing = percent < floor
        failed |= missing
        sys.stdout.write(
            f"{room:12} {percent:6.2f} %  floor {floor:.0f} %{'  TOO LOW' * missing}\n"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
