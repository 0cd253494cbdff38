"""A stated rule for values that neither side confirms.

A row is an outlier if its extreme lies further from both the value before it and the value
after it than `FACTOR` times the usual move, and than `FLOOR`. The usual move is the median
absolute logarithmic move between neighbours in the row's block of `BLOCK` rows. A crash that
stays is none; a bad tick, and a wick that comes back within the bar, is one.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history import codes
from leverd.backtest.history.description import Source
from leverd.backtest.history.exact import Floats, Ints
from leverd.backtest.history.problems import Findings
from leverd.backtest.history.rows import Rows
from leverd.backtest.history.words import moment

Numbers: TypeAlias = NDArray[np.int64] | NDArray[np.float64]

BLOCK: Final = 240
_AT_ONCE: Final = 100  # blocks
FACTOR: Final = 25.0
FLOOR: Final = 0.10  # of the logarithm: about a tenth


def tell_outliers(
    prices: tuple[Numbers, Numbers, Numbers, Numbers],
    rows: Rows,
    source: Source,
    what: str,
    findings: Findings,
) -> None:
    """Note each row of which open, high, low and close (`prices`) stick out."""
    for index in outliers(*prices).tolist():
        said = f"{moment(int(rows.ts[index]))}: neither side confirms {what}"
        findings.judge(source.outliers, codes.OUTLIER, said, line=int(rows.lines[index]))


def outliers(opened: Numbers, high: Numbers, low: Numbers, close: Numbers) -> Ints:
    """Return the indexes of the bars that stick out; all prices are above zero.

    Some blocks at a time: floats of every row at once would outweigh the rows.
    """
    found: list[Ints] = []
    count = len(close)
    for first in range(0, count, BLOCK * _AT_ONCE):
        rows = np.arange(first, min(first + BLOCK * _AT_ONCE, count))
        before = np.where(rows > 0, close[rows - 1], opened[0])
        after = np.where(rows < count - 1, opened[np.minimum(rows + 1, count - 1)], close[-1])
        found.append(first + _sticking_out(before, low[rows], high[rows], after))
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _sticking_out(before: Numbers, low: Numbers, high: Numbers, after: Numbers) -> Ints:
    above = np.log(high) - np.log(np.maximum(before, after))
    below = np.log(np.minimum(before, after)) - np.log(low)
    usual = _usual(np.abs(np.log(after) - np.log(before)))
    return np.flatnonzero(np.maximum(above, below) > np.maximum(FLOOR, FACTOR * usual))


def _usual(moves: Floats) -> Floats:
    """Return the median of each row's block."""
    count = len(moves)
    whole = count // BLOCK * BLOCK
    usual = np.empty(count, dtype=np.float64)
    if whole:
        medians = np.median(moves[:whole].reshape(-1, BLOCK), axis=1)
        usual[:whole] = np.repeat(medians, BLOCK)
    if whole < count:
        usual[whole:] = np.median(moves[max(0, count - BLOCK) :])
    return usual
