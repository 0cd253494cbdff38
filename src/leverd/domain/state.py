"""The part of the world an action can change: venues' markets, and one position in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leverd.domain.changed import changed
from leverd.domain.lending import LendingMarket
from leverd.domain.pool import Pool
from leverd.domain.position import Position


@dataclass(frozen=True, slots=True)
class State:
    """Markets and a position at chain time `at` (unix seconds)."""

    at: int
    lending: Mapping[str, LendingMarket]
    pools: Mapping[str, Pool]
    position: Position

    @property
    def market(self) -> LendingMarket:
        """The lending market of the position's mandate."""
        return self.lending[self.position.mandate.lending]

    @property
    def pool(self) -> Pool:
        """The swap pool of the position's mandate."""
        return self.pools[self.position.mandate.pool]

    def with_market(self, market: LendingMarket) -> State:
        """Return the state with `market` in place of its namesake."""
        return changed(self, lending={**self.lending, market.market_id: market})

    def with_pool(self, pool: Pool) -> State:
        """Return the state with `pool` in place of its namesake."""
        return changed(self, pools={**self.pools, pool.pool_id: pool})
