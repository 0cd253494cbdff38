"""The past that a sweep walks: prices and indexes at the end of each bar, as exact integers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from leverd.backtest.history.exact import WIDE_UNIT, Ints, Wide
from leverd.backtest.sweep import codes
from leverd.errors import SweepError

_POINTS_MIN = 2


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """One collateral and one debt, a row for each decision.

    Raises:
        SweepError: lengths differ, fewer than two points, or a price or index not above zero.
    """

    ts: Ints  # unix seconds at which the row is known, rising strictly
    collateral_price: Ints  # USD 1e-8 a whole token
    debt_price: Ints
    supply_index: Wide  # ray, of the collateral
    borrow_index: Wide  # ray, of the debt
    collateral_decimals: int
    debt_decimals: int
    amount: int  # raw collateral put in at the first point
    bonus: int = 500  # bps of the debt that a liquidator takes beside it
    period: int = 1  # points between two samples of equity, for Sharpe ratios
    name: str = "past"

    def __post_init__(self) -> None:
        columns = self._columns()
        lengths = {len(column) for column in columns}
        if len(lengths) != 1 or len(self) < _POINTS_MIN:
            points = f"{len(self)} point{'s' * (len(self) != 1)}"
            said = points if len(lengths) == 1 else "columns of different lengths"
            raise _unfit(self.name, f"{said}: two or more are needed", "take a longer history")
        for column, what in zip(columns, ("time", "price", "price", "index", "index"), strict=True):
            bad = np.flatnonzero((column if column.ndim == 1 else column.sum(axis=1)) <= 0)
            if len(bad):
                raise _unfit(self.name, f"point {bad[0]}: {what} is not above zero")
        if self.amount <= 0 or self.period <= 0 or self.bonus < 0:
            raise _unfit(self.name, "amount and period must be above zero, the bonus not below it")

    def __len__(self) -> int:
        return len(self.ts)

    def _columns(self) -> tuple[Ints, ...]:
        return (
            self.ts,
            self.collateral_price,
            self.debt_price,
            self.supply_index,
            self.borrow_index,
        )

    def between(self, first: int, last: int, name: str = "") -> Past:
        """Return the points [first, last), as views."""
        return replace(
            self,
            ts=self.ts[first:last],
            collateral_price=self.collateral_price[first:last],
            debt_price=self.debt_price[first:last],
            supply_index=self.supply_index[first:last],
            borrow_index=self.borrow_index[first:last],
            name=name or self.name,
        )

    def rows(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield collateral price, debt price, supply index and borrow index of each point."""
        supply, borrow = self.supply_index.tolist(), self.borrow_index.tolist()
        prices = zip(self.collateral_price.tolist(), self.debt_price.tolist(), strict=True)
        indexes = zip(supply, borrow, strict=True)
        for (own, owe), ((sh, sl), (bh, bl)) in zip(prices, indexes, strict=True):
            yield own, owe, sh * WIDE_UNIT + sl, bh * WIDE_UNIT + bl

    def digest(self) -> str:
        """Return the SHA-256 of everything in it."""
        found = hashlib.sha256(
            f"leverd past 1 {len(self)} {self.collateral_decimals} {self.debt_decimals} "
            f"{self.amount} {self.bonus} {self.period}".encode()
        )
        for column in self._columns():
            found.update(np.ascontiguousarray(column, dtype="<i8").tobytes())
        return found.hexdigest()


def _unfit(name: str, said: str, remedy: str = "") -> SweepError:
    return SweepError(said, number=codes.PATH, place=name, remedy=remedy)
