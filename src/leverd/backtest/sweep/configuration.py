"""What a sweep varies, as the integers that both engines reckon with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history.exact import Floats, Ints

RATIO: Final = 10**9
"""One, of leverages and healths: as many places as the agents' own targets have."""
BPS: Final = 10**4
PIPS: Final = 10**6
USD: Final = 10**8


@dataclass(frozen=True, slots=True)
class Configuration:
    """One set of parameters, whole numbers of the unit that `SCALES` names.

    As the loop and the guardian: health below `guardian_below` deleverages to `guardian_to`.
    """

    target: int  # 1e-9: leverage it opens at and goes back to
    band_low: int  # 1e-9: leverage below which it boosts; one is never
    band_high: int  # 1e-9: leverage above which it repays
    health_floor: int  # 1e-9: health below which it repays; 0 is none
    guardian_below: int  # 1e-9: health below which the guardian repays; 0 is none
    guardian_to: int  # 1e-9: health it returns to; 0 derives it as the guardian does
    fee: int  # pips (1e-6) of what is put into a swap
    threshold: int  # bps: liquidation threshold of the collateral
    depth: int  # USD 1e-8: reserve on each side of the pool; 0 is no price impact
    gas: int  # USD 1e-8: what one act costs


NAMES: Final = tuple(each.name for each in fields(Configuration))
SCALES: Final = {
    **dict.fromkeys(NAMES, RATIO),
    "fee": PIPS,
    "threshold": BPS,
    "depth": USD,
    "gas": USD,
}
"""How many of its unit a parameter of 1.0 is."""

Configurations: TypeAlias = NDArray[np.int64]
"""One row a configuration, columns as `NAMES`."""

_RATIO_MAX: Final = 9 * RATIO  # the square of it over RATIO fits 64 bits
_FEE_MAX: Final = PIPS // 10
_CLEAR: Final = (1_010_001, 1_000_000)  # how far above the trigger a plan may end, and a hair
_RETURN: Final = (3, 2)  # how far above 1 the guardian returns, where nothing says


def typed(name: str, value: int) -> str:
    """Return a parameter as a person types it, to the last place."""
    return f"{Decimal(value) / SCALES[name]:f}"


def rows(configurations: Sequence[Configuration]) -> Configurations:
    """Return `configurations` as rows."""
    table = [[getattr(each, name) for name in NAMES] for each in configurations]
    return np.array(table, dtype=np.int64).reshape(-1, len(NAMES))


def row(table: Configurations, index: int) -> Configuration:
    """Return one row as a record."""
    return Configuration(*(int(each) for each in table[index]))


def sound(table: Configurations) -> NDArray[np.bool_]:
    """Return which rows mean something: in order, in range, and at rest at their own target.

    A target whose health is below its own floor or the guardian's trigger would deleverage at
    every point, and the engine raises to nothing within a hundredth of that trigger.
    """
    of = dict(zip(NAMES, table.T, strict=True))
    target, low, high = of["target"], of["band_low"], of["band_high"]
    floor, below, to = of["health_floor"], of["guardian_below"], of["guardian_to"]
    threshold = of["threshold"]
    bound = np.maximum(np.maximum(floor, below * _CLEAR[0] // _CLEAR[1]), RATIO)
    good = (low >= RATIO) & (target > RATIO) & (low <= target) & (target <= high) & (low < high)
    good &= (table[:, :6] >= 0).all(axis=1) & (table[:, :6] <= _RATIO_MAX).all(axis=1)
    good &= ((floor == 0) | (floor >= RATIO)) & ((below == 0) | (below > RATIO))
    good &= (to == 0) | ((below > 0) & (to > below))
    good &= (threshold > 0) & (threshold < BPS) & (of["fee"] >= 0) & (of["fee"] <= _FEE_MAX)
    good &= (of["depth"] >= 0) & (of["gas"] >= 0)
    within = np.clip(target, RATIO + 1, _RATIO_MAX)
    return np.asarray(good & (_health_at(np.clip(threshold, 0, BPS), within) > bound))


def goals(table: Configurations) -> tuple[Ints, Ints]:
    """Return the leverage (1e-9) to go to when health is below the floor, and the guardian's."""
    of = dict(zip(NAMES, table.T, strict=True))
    target, threshold, below = of["target"], of["threshold"], of["guardian_below"]
    floor = of["health_floor"]
    saved = np.where(floor > 0, np.minimum(target, _leverage_at(floor, threshold)), target)
    above = RATIO + (below - RATIO) * _RETURN[0] // _RETURN[1]
    at_target = _health_at(threshold, target)
    derived = np.where(at_target > below, target, _leverage_at(above, threshold))
    given = _leverage_at(of["guardian_to"], threshold)
    guarded = np.where(of["guardian_to"] > 0, given, derived)
    return np.maximum(saved, RATIO), np.where(below > 0, np.maximum(guarded, RATIO), target)


def floats(table: Configurations) -> Floats:
    """Return the columns that the kernel reads (its own list says which).

    An edge is the price of scaled collateral in scaled debt there, over debt / supply: leverage
    L is at L / (L - 1), health h at h / threshold. Goals are 1e-9, as they are given.
    """
    of = {name: table[:, at] / SCALES[name] for at, name in enumerate(NAMES)}
    whole = {name: table[:, at].astype(np.float64) for at, name in enumerate(NAMES)}
    depth = table[:, NAMES.index("depth")]
    saved, guarded = goals(table)
    low, high, threshold = of["band_low"], of["band_high"], of["threshold"]
    boost = np.where(low > 1, low / np.where(low > 1, low - 1, 1), np.inf)
    floor, guardian = of["health_floor"] / threshold, of["guardian_below"] / threshold
    down = (1 / threshold, high / (high - 1), floor, guardian)
    goal = (np.zeros(len(table)), whole["target"], saved.astype(float), guarded.astype(float))
    rest = (depth - whole["depth"].astype(np.int64)).astype(np.float64)
    terms = (whole["fee"], threshold, whole["depth"], rest, whole["gas"])
    return np.stack([*terms, boost, np.max(down, axis=0), *down, *goal], axis=1)


def _health_at(threshold: Ints, leverage: Ints) -> Ints:
    """Return threshold L / (L - 1) in 1e-9, down."""
    return threshold * (RATIO // BPS) * leverage // np.maximum(leverage - RATIO, 1)


def _leverage_at(health: Ints, threshold: Ints) -> Ints:
    """Return h / (h - threshold) in 1e-9, down; the highest there is where health is no more."""
    room = health - threshold * (RATIO // BPS)
    return np.where(room > 0, health * RATIO // np.maximum(room, 1), np.int64(2**62))
