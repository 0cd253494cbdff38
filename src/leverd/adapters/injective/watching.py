"""A market block by block: what is missed is noticed, read anew, and said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from loguru import logger
from pyinjective.proto.injective.stream.v2 import query_pb2 as stream
from pyinjective.proto.injective.stream.v2 import query_pb2_grpc as stream_grpc

from leverd.adapters.injective import codes
from leverd.adapters.injective.book import Book, Change
from leverd.adapters.injective.line import Line
from leverd.adapters.injective.numbers import from_chain
from leverd.adapters.injective.reads import ChainReads, levels_of
from leverd.errors import NonsenseError, UnreachableError
from leverd.interfaces.clock import Clock
from leverd.interfaces.spot_venue import Side, SpotFill, Ticked

_WAIT_S_FIRST: Final = 0.5
_WAIT_S_MAX: Final = 10.0


@dataclass(frozen=True, slots=True)
class Stamina:
    """When a stream is taken for dead, seconds."""

    silence_s_max: float = 20.0  # the chain makes a block at least every few
    outage_s_max: float = 120.0  # after which whoever listens is told


STAMINA: Final = Stamina()


class Watch:
    """One market as the chain streams it, for one subaccount."""

    def __init__(
        self,
        line: Line,
        reads: ChainReads,
        clock: Clock,
        *,
        market_id: str,
        subaccount: str,
        stamina: Stamina = STAMINA,
    ) -> None:
        self._line, self._reads, self._clock = line, reads, clock
        self._market_id, self._subaccount = market_id, subaccount
        self._stamina = stamina
        self._book = Book(market_id)
        self._block: int | None = None  # the last one told
        self._told_at = clock.monotonic()

    async def ticks(self) -> AsyncGenerator[Ticked, None]:
        """Return every block; the first, and each after a gap, says that others were missed.

        Raises:
            UnreachableError: nothing came for so long that whoever listens has to know.
        """
        failures = 0
        while True:
            try:
                async with aclosing(self._blocks()) as blocks:
                    async for message in blocks:
                        ticked = await self._taken(message)
                        if ticked is not None:
                            failures = 0
                            self._told_at = self._clock.monotonic()
                            yield ticked
            except (UnreachableError, NonsenseError) as error:
                silent = self._clock.monotonic() - self._told_at
                if silent >= self._stamina.outage_s_max:
                    raise
                wait = min(_WAIT_S_FIRST * 2**failures, _WAIT_S_MAX)
                failures = min(failures + 1, 16)
                logger.warning("{}; watching again in {:.1f} s", error, wait)
                await self._clock.sleep(wait)

    async def _blocks(self) -> AsyncGenerator[Any, None]:
        """Return the messages of one connection; silence ends it."""
        stub = stream_grpc.StreamStub(self._line.channel)
        request = stream.StreamRequest(
            spot_orderbooks_filter=stream.OrderbookFilter(market_ids=[self._market_id]),
            spot_trades_filter=stream.TradesFilter(
                market_ids=[self._market_id], subaccount_ids=[self._subaccount]
            ),
        )
        async with aclosing(self._line.stream(stub.StreamV2, request)) as messages:
            while True:
                try:
                    async with asyncio.timeout(self._stamina.silence_s_max):
                        message = await anext(messages)
                except TimeoutError as error:
                    raise UnreachableError(
                        f"no block for {self._stamina.silence_s_max:.0f} s",
                        number=codes.NO_ANSWER,
                        place=self._line.name,
                    ) from error
                yield message

    async def _taken(self, message: Any) -> Ticked | None:
        """Return the block a message tells of, None if it was told already."""
        block = int(message.block_height)
        before = self._block
        if before is not None and block <= before:
            return None
        missed = before is None or block != before + 1
        whole = [self._book.follow(change) for change in self._changes(message)]
        if missed or not all(whole) or self._book.sequence is None or self._book.crossed():
            # Of the same block, so that the changes that follow fit on.
            self._book.begin(await self._reads.book(self._market_id, levels=0, height=block))
            missed = True
        self._block = block
        at_ms = int(message.block_time)
        return Ticked(block, at_ms, self._book.depth(), self._fills(message, at_ms), missed)

    def _changes(self, message: Any) -> Sequence[Change]:
        return [
            Change(
                int(one.seq),
                levels_of(one.orderbook.buy_levels),
                levels_of(one.orderbook.sell_levels),
            )
            for one in message.spot_orderbook_updates
            if one.orderbook.market_id == self._market_id
        ]

    def _fills(self, message: Any, at_ms: int) -> tuple[SpotFill, ...]:
        return tuple(
            SpotFill(
                trade_id=str(one.trade_id),
                cid=str(one.cid),
                market_id=self._market_id,
                side=Side.BUY if one.is_buy else Side.SELL,
                price=from_chain(one.price),
                quantity=from_chain(one.quantity),
                fee=from_chain(one.fee),
                at_ms=at_ms,
            )
            for one in message.spot_trades
            if one.market_id == self._market_id
            and one.subaccount_id == self._subaccount
            and from_chain(one.quantity) > 0  # one that came too late is told of with nothing
        )
