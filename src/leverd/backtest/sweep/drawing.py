"""Configurations in chunks, each chunk the same whenever and wherever it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from leverd.backtest.sweep import codes
from leverd.backtest.sweep.configuration import NAMES, Configurations, sound
from leverd.backtest.sweep.space import Space
from leverd.errors import SweepError

GRID_MAX: Final = 10**9
CHUNK: Final = 4_096
_ROUNDS: Final = 64


class Drawing(Protocol):
    """Where configurations come from, when none depends on the results of others."""

    @property
    def chunks(self) -> int:
        """How many chunks there are."""

    def chunk(self, index: int) -> Configurations:
        """Return the rows of one chunk that mean something; perhaps none."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination, the last parameter varying fastest."""

    space: Space
    chunk_size: int = CHUNK

    def __post_init__(self) -> None:
        if self.space.size() > GRID_MAX:
            raise SweepError(
                f"a grid of {self.space.size():,} is more than {GRID_MAX:,}",
                number=codes.TOO_MANY,
                remedy="take larger steps, or search at random",
            )

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.space.size() // self.chunk_size)

    def chunk(self, index: int) -> Configurations:
        """Return the rows of one chunk that mean something."""
        first = index * self.chunk_size
        left = np.arange(first, min(first + self.chunk_size, self.space.size()), dtype=np.int64)
        columns = []
        for each in reversed(self.space.dimensions):
            left, at = np.divmod(left, len(each.values))
            columns.append(np.array(each.values, dtype=np.int64)[at])
        table = np.stack(columns[::-1], axis=1)
        return table[sound(table)]


@dataclass(frozen=True, slots=True)
class AtRandom:
    """A number of draws, seeded; what means nothing is drawn again."""

    space: Space
    count: int
    seed: int
    chunk_size: int = CHUNK

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.count // self.chunk_size)

    def chunk(self, index: int) -> Configurations:
        """Return the rows of one chunk, as many as asked for unless hardly any means something."""
        wanted = min(self.chunk_size, self.count - index * self.chunk_size)
        draw = np.random.default_rng([self.seed, index])
        found = np.empty((0, len(NAMES)), dtype=np.int64)
        for _ in range(_ROUNDS):
            drawn = [each.drawn(draw, wanted) for each in self.space.dimensions]
            table = np.stack(drawn, axis=1)
            found = np.concatenate([found, table[sound(table)]])[:wanted]
            if len(found) == wanted:
                break
        return found
