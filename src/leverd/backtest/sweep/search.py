"""A search over a space: run what is not done yet, check a sample, tell the best."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep import codes
from leverd.backtest.sweep.agreement import TOLERANCE
from leverd.backtest.sweep.blocks import Ground
from leverd.backtest.sweep.checking import Checked, check, sampled, together
from leverd.backtest.sweep.choices import Kind, Objective
from leverd.backtest.sweep.configuration import NAMES, Configurations
from leverd.backtest.sweep.drawing import CHUNK, AtRandom, Drawing, Grid
from leverd.backtest.sweep.engine import Engine, Runs
from leverd.backtest.sweep.objective import scores, sharpes
from leverd.backtest.sweep.outcome import COLUMNS, Exact
from leverd.backtest.sweep.space import Space
from leverd.errors import SweepError

Advance = Callable[[int, int], None]
"""Told how many chunks of how many are done."""
Chunks = Generator[tuple[Configurations, Floats], None, None]
"""Every chunk of a search with its results, in order."""

_EDGE: Final = COLUMNS.index("edge")
_GONE: Final = COLUMNS.index("liquidated_at")
_SHALLOW: Final = COLUMNS.index("shallow")
_WORK: Final = 400_000_000  # bars of configurations in a chunk: about a second
_CHUNK_MIN: Final = 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched, how, and for what."""

    space: Space
    kind: Kind = Kind.GRID
    trials: int = 1_000  # of a random or Optuna search
    seed: int = 1
    objective: Objective = Objective.SHARPE
    top: int = 10
    sample: int = 4  # configurations that each search holds against the exact engine

    def said(self) -> dict[str, Any]:
        """Return what decides which configurations are run."""
        how: dict[str, int | str] = {}
        how |= {} if self.kind is Kind.GRID else {"trials": self.trials, "seed": self.seed}
        if self.kind is Kind.OPTUNA:
            how["objective"] = self.objective.value
        return {"space": self.space.text(), "search": self.kind.value, **how}


class Keeper(Protocol):
    """Where chunks are kept, so that they are not run twice."""

    def done(self, index: int) -> bool:
        """Return whether chunk `index` is there."""

    def keep(self, index: int, table: Configurations, results: Floats) -> None:
        """Keep a chunk."""

    def chunk(self, index: int) -> tuple[Configurations, Floats]:
        """Return what a chunk holds."""


