"""The sample that every sweep holds against the exact engine before it tells anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep import codes
from leverd.backtest.sweep.agreement import disagreement
from leverd.backtest.sweep.blocks import Ground
from leverd.backtest.sweep.configuration import NAMES, Configurations, row, typed
from leverd.backtest.sweep.objective import put_in
from leverd.backtest.sweep.outcome import COLUMNS, Exact, outcome
from leverd.errors import InexactError

_EQUITY = COLUMNS.index("equity")
_EDGE = COLUMNS.index("edge")
_SHALLOW = COLUMNS.index("shallow")

CLEAR: Final = 1e-6
"""Distance from an edge at which an agent's own rounding (1e-9 of leverage) decides nothing."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How the sample went."""

    count: int
    apart: float  # the largest difference of an end, of itself; of what was put in, if liquidated


def together(parts: Sequence[Checked]) -> Checked:
    """Return how several samples went."""
    return Checked(
        sum(each.count for each in parts), max((each.apart for each in parts), default=0.0)
    )


def sampled(results: Floats, count: int) -> list[int]:
    """Return `count` rows, evenly spread, that may be held against an exact engine.

    Left out are those on or next to an edge, and those that met too shallow a pool.
    """
    fit = np.flatnonzero((results[:, _EDGE] >= CLEAR) & (results[:, _SHALLOW] == 0))
    spread = np.linspace(0, len(fit) - 1, min(count, len(fit))).astype(np.int64)
    found: list[int] = fit[np.unique(spread)].tolist()
    return found


def check(table: Configurations, results: Floats, ground: Ground, exact: Exact) -> Checked:
    """Return how far all rows are from `exact`.

    Raises:
        InexactError: one is further than 1e-9, and than rounding explains.
    """
    apart = 0.0
    for index in range(len(table)):
        fast = outcome(results[index])
        slow = exact(row(table, index), ground.past, ground.against)
        said = disagreement(fast, slow.outcome, put_in(ground.past), slow.loose)
        if said:
            raise InexactError(
                f"the fast engine is not the exact one: {said}",
                number=codes.INEXACT,
                place=described(table[index]),
                remedy="believe none of these results, and report this with the command",
            )
        ended = put_in(ground.past) if fast.liquidated_at >= 0 else abs(slow.outcome.equity)
        apart = max(apart, abs(fast.equity - slow.outcome.equity) / max(ended, 1e-8))
    return Checked(len(table), apart)


def described(values: Configurations) -> str:
    """Return one row of parameters as a person types them."""
    pairs = zip(NAMES, values.tolist(), strict=True)
    return " ".join(f"{name}={typed(name, value)}" for name, value in pairs)
