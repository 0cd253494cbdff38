"""A past as the kernel walks it: float64 lanes a point, and extremes of blocks of points."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep.past import Past

A: Final = 0  # value of one scaled raw unit supplied, USD 1e-8
B: Final = 1  # of one scaled raw unit owed
M: Final = 2  # A / B
PC: Final = 3  # price of the collateral, USD 1e-8 a whole token
PD: Final = 4  # of the debt
SI: Final = 5  # supply index of the collateral, 1.0 is one
SI_LOW: Final = 6  # what of it a float does not hold
BI: Final = 7  # borrow index of the debt
BI_LOW: Final = 8
LANES: Final = 9

M_LOW: Final = 0
M_HIGH: Final = 1
M_AT: Final = 2  # the point of the lowest M
A_LOW: Final = 3
A_HIGH: Final = 4
B_LOW: Final = 5
B_HIGH: Final = 6

PUT_IN: Final = 0
PUT_IN_LOW: Final = 1  # what of it a float does not hold
BONUS: Final = 2
PERIOD: Final = 3
UNIT_C: Final = 4
UNIT_D: Final = 5

NEAR: Final = 16
"""Points of a small block."""
FAR: Final = 256
"""Points of a large one."""


class Lanes(NamedTuple):
    """All arrays are float64; only whole blocks and whole periods are told."""

    points: Floats  # (LANES, n)
    near: Floats  # (7, n // NEAR)
    far: Floats  # (7, n // FAR)
    samples: Floats  # (3, periods): A, B, and what the comparison returned in the period
    terms: Floats  # raw collateral put in, the bonus (bps), points in a period, raw units a token


def lanes_of(past: Past, against: Floats) -> Lanes:
    """Return `past` as the kernel reads it, about 80 bytes a point.

    `against` is what the comparison returned in each of `periods(past)`; zeros are cash.
    """
    from leverd.backtest.sweep.twofold import in_ones  # noqa: PLC0415 -- loads numba

    points = np.empty((LANES, len(past)), dtype=np.float64)
    units = 10.0**past.collateral_decimals, 10.0**past.debt_decimals
    points[PC], points[PD] = past.collateral_price, past.debt_price
    in_ones(past.supply_index, points[SI], points[SI_LOW])
    in_ones(past.borrow_index, points[BI], points[BI_LOW])
    points[A] = points[PC] * points[SI] / units[0]
    points[B] = points[PD] * points[BI] / units[1]
    points[M] = points[A] / points[B]
    ends = points[:, past.period :: past.period]
    samples = np.stack([ends[A], ends[B], against])
    put_in = float(past.amount), float(past.amount - int(float(past.amount)))
    terms = np.array([*put_in, past.bonus, past.period, *units], dtype=np.float64)
    lanes = Lanes(points, _blocks(points, NEAR), _blocks(points, FAR), samples, terms)
    for each in lanes:
        each.flags.writeable = False  # as other processes see them: one compiled kernel for all
    return lanes


def _blocks(points: Floats, size: int) -> Floats:
    count = points.shape[1] // size
    if not count:
        return np.empty((7, 0), dtype=np.float64)
    a, b, m = (points[lane, : count * size].reshape(count, size) for lane in (A, B, M))
    at = m.argmin(axis=1) + np.arange(count) * size
    lows_and_highs = (m.min(1), m.max(1), at, a.min(1), a.max(1), b.min(1), b.max(1))
    return np.ascontiguousarray(np.stack(lows_and_highs), dtype=np.float64)
