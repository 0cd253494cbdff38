"""A market, two who trade on it and a third: in memory, or on the real chain."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.contract.traders import Traders
from tests.spots import MARKET

from leverd.adapters.simulated.spot_exchange import SpotExchange
from leverd.adapters.simulated.spot_venue import SimulatedSpot
from leverd.interfaces.spot_venue import SpotMarket, SpotOrder, SpotVenue, Standing


@dataclass
class Simulated(Traders):
    """The book in memory, a block each few milliseconds."""

    pause_s: ClassVar[float] = 0.0

    maker: SpotVenue
    taker: SpotVenue
    market: SpotMarket
    exchange: SpotExchange
    name: str = "cid"
    count: int = 0
    resting: list[tuple[Any, SpotOrder]] = field(default_factory=list)

    async def cancel(self, venue: SpotVenue, order: SpotOrder) -> None:
        attempt = await venue.sign_cancel(order, await venue.slot())
        await venue.send(attempt.payload)
        await self.seen(venue, order, attempt, until=frozenset({Standing.CLOSED}))

    @asynccontextmanager
    async def third(self) -> AsyncIterator[SpotVenue]:
        yield SimulatedSpot(self.exchange, "third")

    @asynccontextmanager
    async def hasty(self) -> AsyncIterator[SpotVenue]:
        yield SimulatedSpot(self.exchange, "maker", lifetime_blocks=2)


@asynccontextmanager
async def simulated() -> AsyncIterator[Simulated]:
    exchange = SpotExchange(MARKET)
    for name in ("maker", "taker", "third"):
        exchange.open(name, {"inj": 10**24, "usdt": 10**18})

    async def mine() -> None:
        while True:
            exchange.mine()
            await asyncio.sleep(0.002)

    mining = asyncio.create_task(mine())
    try:
        maker, taker = SimulatedSpot(exchange, "maker"), SimulatedSpot(exchange, "taker")
        yield Simulated(maker, taker, MARKET, exchange)
    finally:
        mining.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await mining
