"""The turns seen since the API began: what the journal, which keeps no quiet turn, cannot show."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from leverd.api.models.spot import SpotModel, SpotPoint
from leverd.domain.snapshot import Snapshot
from leverd.interfaces.watcher import Sight

_KEPT: Final = 4096
"""Turns a position: a day and a half at the quickest look of a live chain."""


class Trail:
    """Balances of the last turns, by position; bounded."""

    def __init__(self) -> None:
        self._looks: dict[str, deque[Snapshot]] = {}
        self._spot: deque[SpotPoint] = deque(maxlen=_KEPT)

    def note(self, sight: Sight | None) -> None:
        """Remember what a turn saw, unless it is known already; a new chain begins anew."""
        if sight is None:
            return
        for name, seen in sight.positions.items():
            looks = self._looks.setdefault(name, deque(maxlen=_KEPT))
            if looks and seen.snapshot.at < looks[-1].at - 86_400:
                looks.clear()
            if not looks or seen.snapshot.block > looks[-1].block:
                looks.append(seen.snapshot)

    def note_spot(self, spot: SpotModel | None) -> None:
        """Remember what a look at the order book saw, as above."""
        if spot is None or spot.chain_at is None or spot.profit is None or spot.bid is None:
            return
        if self._spot and spot.chain_at < self._spot[-1].at - 86_400:
            self._spot.clear()
        if not self._spot or spot.chain_at > self._spot[-1].at:
            self._spot.append(
                SpotPoint(
                    at=spot.chain_at,
                    profit=spot.profit.amount,
                    realised=spot.realised.amount,
                    held=spot.held.amount,
                    bid=spot.bid.amount,
                )
            )

    def spot_looks(self) -> Sequence[SpotPoint]:
        """Return what was seen of the order book, oldest first."""
        return list(self._spot)

    def looks(self, position: str) -> Sequence[Snapshot]:
        """Return what was seen of `position`, oldest first."""
        return list(self._looks.get(position, ()))
