"""A `SpotVenue` on a book in memory: for paper, whose book is a real one's, and for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leverd.adapters.simulated.spot_exchange import (
    DUPLICATE,
    Payload,
    SpotExchange,
    decoded,
    hash_of,
)
from leverd.domain.fixed_point import WAD
from leverd.errors import NonsenseError, RefusedError
from leverd.interfaces.spot_venue import (
    Depth,
    Purse,
    SpotAttempt,
    SpotFill,
    SpotMarket,
    SpotOrder,
    SpotSighting,
    SpotVenue,
    Standing,
    Ticked,
)

NO_MARKET: Final = 90
_REHEARSAL: Final = 92
_LIFETIME_BLOCKS: Final = 30


@dataclass(frozen=True, slots=True)
class Beginning:
    """What an account on paper has, once the real market says what its assets are called."""

    quote: int  # 1e-18s
    base: int  # 1e-18s
    sequence: int


class SimulatedSpot:
    """See `SpotVenue`. With `real`, each of its blocks is one here, and its book is traded on."""

    def __init__(
        self,
        exchange: SpotExchange,
        account: str,
        *,
        real: SpotVenue | None = None,
        beginning: Beginning | None = None,
        lifetime_blocks: int = _LIFETIME_BLOCKS,
    ) -> None:
        self._exchange, self._account, self._real = exchange, account, real
        self._beginning = beginning
        self._lifetime_blocks = lifetime_blocks

    @property
    def name(self) -> str:
        """The venue's name in settings and stamps."""
        return "simulated" if self._real is None else f"paper {self._real.name}"

    @property
    def account(self) -> str:
        """The address whose sequence numbers are the slots."""
        return self._account

    async def markets(self) -> Sequence[SpotMarket]:
        """Return every market that is traded."""
        return (self._exchange.market,)

    async def market(self, market_id: str) -> SpotMarket:
        """Return one market's rules; see `SpotVenue.market`."""
        if market_id != self._exchange.market.market_id:
            raise NonsenseError(
                f"there is no spot market {market_id}", number=NO_MARKET, place=self.name
            )
        if self._real is not None:
            self._exchange.market = await self._real.market(market_id)
            self._begin(self._exchange.market)
        return self._exchange.market

    async def depth(self, market_id: str, *, levels: int = 50) -> Depth:
        """Return the best `levels` of both sides."""
        await self.market(market_id)
        return self._exchange.depth(levels)

    async def purses(self) -> Mapping[str, Purse]:
        """Return what the account holds, by denomination."""
        return self._exchange.purses(self._account)

    async def slot(self) -> int:
        """Return the account's next sequence number."""
        return self._exchange.tills[self._account].sequence

    async def sign(self, order: SpotOrder, slot: int) -> SpotAttempt:
        """Return `order` as a payload, after a rehearsal; see `SpotVenue.sign`."""
        return self._attempt(order, slot, cancels=False)

    async def sign_cancel(self, order: SpotOrder, slot: int) -> SpotAttempt:
        """Return a payload that cancels `order`, named by its cid."""
        return self._attempt(order, slot, cancels=True)

    async def send(self, payload: bytes) -> None:
        """Hand a payload over; see `SpotVenue.send`."""
        self._exchange.submit(payload)

    async def look(self, order: SpotOrder, attempt: SpotAttempt) -> SpotSighting:
        """Return what became of `order`, which `attempt` placed."""
        exchange, head = self._exchange, self._exchange.height
        included = exchange.mined.get(attempt.tx_hash)
        block = included.block if included else 0
        for each in exchange.waiting:
            if (each.account, each.order.cid) == (self._account, order.cid):
                filled = order.quantity - each.left
                return SpotSighting(Standing.OPEN, head, filled, block)
        if included is None:
            return self._not_found(attempt)
        if included.code and included.code != DUPLICATE:
            return SpotSighting(
                Standing.REJECTED, head, block=block, code=included.code, reason=included.reason
            )
        fills = await self.fills(order)
        traded = sum((fill.quantity for fill in fills), Decimal(0))
        return SpotSighting(Standing.CLOSED, head, traded, block, fills=fills)

    async def fills(self, order: SpotOrder) -> tuple[SpotFill, ...]:
        """Return the trades of `order`, the oldest first."""
        return tuple(
            fill
            for account, fill in self._exchange.fills
            if account == self._account and fill.cid == order.cid
        )

    @asynccontextmanager
    async def watch(self, market_id: str) -> AsyncIterator[AsyncIterator[Ticked]]:
        """Return every block of the market from now on; see `SpotVenue.watch`."""
        await self.market(market_id)
        if self._real is None:
            yield self._own_blocks()
            return
        async with self._real.watch(market_id) as ticks:
            yield self._real_blocks(ticks)

    def circuits(self) -> Mapping[str, str]:
        """Return what the breaker of each endpoint lets through now."""
        return {} if self._real is None else self._real.circuits()

    async def close(self) -> None:
        """Release connections."""
        if self._real is not None:
            await self._real.close()

    def _begin(self, market: SpotMarket) -> None:
        begins = self._beginning
        if begins is not None:
            self._beginning = None
            held = {
                market.base: begins.base * 10**market.base_decimals // WAD,
                market.quote: max(begins.quote, 0) * 10**market.quote_decimals // WAD,
            }
            self._exchange.open(self._account, held, begins.sequence)

    def _attempt(self, order: SpotOrder, slot: int, *, cancels: bool) -> SpotAttempt:
        dead_after = self._exchange.height + self._lifetime_blocks
        payload = Payload(self._account, slot, dead_after, order, cancels)
        against = self._exchange.objection(payload)
        if against is not None:
            raise RefusedError(
                "rehearsal", f"the exchange would say no: {against.reason}", number=_REHEARSAL
            )
        encoded = payload.encoded()
        return SpotAttempt(order.cid, slot, hash_of(encoded), encoded, dead_after)

    def _not_found(self, attempt: SpotAttempt) -> SpotSighting:
        exchange = self._exchange
        if exchange.height <= attempt.dead_after:
            return SpotSighting(Standing.UNKNOWN, exchange.height)
        spent = exchange.tills[self._account].sequence > decoded(attempt.payload).slot
        return SpotSighting(Standing.LOST if spent else Standing.NEVER, exchange.height)

    async def _real_blocks(self, ticks: AsyncIterator[Ticked]) -> AsyncIterator[Ticked]:
        """Yield the real blocks; ours trade with what the real book shows in them."""
        async for tick in ticks:
            made = self._exchange.mine(block=tick.block, at_ms=tick.at_ms, others=tick.depth)
            yield Ticked(tick.block, tick.at_ms, tick.depth, self._mine(made), tick.resynced)

    async def _own_blocks(self) -> AsyncIterator[Ticked]:
        """Yield each block once somebody has made it."""
        exchange, made_one = self._exchange, asyncio.Event()
        told, traded = 0, len(exchange.fills)
        exchange.listeners.add(made_one)
        try:
            while True:
                missed, told = exchange.height != told + 1, exchange.height
                made, traded = exchange.fills[traded:], len(exchange.fills)
                yield Ticked(told, exchange.at_ms, exchange.depth(), self._mine(made), missed)
                await made_one.wait()
                made_one.clear()
        finally:
            exchange.listeners.discard(made_one)

    def _mine(self, made: Sequence[tuple[str, SpotFill]]) -> tuple[SpotFill, ...]:
        return tuple(fill for account, fill in made if account == self._account)
