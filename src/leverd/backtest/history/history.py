"""What a replay reads of the past, and never a second more than was known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history import codes
from leverd.backtest.history.exact import Ints
from leverd.backtest.history.keys import BarsKey, SeriesKey
from leverd.backtest.history.series import Series
from leverd.backtest.history.words import moment
from leverd.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """One asset's prices, USD 1e-8, a row for each of the history's bars."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints

    def __post_init__(self) -> None:
        for array in self.arrays():
            array.flags.writeable = False

    def arrays(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Return open, high, low and close."""
        return self.open, self.high, self.low, self.close


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Bars on one grid of times, and series that hold between their rows.

    `ts` are the opens of the bars in unix seconds, rising strictly, each a multiple of `bar_s`;
    where bars were dropped it jumps. A bar's close, high and low are known at `ts + bar_s`.
    """

    bar_s: int
    ts: Ints
    bars: Mapping[BarsKey, Bars]
    series: Mapping[SeriesKey, Series]

    def __post_init__(self) -> None:
        self.ts.flags.writeable = False
        for each in self.bars.values():
            assert all(len(array) == len(self.ts) for array in each.arrays()), "one price a bar"
        object.__setattr__(self, "bars", MappingProxyType(dict(sorted(self.bars.items()))))
        object.__setattr__(self, "series", MappingProxyType(dict(sorted(self.series.items()))))

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def since(self) -> int:
        """When the first bar opens."""
        return int(self.ts[0])

    @property
    def until(self) -> int:
        """When the last bar is over."""
        return int(self.ts[-1]) + self.bar_s

    def opened_at(self, ts: int) -> int:
        """Return the last bar that has opened at `ts`, -1 if none: its open is known."""
        return int(np.searchsorted(self.ts, ts, side="right")) - 1

    def closed_at(self, ts: int) -> int:
        """Return the last bar that is over at `ts`, -1 if none: all of it is known."""
        return self.opened_at(ts - self.bar_s)

    def bars_of(self, key: BarsKey) -> Bars:
        """Return the bars of `key`.

        Raises:
            DataError: there are none.
        """
        if key not in self.bars:
            _unknown(str(key), [str(each) for each in self.bars])
        return self.bars[key]

    def series_of(self, key: SeriesKey) -> Series:
        """Return the rows of `key`.

        Raises:
            DataError: there are none.
        """
        if key not in self.series:
            _unknown(str(key), [str(each) for each in self.series])
        return self.series[key]

    def close_as_of(self, key: BarsKey, ts: int) -> int:
        """Return the newest close that is known at `ts`, USD 1e-8.

        Raises:
            DataError: no bar is over by then.
        """
        bars, row = self.bars_of(key), self.closed_at(ts)
        if row < 0:
            raise _too_early(str(key), ts, self.since + self.bar_s)
        return int(bars.close[row])

    def as_of(self, key: SeriesKey, ts: int) -> int | float:
        """Return the value of `key` that holds at `ts`: the newest that is stamped `ts` or before.

        Raises:
            DataError: nothing is known of it by then.
        """
        series = self.series_of(key)
        row = series.row_at(ts)
        if row < 0:
            raise _too_early(str(key), ts, int(series.ts[0]) if len(series) else None)
        return series.value(row)

    def slice(self, since: int, until: int) -> History:
        """Return the bars that open in [since, until), and what of the series bears on them.

        Views, no copies.

        Raises:
            DataError: that is not within the history.
        """
        if not self.since <= since < until <= self.until:
            raise DataError(
                f"{moment(since)} to {moment(until)} is not within the data",
                number=codes.OUTSIDE,
                remedy=f"choose times from {moment(self.since)} to {moment(self.until)}",
            )
        if not np.any((self.ts >= since) & (self.ts < until)):
            said = f"no bar opens from {moment(since)} to {moment(until)}: they are left out"
            raise DataError(said, number=codes.OUTSIDE)
        first, last = (int(each) for each in np.searchsorted(self.ts, [since, until], side="left"))
        bars = {
            key: Bars(*(array[first:last] for array in each.arrays()))
            for key, each in self.bars.items()
        }
        series = {key: each.between(since, until) for key, each in self.series.items()}
        return History(self.bar_s, self.ts[first:last], bars, series)

    def digest(self) -> str:
        """Return the SHA-256 of everything in it: the same numbers, the same name."""
        found = hashlib.sha256(f"leverd history 1 {self.bar_s}".encode())
        _absorb(found, "ts", (self.ts,))
        for bars_key, bars in self.bars.items():
            _absorb(found, str(bars_key), bars.arrays())
        for key, series in self.series.items():
            _absorb(found, str(key), series.arrays())
        return found.hexdigest()

    def size(self) -> int:
        """Return how many bytes its arrays hold."""
        arrays = [self.ts]
        arrays += [array for bars in self.bars.values() for array in bars.arrays()]
        held = sum(array.nbytes for array in arrays)
        return held + sum(each.nbytes for one in self.series.values() for each in one.arrays())


def _absorb(
    found: hashlib._Hash, name: str, arrays: tuple[NDArray[np.int64] | NDArray[np.float64], ...]
) -> None:
    for array in arrays:
        found.update(f"\n{name} {array.dtype.kind} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes())


def _unknown(name: str, known: list[str]) -> NoReturn:
    raise DataError(
        f"the history has no {name}",
        number=codes.UNKNOWN,
        remedy=f"it has {', '.join(known)}" if known else "describe a source of it",
    )


def _too_early(name: str, ts: int, first: int | None) -> DataError:
    known = f"the first is known at {moment(first)}" if first is not None else "it has no row"
    return DataError(f"nothing is known of {name} at {moment(ts)}: {known}", number=codes.TOO_EARLY)
