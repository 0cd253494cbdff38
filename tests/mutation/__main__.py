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
NOTHING: Final = 2
"""The exit code where no room has anything to try."""

MOST_S: Final = 6
"""Processor seconds of tests that a mutant has to survive; a second look has all of them."""


def say(line: str) -> None:
    """Write a line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Hunt; return 0 whatever is found, for who reads the record judges; 2 where nothing is."""
    chosen = _parsed(arguments)
    keeps: dict[str, record.Keep] = {}
    some: list[mutants.Mutant] = []
    with ExitStack() as files:
        for room in chosen.rooms:
            every = [each for each in mutants.of_room(room) if chosen.only in each.file]
            drawn = _drawn(room, every, chosen)
            if not (drawn or record.tried(room)) or not every:
                say(f"{room}: nothing to try, {_why(every, chosen)}")
                continue
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
        if some:
            hunt(some, told, memory=record.FOLDER / "reach.pickle", most_s=most_s)
    for room in keeps:
        say(record.summary(room))
    return 0 if keeps else NOTHING


def _drawn(
    room: str, every: Sequence[mutants.Mutant], chosen: argparse.Namespace
) -> list[mutants.Mutant]:
    """Return those of `every` mutant of a room that are asked for."""
    if chosen.again:
        before = record.survivors(room)
        return [mutant for mutant in every if str(mutant) in before]
    drawn = sample.drawn(every, chosen.mutants, chosen.seed)
    done = record.tried(room) if chosen.more else ()
    return [mutant for mutant in drawn if str(mutant) not in done]


def _why(every: Sequence[mutants.Mutant], chosen: argparse.Namespace) -> str:
    if every:
        return "no mutant of it was ever tried"
    return f"no file of it has {chosen.only!r} in its path" if chosen.only else "it has no code"


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
