"""What the kernel does at an act: the swaps and balances of `bare`, in twofold numbers.

Sizes are whole units wherever `bare` has them, so that both round the same and stay the same;
half a unit's difference would grow threefold with each deleverage at 3x. Ratios are 1e-9, fees
pips, values USD 1e-8, prices USD 1e-8 a whole token, amounts raw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep.jit import compiled
from leverd.backtest.sweep.lanes import BI, BI_LOW, PC, PD, SI, SI_LOW, UNIT_C, UNIT_D
from leverd.backtest.sweep.twofold import (
    Two,
    added,
    down,
    less,
    lower,
    over,
    parted,
    root,
    scaled,
    times,
    up,
)

Act: TypeAlias = tuple[Two, Two, float, float, float, bool]
"""What an act leaves and costs: scaled supply and debt, fee, impact, how near it was to none, and
whether the pool was too shallow for it.

Near is relative, or raw units above two.
"""

# Columns of `configuration.floats`.
FEE: Final = 0  # pips
DEPTH: Final = 2  # USD 1e-8
DEPTH_LOW: Final = 3

_floor: Callable[[float], float] = np.floor  # to a float
_RATIO: Final = 1e9
_PIPS: Final = 1e6
_COARSE: Final = 2.0  # raw units: an act this small may round to none at all
_HALF: Final = 0.5  # of what is paid: a pool that takes as much is no market


@compiled
def raw_owned(supply: Two, points: Floats, t: int) -> Two:
    """Return scaled `supply` at point `t` in raw units, down."""
    return down(times(supply, (points[SI, t], points[SI_LOW, t])))


@compiled
def raw_owed(debt: Two, points: Floats, t: int) -> Two:
    """Return scaled `debt` at point `t` in raw units, up."""
    return up(times(debt, (points[BI, t], points[BI_LOW, t])))


@compiled
def worth(raw: Two, price: float, unit: float) -> Two:
    """Return the value of raw units, not rounded."""
    return parted(scaled(raw, price), unit)


@compiled
def owned(supply: Two, points: Floats, terms: Floats, t: int) -> Two:
    """Return the value of scaled `supply` at point `t`, down."""
    return down(worth(raw_owned(supply, points, t), points[PC, t], terms[UNIT_C]))


@compiled
def owed(debt: Two, points: Floats, terms: Floats, t: int) -> Two:
    """Return the value of scaled `debt` at point `t`, up."""
    return up(worth(raw_owed(debt, points, t), points[PD, t], terms[UNIT_D]))


@compiled
def _swapped(
    sold: Two, price_in: float, unit_in: float, price_out: float, unit_out: float, config: Floats
) -> Two:
    """Return what `sold` raw units buy in the pool."""
    net, depth = scaled(sold, _PIPS - config[FEE]), (config[DEPTH], config[DEPTH_LOW])
    if depth[0] == 0.0:
        price = scaled(scaled((unit_in, 0.0), _PIPS), price_out)
        return down(over(scaled(scaled(net, price_in), unit_out), price))
    reserve = down(parted(scaled(depth, unit_in), price_in))
    reserve_out = down(parted(scaled(depth, unit_out), price_out))
    return down(over(times(net, reserve_out), added(scaled(reserve, _PIPS), net)))


@compiled
def _to_borrow(own: Two, owe: Two, goal: float, config: Floats) -> Two:
    """Return what to borrow so that leverage after the swap is `goal`."""
    fee, depth = config[FEE], (config[DEPTH], config[DEPTH_LOW])
    short = less(scaled(less(own, owe), goal), scaled(own, _RATIO))
    plain = _RATIO * _PIPS + fee * (goal - _RATIO)
    if short[0] <= 0.0:
        return 0.0, 0.0
    if depth[0] == 0.0:
        return down(parted(scaled(short, _PIPS), plain))
    keep = _PIPS - fee
    slope = less(scaled(depth, plain), scaled(short, keep))
    inside = added(
        times(slope, slope), times(scaled(depth, 4.0 * _PIPS * keep), scaled(short, goal))
    )
    return down(over(less(root(inside), slope), scaled((2.0 * goal, 0.0), keep)))


@compiled
def _to_sell(own: Two, owe: Two, goal: float, config: Floats) -> tuple[Two, float, bool]:
    """Return what to sell so that leverage is `goal`, how near that was to failing, and whether so.

    Where the pool cannot give the goal: what makes health highest.
    """
    fee, depth = config[FEE], (config[DEPTH], config[DEPTH_LOW])
    excess = less(scaled(own, _RATIO), scaled(less(own, owe), goal))
    plain = _RATIO * _PIPS - goal * fee
    if excess[0] <= 0.0 or (depth[0] == 0.0 and plain <= 0.0):
        return (0.0, 0.0), abs(plain) / (_RATIO * _PIPS), False
    if depth[0] == 0.0:
        return down(parted(scaled(excess, _PIPS), plain)), plain / (_RATIO * _PIPS), False
    keep = _PIPS - fee
    curve = scaled((goal - _RATIO, 0.0), keep)
    slope = less(scaled(depth, plain), scaled(excess, keep))
    square = times(slope, slope)
    bend = times(scaled(curve, 4.0 * _PIPS), times(excess, depth))
    inside = less(square, bend)
    near = abs(inside[0]) / (square[0] + bend[0])
    if slope[0] > 0.0 and inside[0] >= 0.0:
        return down(over(less(slope, root(inside)), scaled(curve, 2.0))), near, False
    reach = added(scaled(own, keep), scaled(depth, _PIPS))
    inside = added(scaled(times(depth, depth), _PIPS), times(less(owe, depth), reach))
    bottom = added(scaled(depth, _PIPS), root(scaled(inside, _PIPS)))
    after = down(over(times(depth, reach), bottom))
    value = down(parted(scaled(less(after, depth), _PIPS), keep))
    return ((0.0, 0.0) if value[0] < 0.0 else value), near, True


@compiled
def _costs(paid: float, got: float, fee: float) -> tuple[float, float]:
    """Return fee and impact of a swap of values `paid` and `got`; nothing follows from them."""
    whole = _floor(paid)
    cost = _floor(whole * fee / _PIPS)
    return cost, whole - cost - _floor(got)


@compiled
def boosted(
    supply: Two, debt: Two, points: Floats, terms: Floats, t: int, config: Floats, goal: float
) -> Act:
    """Return what comes of borrowing, buying and supplying up to leverage `goal`."""
    own, owe, unit, unit_d = points[PC, t], points[PD, t], terms[UNIT_C], terms[UNIT_D]
    value = _to_borrow(owned(supply, points, terms, t), owed(debt, points, terms, t), goal, config)
    sold = down(parted(scaled(value, unit_d), owe))
    if sold[0] < 1.0:
        return supply, debt, 0.0, 0.0, np.inf if value[0] == 0.0 else 0.0, False
    bought = _swapped(sold, owe, unit_d, own, unit, config)
    cost, impact = _costs(sold[0] * owe / unit_d, bought[0] * own / unit, config[FEE])
    supply = added(supply, down(over(bought, (points[SI, t], points[SI_LOW, t]))))
    debt = added(debt, up(over(sold, (points[BI, t], points[BI_LOW, t]))))
    near, shallow = min(sold[0], bought[0]) - _COARSE, impact > _HALF * sold[0] * owe / unit_d
    return supply, debt, cost, impact, near, shallow


@compiled
def repaid(
    supply: Two, debt: Two, points: Floats, terms: Floats, t: int, config: Floats, goal: float
) -> Act:
    """Return what comes of withdrawing, selling and repaying down to leverage `goal`."""
    own, owe, unit, unit_d = points[PC, t], points[PD, t], terms[UNIT_C], terms[UNIT_D]
    value, near, shallow = _to_sell(
        owned(supply, points, terms, t), owed(debt, points, terms, t), goal, config
    )
    held = raw_owned(supply, points, t)
    sold = lower(down(parted(scaled(value, unit), own)), held)
    if sold[0] < 1.0:
        return supply, debt, 0.0, 0.0, near if value[0] == 0.0 else 0.0, shallow
    bought = _swapped(sold, own, unit, owe, unit_d, config)
    back = lower(bought, raw_owed(debt, points, t))
    cost, impact = _costs(sold[0] * own / unit, bought[0] * owe / unit_d, config[FEE])
    gone = up(over(sold, (points[SI, t], points[SI_LOW, t])))
    paid = down(over(back, (points[BI, t], points[BI_LOW, t])))
    supply = less(supply, lower(gone, supply))
    debt = less(debt, lower(paid, debt))
    near = min(near, min(sold[0], bought[0]) - _COARSE)
    return supply, debt, cost, impact, near, shallow or impact > _HALF * sold[0] * own / unit
