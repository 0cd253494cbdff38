"""`python -m tests.simulation SEED`: run one schedule and print its story."""

from __future__ import annotations

import sys

from loguru import logger
from tests.simulation.schedule import play


def say(text):
    """Write a line."""
    sys.stdout.write(f"{text}\n")


def main(argv):
    """Print the story of each seed named; return how many were violated."""
    failed = 0
    for seed in map(int, argv):
        logger.remove()
        logger.add(lambda line: say("    " + line.rstrip()), format="{message}")
        report = play(seed, say)
        say(f"seed {seed}: {report.turns} turns, {report.plans} plans, {dict(report.faults)}")
        for violation in report.violations:
            say(f"VIOLATED: {violation}")
        failed += bool(report.violations)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
