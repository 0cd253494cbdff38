"""Which mutants of a room are tried, and how sure a score from some of them is."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Final

from tests.mutation.mutants import Mutant

Z: Final = 1.96
"""Standard deviations that hold 95 % of a normal distribution."""


def size(text: str) -> int:
    """Return how many mutants of a room `text` asks for, 0 for all."""
    return 0 if text == "all" else int(text)


def drawn(every: Sequence[Mutant], many: int, seed: int) -> list[Mutant]:
    """Return `many` of `every` mutant, of each file in proportion; all of them for 0.

    They are shuffled within files and dealt round by round, each file its share, so that a
    greater sample of the same seed begins with the smaller one's mutants of each file.
    """
    if not many or many >= len(every):
        return list(every)
    ranked: list[tuple[float, Mutant]] = []
    for path in sorted({mutant.path for mutant in every}):
        own = [mutant for mutant in every if mutant.path == path]
        random.Random(f"{seed} {own[0].room} {len(ranked)}").shuffle(own)
        ranked += [((place + 0.5) / len(own), mutant) for place, mutant in enumerate(own)]
    ranked.sort(key=lambda each: each[0])
    chosen = {mutant for _, mutant in ranked[:many]}
    return [mutant for mutant in every if mutant in chosen]


def interval(killed: int, tried: int, every: int) -> tuple[float, float]:
    """Return the 95 % interval (Wilson's) of the score of `every` mutant, as fractions.

    Without a sample there is nothing to estimate: both ends are the score.
    """
    share = killed / tried
    if tried >= every:
        return share, share
    spread = Z * Z / tried
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / tried + spread / tried / 4) / (1 + spread)
    half *= math.sqrt((every - tried) / (every - 1))
    return middle - half, middle + half
