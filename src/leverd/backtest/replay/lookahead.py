"""Whether anything decided before a moment depends on what came after it.

The future is made another one, and the past replayed again: whoever knew nothing of it does
the same. What is made of a history, as features of models are, is made of each anew. An agent
that reads numbers of its own, from a file, reads the same ones either way: it is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats, Ints
from leverd.backtest.history.history import Bars, History
from leverd.backtest.history.series import Series
from leverd.backtest.replay.models import Models
from leverd.backtest.replay.replay import Replay, Rules
from leverd.backtest.replay.world import World
from leverd.domain.position import Mandate
from leverd.interfaces.journal import Entry

_BEYOND: Final = 64
"""Bars of another future that follow each moment: enough for what looks a few days ahead."""

_CENT: Final = 10**6  # USD 1e-8


@dataclass(frozen=True, slots=True)
class Foresight:
    """What came of one moment."""

    at: int  # chain time; everything up to it is compared
    compared: int  # journal entries
    place: int = 0  # of the first entry that another future changes, 0 if it changes none
    known: Entry | None = None  # that entry; None if there was none
    instead: Entry | None = None  # what it became


def foresights(
    history: History,
    models: Models,
    mandate: Mandate,
    rules: Callable[[History], Rules],
    *,
    moments: int,
    seed: int,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> Sequence[Foresight]:
    """Return what another future changes at `moments` bars of `history`, evenly apart.

    `rules` returns what keeps the position, of a history. `advance(done, total)` is told of
    progress.

    Raises:
        DataError: the history lacks what the models name.
    """
    whole = World(history, models, mandate)
    entries = Replay(whole, rules(history)).run().entries
    rows = np.linspace(0, len(history) - 1, moments + 2).astype(int)[1:-1].tolist()
    found = []
    for number, row in enumerate(rows):
        at = int(whole.points.at[(row + 1) * whole.points.per_bar - 1])
        other = another(history, row, np.random.default_rng([seed, number]))
        again = Replay(World(other, models, mandate), rules(other)).run().entries
        found.append(_compared(at, entries, again))
        advance(number + 1, len(rows))
    return found


def another(history: History, row: int, rng: np.random.Generator) -> History:
    """Return `history` up to the end of bar `row`, and another future of some bars after it.

    Bars' moves are put into another order and turned over; so are the values of each series.
    """
    last = min(row + _BEYOND, len(history) - 1)
    after = rng.permutation(np.arange(row + 1, last + 1))
    bars = {key: _with_moves(each, row, after) for key, each in history.bars.items()}
    known = int(history.ts[row]) + history.bar_s
    series = {key: _with_values(each, known, rng) for key, each in history.series.items()}
    return History(history.bar_s, history.ts[: last + 1], bars, series)


def _with_moves(bars: Bars, row: int, after: Ints) -> Bars:
    """Return the bars up to `row`, then those of `after` turned over: falls for rises."""
    opens, highs, lows, closes = (each / _CENT for each in bars.arrays())
    before = np.concatenate([opens[:1], closes[:-1]])
    levels = np.cumprod(before[after] / closes[after]) * closes[row]
    base = np.concatenate([closes[row : row + 1], levels[:-1]])
    turned = (base * before[after] / each[after] for each in (opens, lows, highs))
    made = (*turned, levels)
    return Bars(
        *(
            np.concatenate([each[: row + 1], _cents(new)])
            for each, new in zip(bars.arrays(), made, strict=True)
        )
    )


def _cents(prices: Floats) -> Ints:
    return np.maximum(np.rint(prices).astype(np.int64), 1) * _CENT


def _with_values(series: Series, known: int, rng: np.random.Generator) -> Series:
    """Return the series with the values of rows later than `known` in another order.

    Indexes keep theirs: a reserve's index never falls.
    """
    first = int(np.searchsorted(series.ts, known, side="right"))
    if series.values.ndim > 1 or first == len(series):
        return series
    rows = np.arange(len(series))
    rng.shuffle(rows[first:])
    return replace(series, values=series.values[rows])


def _compared(at: int, entries: Sequence[Entry], again: Sequence[Entry]) -> Foresight:
    known = [each for each in entries if each.chain_at <= at]
    others = [each for each in again if each.chain_at <= at]
    for place, (one, other) in enumerate(zip_longest(known, others), start=1):
        if one != other:
            return Foresight(at, len(known), place, one, other)
    return Foresight(at, len(known))
