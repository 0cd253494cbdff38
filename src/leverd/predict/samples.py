"""What models learn from: rows of features, and what came true after each. NumPy only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from leverd.domain.bars import Bar
from leverd.domain.outcomes import YEAR_S, outcome
from leverd.domain.prediction import MICRO, Quantity
from leverd.predict.estimators import Floats
from leverd.predict.features import NAMES, Features

EWMA_COLUMN: Final = NAMES.index("ewma")
DAY_COLUMN: Final = NAMES.index("close_close_24")
BORROW_COLUMN: Final = NAMES.index("borrow_rate")
FUNDING_COLUMN: Final = NAMES.index("funding")
FUNDING_MEAN_COLUMN: Final = NAMES.index("funding_mean_72")
_EVERY: Final = 500
_FLOOR: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """A row for each bar from which a forecast can be counted. `truth` is NaN where not known."""

    quantity: Quantity
    horizon_s: int
    bar_s: int
    at: NDArray[np.int64]  # when the bar was over: the row is known from then on
    rows: Floats  # features.NAMES
    truth: Floats  # of (at, at + horizon]

    def __len__(self) -> int:
        return len(self.at)

    def digest(self) -> str:
        """Return the SHA-256 of everything in it, as sixteen hex digits."""
        found = hashlib.sha256(f"{self.quantity} {self.horizon_s} {self.bar_s}".encode())
        for array in (self.at, self.rows, self.truth):
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:16]

    def part(self, keep: NDArray[np.bool_]) -> Samples:
        """Return the samples that `keep` marks."""
        return Samples(
            self.quantity,
            self.horizon_s,
            self.bar_s,
            self.at[keep],
            self.rows[keep],
            self.truth[keep],
        )

    def known_by(self, now: int) -> Samples:
        """Return those whose truth was known at `now`: nothing else may be learnt from then."""
        return self.part((self.at + self.horizon_s <= now) & np.isfinite(self.truth))


def samples_of(
    bars: Sequence[Bar],
    quantity: Quantity,
    horizon_s: int,
    bar_s: int,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> Samples:
    """Return the samples that `bars` give; `advance(done, total)` is told how far it is."""
    features, at, rows, truths = Features(bar_s), [], [], []
    ends = [bar.at for bar in bars]
    span = horizon_s // bar_s
    for number, bar in enumerate(bars):
        if number % _EVERY == 0:
            advance(number, len(bars))
        row = features.update(bar)
        if row is None:
            continue
        at.append(ends[number])
        rows.append(row)
        ahead = bars[number : number + span + 1]
        until = ends[number] + horizon_s
        truth = outcome(quantity, ahead, made_at=ends[number], until=until, bar_s=bar_s)
        truths.append(np.nan if truth is None else truth / MICRO)
    found = Samples(
        quantity,
        horizon_s,
        bar_s,
        np.array(at, dtype=np.int64),
        np.array(rows, dtype=np.float64).reshape(len(at), len(NAMES)),
        np.array(truths, dtype=np.float64),
    )
    return found.part(np.isfinite(base_of(quantity, found.rows)))  # rates may begin after prices


def base_of(quantity: Quantity, rows: Floats) -> Floats:
    """Return what a model's answer is counted from: the simplest forecast after each row."""
    match quantity:
        case Quantity.VOLATILITY:
            return np.asarray(np.exp(rows[:, EWMA_COLUMN]))
        case Quantity.DIRECTION | Quantity.PRICE:
            return np.zeros(len(rows))
        case Quantity.BORROW_RATE:
            return rows[:, BORROW_COLUMN]
        case Quantity.FUNDING:
            return rows[:, FUNDING_COLUMN]
        case _:
            assert_never(quantity)


def scale_of(quantity: Quantity, rows: Floats, horizon_s: int) -> Floats:
    """Return how large a usual miss is after each row: returns spread with volatility."""
    if quantity is Quantity.DIRECTION:
        return np.asarray(np.exp(rows[:, EWMA_COLUMN]) * (horizon_s / YEAR_S) ** 0.5)
    return np.ones(len(rows))


def aim_of(samples: Samples) -> Floats:
    """Return what a model is fitted to: the truth counted from the base, in usual misses."""
    base = base_of(samples.quantity, samples.rows)
    if samples.quantity is Quantity.VOLATILITY:
        return np.asarray(np.log(np.maximum(samples.truth, _FLOOR) / base))
    scale = scale_of(samples.quantity, samples.rows, samples.horizon_s)
    return np.asarray((samples.truth - base) / scale)


def value_of(quantity: Quantity, aim: Floats, rows: Floats, horizon_s: int) -> Floats:
    """Return the forecast that an answer of a model stands for: the inverse of `aim_of`."""
    base = base_of(quantity, rows)
    if quantity is Quantity.VOLATILITY:
        return np.asarray(base * np.exp(aim))
    return np.asarray(base + aim * scale_of(quantity, rows, horizon_s))