class Unkept:
    """Nowhere: what is run is looked at once and let go, so that memory does not grow with it."""

    def done(self, _index: int) -> bool:
        """Return False: nothing is there."""
        return False

    def keep(self, _index: int, _table: Configurations, _results: Floats) -> None:
        """Let a chunk go."""

    def chunk(self, index: int) -> tuple[Configurations, Floats]:
        """Return nothing: there is nothing to ask for."""
        raise AssertionError(f"chunk {index} was never said to be done")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search found: the best first."""

    table: Configurations
    results: Floats
    scores: Floats
    tried: int
    liquidated: int
    again: int  # within 1e-9 of an edge, and run by the exact engine
    shallow: int  # met a pool that was too shallow for an act
    variance: float  # of the Sharpe ratios (a period's) over all that were tried
    chunks: int
    checked: Checked


def search(
    wanted: Wanted,
    ground: Ground,
    engine: Engine,
    exact: Exact,
    keeper: Keeper,
    advance: Advance = lambda _done, _total: None,
) -> Found:
    """Return the best of `wanted` over `ground`; chunks that `keeper` has are not run again.

    Raises:
        SweepError: nothing in the space means anything, or a worker died.
        InexactError: the sample does not agree with `exact`.
    """
    if wanted.kind is Kind.OPTUNA:
        from leverd.backtest.sweep import guided  # noqa: PLC0415 -- loads Optuna

        total = guided.batches_of(wanted)
        chunks = guided.run(wanted, ground, engine, exact, keeper)
    else:
        drawing = _drawing(wanted, chunk_size(ground))
        total = drawing.chunks
        chunks = _run(drawing, ground, engine, exact, keeper)
    judge = _Judge(wanted, ground, exact, total)
    with closing(chunks):  # an engine is open in them
        for index, (table, results) in enumerate(chunks):
            judge.add(index, table, results)
            advance(index + 1, total)
    return judge.found()


def chunk_size(ground: Ground) -> int:
    """Return how many configurations make a chunk: about a second's work, by the past alone."""
    return max(_CHUNK_MIN, min(CHUNK, _WORK // len(ground.past)))


def _drawing(wanted: Wanted, size: int) -> Drawing:
    if wanted.kind is Kind.GRID:
        return Grid(wanted.space, size)
    return AtRandom(wanted.space, wanted.trials, wanted.seed, size)


def _run(drawing: Drawing, ground: Ground, engine: Engine, exact: Exact, keeper: Keeper) -> Chunks:
    """Yield every chunk, those that are kept as they were kept."""
    left = [index for index in range(drawing.chunks) if not keeper.done(index)]
    with ExitStack() as open_:
        made: Runs = iter(())
        if left:
            run = open_.enter_context(engine(ground, exact))
            made = run(drawing.chunk(index) for index in left)
        missing = iter([*left, None])
        following = next(missing)
        for index in range(drawing.chunks):
            if index != following:
                yield keeper.chunk(index)
                continue
            following = next(missing)
            table, results = next(made)
            keeper.keep(index, table, results)
            yield table, results


class _Judge:
    """Looks at each chunk once: the best, how much they differ, and a sample held to `exact`."""

    def __init__(self, wanted: Wanted, ground: Ground, exact: Exact, chunks: int) -> None:
        self._wanted, self._ground, self._exact, self._chunks = wanted, ground, exact, chunks
        self._best, self._ratios = _Best(wanted.top), _Spread()
        self._liquidated = self._again = self._shallow = 0
        count = min(wanted.sample, chunks)
        self._spread = set(np.linspace(0, chunks - 1, count).astype(int).tolist())
        self._checks: list[Checked] = []
        self._seen: set[bytes] = set()  # rows that were held against it

    def add(self, index: int, table: Configurations, results: Floats) -> None:
        """Look at chunk `index`."""
        found = scores(self._wanted.objective, results, self._ground.past)
        self._best.add(table, results, found)
        self._ratios.add(sharpes(results))
        self._liquidated += int((results[:, _GONE] >= 0).sum())
        self._again += int((~(results[:, _EDGE] >= TOLERANCE)).sum())
        self._shallow += int((results[:, _SHALLOW] > 0).sum())
        if index in self._spread and len(table):
            self._hold(table, results, -(-self._wanted.sample // len(self._spread)))

    def found(self) -> Found:
        """Return what came of all chunks."""
        best, ratios = self._best, self._ratios
        if not ratios.count:
            raise SweepError(
                "no configuration of this space means anything",
                number=codes.NOTHING,
                remedy="band_low <= target <= band_high must hold, and health at the target, "
                "threshold * target / (target - 1), must be above the floor and clear of the "
                "guardian; no leverage or health above 9, a threshold below 1, a fee at most 0.1",
            )
        self._hold(best.table[:1], best.results[:1], 1)
        return Found(
            best.table,
            best.results,
            best.scores,
            tried=ratios.count,
            liquidated=self._liquidated,
            again=self._again,
            shallow=self._shallow,
            variance=ratios.variance(),
            chunks=self._chunks,
            checked=together(self._checks),
        )

    def _hold(self, table: Configurations, results: Floats, count: int) -> None:
        rows = [each for each in sampled(results, count) if table[each].tobytes() not in self._seen]
        self._seen |= {table[each].tobytes() for each in rows}
        self._checks.append(check(table[rows], results[rows], self._ground, self._exact))


class _Best:
    """The highest scores seen, the first of equals first."""

    def __init__(self, top: int) -> None:
        self._top = top
        self.table = np.empty((0, len(NAMES)), dtype=np.int64)
        self.results = np.empty((0, len(COLUMNS)))
        self.scores = np.empty(0)

    def add(self, table: Configurations, results: Floats, found: Floats) -> None:
        joined = np.concatenate([self.scores, found])
        order = np.argsort(-joined, kind="stable")[: self._top]
        self.table = np.concatenate([self.table, table])[order]
        self.results = np.concatenate([self.results, results])[order]
        self.scores = joined[order]


class _Spread:
    """Count and variance of numbers that come in parts."""

    def __init__(self) -> None:
        self.count, self._mean, self._squares = 0, 0.0, 0.0

    def add(self, numbers: Floats) -> None:
        if not len(numbers):
            return
        count, mean = len(numbers), float(numbers.mean())
        away, total = mean - self._mean, self.count + count
        self._squares += float(((numbers - mean) ** 2).sum()) + away**2 * self.count * count / total
        self._mean += away * count / total
        self.count = total

    def variance(self) -> float:
        return self._squares / (self.count - 1) if self.count > 1 else 0.0
