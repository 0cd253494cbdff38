"""Compare each look with the journal, and mark P&L by it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Protocol

from leverd.domain.events import AlertRaised, Event, PortfolioStopped
from leverd.domain.view import Stamp
from leverd.engine import accounting
from leverd.engine.charter import World
from leverd.engine.collect import snapshot_of
from leverd.errors import ImpossibleError
from leverd.execution.reconcile import reconcile
from leverd.interfaces.venue import Observation, Observed
from leverd.risk.limits import Limits

UNVALUED: Final = "LVD-ORC-001"


class Record(Protocol):
    """Journals events in one commit, with what execution holds back for one."""

    async def __call__(self, *events: Event, chain_at: int = 0) -> None:
        """Journal `events`; none is none."""
        ...


class Bookkeeper:
    """What others did, what it is all worth, and whether too much of it is gone."""

    def __init__(self, world: World, record: Record) -> None:
        self._world, self._record = world, record
        self._strange: set[str] = set()  # positions whose balances differ, which one look saw
        self._unmarked: set[str] = set()  # positions of which it was said that they are not marked

    @property
    def strange(self) -> Collection[str]:
        """Positions whose balances are not as known, which is not believed yet."""
        return frozenset(self._strange)

    async def keep(self, seen: Observation, apart: Collection[str], limits: Limits) -> None:
        """Journal what `seen` shows beyond what is known; positions `apart` cannot be valued.

        A position that something under way may change is neither compared nor marked: what we
        are doing ourselves is verified from its receipt.
        """
        busy = self._world.executor.touched()
        still = {
            name: each
            for name, each in seen.positions.items()
            if name not in busy and name not in apart
        }
        self._strange &= still.keys()
        for position_id, each in still.items():
            await self._reconcile(position_id, each, seen.stamp)
        for position_id, each in still.items():
            if position_id not in self._strange:
                await self._mark(position_id, each, seen)
                await self._check_stop(position_id, seen.stamp, limits)

    async def _reconcile(self, position_id: str, each: Observed, stamp: Stamp) -> None:
        page = self._world.recorder.book.page(position_id)
        mandate = each.state.position.mandate
        found = reconcile(mandate, page.snapshot, snapshot_of(each.state, stamp))
        if self._believed(position_id, found):
            await self._record(*found, chain_at=stamp.at)

    def _believed(self, position_id: str, found: Sequence[Event]) -> bool:
        """Whether a difference is one: a reorganisation looks the same until it is noticed."""
        believed = position_id in self._strange or not self._world.executor.provisional
        (self._strange.discard if believed or not found else self._strange.add)(position_id)
        return believed

    async def _mark(self, position_id: str, each: Observed, seen: Observation) -> None:
        """Record P&L when something happened, or a day went by.

        Something lent that is no collateral, and has no price, keeps it from being reckoned, and
        from nothing else: what is lowered is judged by what the venue counts.
        """
        page = self._world.recorder.book.page(position_id)
        if not accounting.is_due(page, seen.stamp.at):
            return
        try:
            mark = accounting.mark(page, each.state, seen.stamp, seen.gas.native_price)
        except ImpossibleError as error:
            if position_id not in self._unmarked:
                text = f"P&L is not marked, nor the portfolio stop asked: {error.message}"
                self._world.notifier.notify(AlertRaised(position_id, UNVALUED, text))
            self._unmarked.add(position_id)
            return
        self._unmarked.discard(position_id)
        await self._record(mark, chain_at=seen.stamp.at)

    async def _check_stop(self, position_id: str, stamp: Stamp, limits: Limits) -> None:
        """Fire the portfolio stop if too much is lost."""
        record = self._world.recorder.book.page(position_id).record
        if record.stopped or not accounting.fell_too_far(record, limits):
            return
        stopped = PortfolioStopped(position_id, record.unit_price, record.unit_peak)
        await self._record(stopped, chain_at=stamp.at)
