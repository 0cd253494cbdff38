"""Values that hold until the next row: rates, indexes, funding, gas, oracle rounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history.exact import WIDE_UNIT, Floats, Ints, narrowed
from leverd.backtest.history.keys import Kind, SeriesKey

FLOATS: Final = frozenset({Kind.RATE, Kind.FUNDING})
"""Kinds that are kept as float64; all others are exact integers."""

WIDES: Final = frozenset({Kind.INDEX})
"""Kinds whose integers are beyond 64 bits."""

DIGITS: Final = {Kind.INDEX: 27, Kind.LST_RATE: 18, Kind.GAS: 0, Kind.ORACLE: 8}
"""Of an exact kind, how many decimals one unit has."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Rows of one key: `values[i]` is known from `ts[i]` until `ts[i + 1]`, both unix seconds.

    `ts` rises strictly. `values` is float64, int64, or int64 pairs (see `exact.Wide`).
    """

    key: SeriesKey
    ts: Ints
    values: NDArray[np.int64] | NDArray[np.float64]
    interval_h: Ints | None = None  # of funding: hours that each rate is for
    updated_at: Ints | None = None  # of oracle rounds: when each answer was given; never after ts

    def __post_init__(self) -> None:
        for array in self.arrays():
            assert len(array) == len(self.ts), "one value a row"
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.ts)

    def arrays(self) -> tuple[NDArray[np.int64] | NDArray[np.float64], ...]:
        """Return every array there is, `ts` first."""
        return tuple(
            each
            for each in (self.ts, self.values, self.interval_h, self.updated_at)
            if each is not None
        )

    def row_at(self, ts: int) -> int:
        """Return the row that is known at `ts`, -1 before the first."""
        return int(np.searchsorted(self.ts, ts, side="right")) - 1

    def rows_at(self, ts: Ints) -> Ints:
        """Return `row_at` of each of `ts`."""
        return np.asarray(np.searchsorted(self.ts, ts, side="right") - 1, dtype=np.int64)

    def value(self, row: int) -> int | float:
        """Return a row's value: an exact int, or a float where the kind is one."""
        assert 0 <= row < len(self.ts), "no such row; -1 is before anything was known"
        found = self.values[row]
        if self.key.kind in WIDES:
            return narrowed(found)
        return float(found) if self.key.kind in FLOATS else int(found)

    def floats(self) -> Floats:
        """Return all values as float64 in whole units (1.0 is one), for scans and plots."""
        if self.key.kind in FLOATS:
            return np.asarray(self.values, dtype=np.float64)
        scale = 10.0 ** DIGITS[self.key.kind]
        if self.key.kind in WIDES:
            high, low = self.values[:, 0], self.values[:, 1]
            return np.asarray(high * (WIDE_UNIT / scale) + low / scale, dtype=np.float64)
        return np.asarray(self.values / scale, dtype=np.float64)

    def between(self, since: int, until: int) -> Series:
        """Return what is known in [since, until): also the row that already holds at `since`."""
        first = max(self.row_at(since), 0)
        last = int(np.searchsorted(self.ts, until, side="left"))
        kept = slice(first, max(last, first))

        def cut(array: Ints | None) -> Ints | None:
            return None if array is None else array[kept]

        return replace(
            self,
            ts=self.ts[kept],
            values=self.values[kept],
            interval_h=cut(self.interval_h),
            updated_at=cut(self.updated_at),
        )
