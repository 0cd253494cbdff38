"""What is known when a bar is over, as numbers for a model. Nothing later goes in.

One bar at a time, live as in training: both are the same code, so they cannot differ. What is
not known is NaN; a hole in the bars begins everything anew.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from leverd.domain.bars import Bar
from leverd.domain.outcomes import EWMA
from leverd.domain.prediction import MICRO
from leverd.predict import estimators
from leverd.predict.estimators import Floats

BARS_MIN: Final = 48
"""Bars without a hole before there is anything to say."""

_WINDOWS: Final = (6, 24, 72, 168)
_RANGES: Final = (24, 168)
_KEPT: Final = 240
_ROOM: Final = 4_096
_GAP_MAX: Final = 3
"""Bars that may be missing in a row: prices go on, what moved between is one return."""
_FLOOR: Final = 1e-3
_DAY_S: Final = 86_400
_O, _H, _L, _C, _BORROW, _SUPPLY, _USED, _FEE, _FUNDING, _BASIS = range(10)

NAMES: Final = (
    *(f"return_{window}" for window in (1, 6, 24, 168)),
    *(f"close_close_{window}" for window in _WINDOWS),
    *(f"parkinson_{window}" for window in _RANGES),
    *(f"garman_klass_{window}" for window in _RANGES),
    *(f"yang_zhang_{window}" for window in _RANGES),
    "ewma",
    "ewma_fast",
    "largest_24",
    "downside_24",
    "borrow_rate",
    "borrow_change_24",
    "supply_rate",
    "utilisation",
    "gas_to_usual",
    "funding",
    "funding_mean_72",
    "basis",
    "day_sine",
    "day_cosine",
    "weekend",
)
"""What the numbers of a row are, in order. A model fits these or none."""


class Features:
    """The bars that rows are made of. Bounded."""

    def __init__(self, bar_s: int) -> None:
        self._bar_s = bar_s
        self._rows = np.full((_ROOM, 10), np.nan)
        self._used = 0
        self._at = 0

    def update(self, bar: Bar) -> Floats | None:
        """Return the row as of the end of `bar`, None while too little is known.

        Bars come in order; an older one adds nothing.
        """
        if bar.at <= self._at:
            return None
        if self._at and bar.at - self._at > _GAP_MAX * self._bar_s:
            self._used = 0
        self._at = bar.at
        if self._used == _ROOM:
            self._rows[:_KEPT] = self._rows[_ROOM - _KEPT :]
            self._used = _KEPT
        self._rows[self._used] = _row(bar)
        self._used += 1
        return self._features() if self._used >= BARS_MIN else None

    def _features(self) -> Floats:
        rows = self._rows[max(self._used - _KEPT, 0) : self._used]
        returns = np.diff(rows[:, _C])
        found = [
            *(_sum(returns, window) for window in (1, 6, 24, 168)),
            *self._volatilities(rows, returns),
            *_shape(returns[-24:]),
            *_rates(rows),
            *_time(self._at),
        ]
        return np.array(found)

    def _volatilities(self, rows: Floats, returns: Floats) -> list[float]:
        bar_s, found = self._bar_s, []
        for window in _WINDOWS:
            enough = len(returns) >= window
            found.append(estimators.close_close(returns[-window:], bar_s) if enough else math.nan)
        parts = [rows[-window:] if len(rows) > window else None for window in _RANGES]
        for by in (_parkinson, _garman_klass, _yang_zhang):
            found += [math.nan if part is None else by(part, bar_s) for part in parts]
        found.append(estimators.weighted(returns, EWMA, bar_s))
        found.append(estimators.weighted(returns[-72:], 0.9, bar_s))
        return [math.log(max(each, _FLOOR)) for each in found]


def _row(bar: Bar) -> tuple[float, ...]:
    last = bar.last
    shares = (last.borrow_rate, last.supply_rate, last.utilisation)
    fee = math.nan if not last.base_fee else math.log(last.base_fee)
    return (
        math.log(bar.open),
        math.log(bar.high),
        math.log(bar.low),
        math.log(bar.close),
        *(_share(each) for each in shares),
        fee,
        _share(last.funding),
        _share(last.basis),
    )


def _share(value: int | None) -> float:
    return math.nan if value is None else value / MICRO


def _sum(returns: Floats, window: int) -> float:
    return float(returns[-window:].sum()) if len(returns) >= window else math.nan


def _parkinson(rows: Floats, bar_s: int) -> float:
    return estimators.parkinson(rows[:, _H], rows[:, _L], bar_s)


def _garman_klass(rows: Floats, bar_s: int) -> float:
    return estimators.garman_klass(rows[:, _O], rows[:, _H], rows[:, _L], rows[:, _C], bar_s)


def _yang_zhang(rows: Floats, bar_s: int) -> float:
    return estimators.yang_zhang(rows[:, _O], rows[:, _H], rows[:, _L], rows[:, _C], bar_s)


def _shape(day: Floats) -> tuple[float, float]:
    """Return the largest move of the day to the usual one, and the share of squares downwards."""
    squares = day * day
    total = float(squares.sum())
    if total == 0:
        return 0.0, 0.5
    largest = math.sqrt(float(squares.max()) * len(day) / total)
    return largest, float(squares[day < 0].sum()) / total


def _rates(rows: Floats) -> tuple[float, ...]:
    last = rows[-1]
    before = rows[-25] if len(rows) > len(rows[-25:]) else rows[0]
    fees, funding = rows[-168:, _FEE], rows[-72:, _FUNDING]
    usual = float(np.median(fees)) if not np.isnan(fees).any() else math.nan
    return (
        float(last[_BORROW]),
        float(last[_BORROW] - before[_BORROW]),
        float(last[_SUPPLY]),
        float(last[_USED]),
        float(last[_FEE]) - usual,
        float(last[_FUNDING]),
        float(funding.mean()),
        float(last[_BASIS]),
    )


def _time(at: int) -> tuple[float, float, float]:
    turn = 2 * math.pi * (at % _DAY_S) / _DAY_S
    thursday = at // _DAY_S % 7  # 1970-01-01 was one
    return math.sin(turn), math.cos(turn), float(thursday in {2, 3})
