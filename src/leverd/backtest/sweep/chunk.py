"""One chunk of configurations over one ground: what every worker does."""

from __future__ import annotations

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep.agreement import TOLERANCE
from leverd.backtest.sweep.blocks import Ground
from leverd.backtest.sweep.configuration import Configurations, floats, row
from leverd.backtest.sweep.outcome import COLUMNS, Exact, periods

_EDGE = COLUMNS.index("edge")
_GRAIN = COLUMNS.index("grain")
_SHALLOW = COLUMNS.index("shallow")


def results_of(table: Configurations, ground: Ground, exact: Exact) -> Floats:
    """Return the outcome of each row of `table`, columns as `Outcome`.

    What the kernel met within 1e-9 of a decision's edge is run again by `exact`; its row keeps
    the distance and what was shallow, and has no grain.
    """
    from leverd.backtest.sweep.kernel import sweep  # noqa: PLC0415 -- loads numba

    found = np.empty((len(table), len(COLUMNS)), dtype=np.float64)
    sweep(*ground.lanes, floats(table), np.empty(0), found)
    for index in np.flatnonzero(~(found[:, _EDGE] >= TOLERANCE)).tolist():  # also where it is none
        again = exact(row(table, index), ground.past, ground.against).outcome
        distance, shallow = found[index, _EDGE], found[index, _SHALLOW]
        found[index] = [getattr(again, name) for name in COLUMNS]
        found[index, _EDGE], found[index, _GRAIN], found[index, _SHALLOW] = distance, 0.0, shallow
    return found


def curve_of(table: Configurations, ground: Ground, exact: Exact) -> Floats:
    """Return the equity (USD) of the one row of `table` after each whole period."""
    from leverd.backtest.sweep.kernel import sweep  # noqa: PLC0415 -- loads numba

    assert len(table) == 1, "the kernel keeps the last one's"
    curve, found = np.zeros(periods(ground.past)), np.empty((1, len(COLUMNS)))
    sweep(*ground.lanes, floats(table), curve, found)
    if found[0, _EDGE] >= TOLERANCE:
        return curve
    return exact(row(table, 0), ground.past, ground.against).curve
