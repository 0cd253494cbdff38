"""Both engines on one configuration, as tests call them."""

from __future__ import annotations

import numpy as np

from leverd.backtest.sweep.bare import bare
from leverd.backtest.sweep.configuration import Configuration, floats, rows
from leverd.backtest.sweep.kernel import sweep
from leverd.backtest.sweep.lanes import Lanes, lanes_of
from leverd.backtest.sweep.outcome import COLUMNS, Outcome, Truth, outcome, periods
from leverd.backtest.sweep.past import Past
from leverd.backtest.sweep.replayed import replayed
from leverd.backtest.sweep.search import Unkept


def fast(configuration: Configuration, past: Past, *, by=sweep, blocks: bool = True) -> Outcome:
    """Return what the kernel makes of one configuration; without `blocks` it looks at all."""
    out = np.empty((1, len(COLUMNS)))
    by(*(lanes(past) if blocks else bared(past)), table(configuration), np.empty(0), out)
    return outcome(out[0])


def exact(configuration: Configuration, past: Past) -> Outcome:
    """Return what the bare loop makes of it."""
    return bare(configuration, past, np.zeros(periods(past))).outcome


def real(configuration: Configuration, past: Past) -> Truth:
    """Return what the real agents make of it."""
    return replayed(configuration, past, np.zeros(periods(past)))


def table(*configurations: Configuration):
    return floats(rows(configurations))


def lanes(past: Past) -> Lanes:
    return lanes_of(past, np.zeros(periods(past)))


def bared(past: Past) -> Lanes:
    none = np.empty((7, 0))
    none.flags.writeable = False
    return lanes(past)._replace(near=none, far=none)


def put_in(past: Past) -> float:
    unit: int = 10 ** (past.collateral_decimals + 8)
    return past.amount * int(past.collateral_price[0]) / unit


def zeros(past: Past):
    """Return the returns of cash."""
    return np.zeros(periods(past))


class InMemory(Unkept):
    """Chunks that are kept as long as somebody looks."""

    def __init__(self):
        self._chunks = {}

    def done(self, index):
        return index in self._chunks

    def keep(self, index, table, results):
        self._chunks[index] = table, results

    def chunk(self, index):
        return self._chunks[index]
