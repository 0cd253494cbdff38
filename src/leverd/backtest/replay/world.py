"""The replayed market as of any second: what a look would show, to the wei."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from leverd.adapters.simulated.ledger import Holder, Ledger
from leverd.backtest.history.history import History
from leverd.backtest.replay.accrual import Accrual
from leverd.backtest.replay.models import Models
from leverd.backtest.replay.points import Points, points_of
from leverd.backtest.replay.sources import assets_read
from leverd.domain import side
from leverd.domain.lending import LendingMarket
from leverd.domain.money import Asset
from leverd.domain.pool import ConstantProductPool
from leverd.domain.position import Mandate
from leverd.domain.view import Gas, Stamp

SOURCE: Final = "history"

_BLOCK_S: Final = 12

_KEPT: Final = 4
"""Moments whose markets are kept."""


def block_hash(number: int) -> str:
    """Return what a block of a replay is called."""
    return f"0x{number:064x}"


class World:
    """One position's markets over a history. Asked twice, it says the same."""

    def __init__(self, history: History, models: Models, mandate: Mandate) -> None:
        self.models, self.mandate = models, mandate
        assets = assets_read(models, mandate)
        self.points: Points = points_of(history, models, side.side_of(mandate), assets)
        self.accruals: Mapping[Asset, Accrual] = {
            each: Accrual(history, models.listings[each], models.rules, int(self.points.at[0]))
            for each in assets
        }
        self._kept: dict[tuple[int, int], tuple[LendingMarket, ConstantProductPool]] = {}
        self._newest: tuple[tuple[int, int, int, int], Holder, Ledger] | None = None

    def ledger(self, point: int, holder: Holder, nonce: int, native: int) -> Ledger:
        """Return everything as of a point."""
        return self.ledger_between(point, int(self.points.at[point]), holder, nonce, native)

    def ledger_between(
        self, point: int, at: int, holder: Holder, nonce: int, native: int
    ) -> Ledger:
        """Return everything as of `at`, from `point` up to the next one."""
        last, asked = self._newest, (point, at, nonce, native)
        if last is not None and last[0] == asked and last[1] is holder:
            return last[2]  # the block that follows a look at once
        market, pool = self._markets(point, at)
        mandate = self.mandate
        holders = {mandate.account: holder}
        made = Ledger(at, {mandate.lending: market}, {mandate.pool: pool}, holders, nonce, native)
        self._newest = asked, holder, made
        return made

    def block(self, at: int) -> int:
        """Return the number of the block at `at`: 1 at the first point, one more every 12 s."""
        return (at - int(self.points.at[0])) // _BLOCK_S + 1

    def stamp(self, point: int) -> Stamp:
        """Return what names a point: its block, and a time that is also when it was seen."""
        at = int(self.points.at[point])
        number = self.block(at)
        return Stamp(SOURCE, number, block_hash(number), at, datetime.fromtimestamp(at, UTC))

    def gas(self, point: int, native: int) -> Gas:
        """Return what inclusion costs at a point, to a key that holds `native` wei."""
        price = int(self.points.oracle[self.models.native][point])
        return Gas(int(self.points.base_fee[point]), self.models.chain.tip, price, native)

    @property
    def _pair(self) -> tuple[Asset, Asset]:
        return self.mandate.collateral, self.mandate.debt

    def _markets(self, point: int, at: int) -> tuple[LendingMarket, ConstantProductPool]:
        """Return lending market and pool; the newest few are kept, for a look asks again."""
        found = self._kept.get((point, at))
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept[point, at] = self._made(point, at)
        return found

    def _made(self, point: int, at: int) -> tuple[LendingMarket, ConstantProductPool]:
        points = self.points
        paid = {each: points.between(points.market, each, point, at) for each in self._pair}
        reserves = {
            each: accrual.reserve(at, self._answer(each, point, at))
            for each, accrual in self.accruals.items()
        }
        rules, emodes = self.models.rules, self.models.emodes
        staking = {each: int(rates[point]) for each, rates in points.staking.items()}
        market = LendingMarket(self.mandate.lending, rules, reserves, emodes, staking)
        return market, self._pool(paid)

    def _answer(self, asset: Asset, point: int, at: int) -> int:
        """Return what the oracle says: it moves with the market, or at points alone."""
        points = self.points
        if self.models.oracle.follows and not self.models.listings[asset].oracle_at:
            return points.between(points.oracle, asset, point, at)
        return int(points.oracle[asset][point])

    def _pool(self, paid: Mapping[Asset, int]) -> ConstantProductPool:
        one, other = self._pair
        depth = self.models.pool.depth
        return ConstantProductPool(
            self.mandate.pool,
            one,
            other,
            self.models.pool.fee,
            depth * one.unit // paid[one],
            depth * other.unit // paid[other],
        )
