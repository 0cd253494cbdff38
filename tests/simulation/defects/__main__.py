"""`python -m tests.simulation.defects BUDGET [WORD...]`: look for seeds that find defects.

Prints, for each defect whose name holds one of the words, the first seed below BUDGET that
finds it and what was seen; what is found goes into `found.py`.
"""

from __future__ import annotations

import sys

from loguru import logger
from tests.simulation.defects.catalogue import CATALOGUE
from tests.simulation.defects.planting import planted
from tests.simulation.schedule import play


def search(defect, seeds):
    """Return the first of `seeds` that finds `defect` and nothing without it; and what it saw."""
    with planted(defect):
        for seed in seeds:
            found = play(seed).violations
            if found:
                return seed, found[0].strip().splitlines()[-1]
    return None


def main(argv):
    """Search; return how many stayed hidden."""
    logger.disable("leverd")
    budget, words = int(argv[0]), argv[1:] or [""]
    hidden = 0
    for defect in CATALOGUE:
        if any(word in defect.name for word in words):
            found = search(defect, range(budget))
            hidden += found is None
            sys.stdout.write(f"{defect.name}: {found}\n")
            sys.stdout.flush()
    return hidden


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
