"""A past and its lanes in one block of memory that other processes read without a copy."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep.lanes import Lanes, lanes_of
from leverd.backtest.sweep.past import Past

Arrays: TypeAlias = tuple[NDArray[np.float64] | NDArray[np.int64], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What every configuration of a sweep is run over."""

    past: Past
    against: Floats  # what the comparison returned in each period
    lanes: Lanes


def ground(past: Past, against: Floats) -> Ground:
    """Return `past` with its lanes."""
    return Ground(past, against, lanes_of(past, against))


@dataclass(frozen=True, slots=True)
class Plan:
    """How a ground lies in a block: enough to find it again in another process."""

    name: str
    shapes: tuple[tuple[tuple[int, ...], str], ...]
    terms: tuple[int, int, int, int, int, str]


def arrays_of(of: Ground) -> Arrays:
    """Return every array of a ground, in a fixed order."""
    past = of.past
    columns = (past.ts, past.collateral_price, past.debt_price)
    return (*columns, past.supply_index, past.borrow_index, of.against, *of.lanes)


def terms_of(past: Past) -> tuple[int, int, int, int, int, str]:
    """Return what else a past says."""
    places = past.collateral_decimals, past.debt_decimals
    return (*places, past.amount, past.bonus, past.period, past.name)


def ground_of(arrays: Arrays, terms: tuple[int, int, int, int, int, str]) -> Ground:
    """Return the ground that `arrays_of` took apart."""
    ts, own, owe, supply, borrow, against, *lanes = arrays
    past = Past(ts, own, owe, supply, borrow, *terms)  # type: ignore[arg-type]  # by position, as arrays_of says
    return Ground(past, against, Lanes(*lanes))  # type: ignore[arg-type]  # as above


def shared(of: Ground) -> tuple[SharedMemory, Plan]:
    """Return a block with a copy of a ground, and its plan; close and unlink it in the end."""
    arrays = arrays_of(of)
    block = SharedMemory(create=True, size=max(sum(each.nbytes for each in arrays), 1))
    at = 0
    for each in arrays:
        view = np.ndarray(each.shape, each.dtype, block.buf, at)
        view[...] = each
        at += each.nbytes
    shapes = tuple((each.shape, each.dtype.str) for each in arrays)
    return block, Plan(block.name, shapes, terms_of(of.past))


def attached(plan: Plan) -> tuple[SharedMemory, Ground]:
    """Return the ground of another process's block; it holds while the block is held."""
    block = SharedMemory(plan.name)
    arrays, at = [], 0
    for shape, kind in plan.shapes:
        view: NDArray[np.float64] = np.ndarray(shape, np.dtype(kind), block.buf, at)
        view.flags.writeable = False
        arrays.append(view)
        at += view.nbytes
    return block, ground_of(tuple(arrays), plan.terms)
