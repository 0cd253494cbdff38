"""A market, two who trade on it and a third: in memory, or on the real chain."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.spots import MARKET

from leverd.adapters.simulated.spot_exchange import SpotExchange
from leverd.adapters.simulated.spot_venue import SimulatedSpot
from leverd.interfaces.spot_rules import Wish, fitted
from leverd.interfaces.spot_venue import (
    Manner,
    Side,
    SpotAttempt,
    SpotFill,
    SpotMarket,
    SpotOrder,
    SpotSighting,
    SpotVenue,
    Standing,
)

KNOWN = frozenset(Standing) - {Standing.UNKNOWN}


@dataclass
class Simulated:
    """The book in memory, a block each few milliseconds."""

    maker: SpotVenue
    taker: SpotVenue
    market: SpotMarket
    exchange: SpotExchange
    count: int = 0
    resting: list[Any] = field(default_factory=list)

    def order(self, side: Side, manner: Manner, price: str, quantity: str) -> SpotOrder:
        self.count += 1
        wish = Wish(side, manner, Decimal(price), Decimal(quantity))
        return fitted(self.market, wish, f"cid-{self.count}")

    async def place(
        self, venue: SpotVenue, order: SpotOrder, *, until: frozenset[Standing] | None = None
    ) -> tuple[SpotAttempt, SpotSighting]:
        attempt = await venue.sign(order, await venue.slot())
        await venue.send(attempt.payload)
        return attempt, await self.seen(venue, order, attempt, until=until)

    async def seen(
        self,
        venue: SpotVenue,
        order: SpotOrder,
        attempt: SpotAttempt,
        *,
        until: frozenset[Standing] | None = None,
    ) -> SpotSighting:
        while True:
            found = await venue.look(order, attempt)
            if found.standing in (until or KNOWN):
                return found
            await asyncio.sleep(0)

    async def told(self, venue: SpotVenue, order: SpotOrder, quantity: int) -> tuple[SpotFill, ...]:
        """Return the trades of `order` by its history, once it tells all of them."""
        while True:
            found = await venue.fills(order)
            if sum(fill.quantity for fill in found) == quantity:
                return found
            await asyncio.sleep(0)

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
