"""`python -m tests.mutation ROOM...`: hunt mutants of rooms, and keep what became of them."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from tests.mutation import mutants, record, sample
from tests.mutation.hunt import Result, hunt
from tests.mutation.trial import Fate

SEED: Final = 20250
MOST_S: Final = 6
"""Processor seconds of tests that a mutant has to survive; a second look has all of them."""


def say(line: str) -> None:
    """Write a line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Hunt; return 0 whatever is found, for who reads the record judges."""
    chosen = _parsed(arguments)
    keeps, some = {}, []
    with ExitStack() as files:
        for room in chosen.rooms:
            every = [each for each in mutants.of_room(room) if chosen.only in str(each)]
            drawn = sample.drawn(every, chosen.mutants, chosen.seed)
            if chosen.again:
                before = record.survivors(room)
                drawn = [mutant for mutant in every if str(mutant) in before]
            if chosen.more:
                done = record.tried(room)
                drawn = [mutant for mutant in drawn if str(mutant) not in done]
            say(f"{room}: {len(drawn)} of {len(every)} mutants, seed {chosen.seed}")
            goes_on = chosen.again or chosen.more
            keep = record.opened(room, len(every), chosen.seed, goes_on=goes_on)
            keeps[room] = files.enter_context(keep)
            some += drawn

        def told(result: Result) -> None:
            keeps[result.mutant.room](result)
            if result.fate is Fate.SURVIVED:
                say(f"SURVIVED {result.mutant} [{result.reaching} tests]")

        most_s = math.inf if chosen.again else MOST_S
        hunt(some, told, memory=record.FOLDER / "reach.pickle", most_s=most_s)
    for room in chosen.rooms:
        say(record.summary(room))
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("rooms", nargs="*", default=list(mutants.ROOMS))
    parser.add_argument("--mutants", type=sample.size, default=sample.size(_asked()))
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", default="", help="only of files with this in their path")
    parser.add_argument("--again", action="store_true", help="only what survived last time")
    parser.add_argument("--more", action="store_true", help="only what was never tried yet")
    return parser.parse_args(arguments)


def _asked() -> str:
    return os.environ.get("LEVERD_PROVE_MUTANTS", "400")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
