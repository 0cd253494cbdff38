"""What is done on a market by those who trade on it, whichever world it is in."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, ClassVar

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
PATIENCE_S = 300.0
"""After that what was waited for never comes."""


class Traders:
    """Signs, sends and looks; `resting` orders are for whoever tidies up."""

    pause_s: ClassVar[float]
    market: SpotMarket
    name: str
    count: int
    resting: list[tuple[Any, SpotOrder]]

    def order(self, side: Side, manner: Manner, price: str, quantity: str) -> SpotOrder:
        self.count += 1
        wish = Wish(side, manner, Decimal(price), Decimal(quantity))
        return fitted(self.market, wish, f"{self.name}-{self.count}")

    async def place(
        self, venue: SpotVenue, order: SpotOrder, *, until: frozenset[Standing] | None = None
    ) -> tuple[SpotAttempt, SpotSighting]:
        """Sign, send, and look until something is known."""
        attempt = await venue.sign(order, await venue.slot())
        await venue.send(attempt.payload)
        found = await self.seen(venue, order, attempt, until=until)
        if found.standing is Standing.OPEN:
            self.resting.append((venue, order))
        return attempt, found

    async def seen(
        self,
        venue: SpotVenue,
        order: SpotOrder,
        attempt: SpotAttempt,
        *,
        until: frozenset[Standing] | None = None,
    ) -> SpotSighting:
        """Return the first look that knows something, or that stands as one of `until`."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await venue.look(order, attempt)
                if found.standing in (until or KNOWN):
                    return found
                await asyncio.sleep(self.pause_s)

    async def told(self, venue: SpotVenue, order: SpotOrder, quantity: int) -> tuple[SpotFill, ...]:
        """Return the trades of `order` by its history, once it tells all of them."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await venue.fills(order)
                if sum(fill.quantity for fill in found) == quantity:
                    return found
                await asyncio.sleep(self.pause_s)
