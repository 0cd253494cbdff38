"""A loopback indexer on injective-py's own servicer; what it tells, it heard from the real chain.

The real one is a closed service. This one answers what the adapter asks, in the indexer's own
units (smallest ones, prices in quote per base of those), and lags or lies when it is told to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from grpc import aio
from pyinjective.proto.exchange import injective_spot_exchange_rpc_pb2 as rpc
from pyinjective.proto.exchange import injective_spot_exchange_rpc_pb2_grpc as rpc_grpc
from pyinjective.proto.injective.stream.v2 import query_pb2 as stream
from pyinjective.proto.injective.stream.v2 import query_pb2_grpc as stream_grpc

BASE_PLACES, QUOTE_PLACES = 18, 6
STATUS = stream.OrderUpdateStatus


@dataclass
class Order:
    market_id: str
    subaccount_id: str
    cid: str
    quantity: Decimal
    created_at: int
    filled: Decimal = Decimal(0)
    state: str = "booked"


@dataclass
class Indexer(rpc_grpc.InjectiveSpotExchangeRPCServicer):  # type: ignore[misc]  # is untyped
    """Everything it has heard, by client id."""

    orders: dict[str, Order] = field(default_factory=dict)
    trades: list[Any] = field(default_factory=list)
    block: int = 0
    silent: bool = False  # it remembers, and tells nothing yet
    url: str = ""

    def heard(self, message: Any) -> None:
        self.block = int(message.block_height)
        for one in message.spot_orders:
            told = one.order.order
            self.orders.setdefault(
                one.cid,
                Order(
                    one.order.market_id,
                    told.order_info.subaccount_id,
                    one.cid,
                    _human(told.order_info.quantity),
                    int(message.block_time),
                ),
            )
            if one.status == STATUS.Cancelled:
                self.orders[one.cid].state = "canceled"
        for one in message.spot_trades:
            self._traded(one, int(message.block_time))

    async def OrdersHistory(self, request: Any, _context: Any) -> Any:  # noqa: N802 -- theirs
        found = [one for one in self.orders.values() if _matches(one, request) and not self.silent]
        return rpc.OrdersHistoryResponse(
            orders=[
                rpc.SpotOrderHistory(
                    market_id=one.market_id,
                    subaccount_id=one.subaccount_id,
                    cid=one.cid,
                    is_active=one.state == "booked",
                    state=one.state,
                    quantity=_places(one.quantity, BASE_PLACES),
                    filled_quantity=_places(one.filled, BASE_PLACES),
                    created_at=one.created_at,
                )
                for one in found
            ]
        )

    async def TradesV2(self, request: Any, _context: Any) -> Any:  # noqa: N802 -- theirs
        found = [one for one in self.trades if _matches(one, request) and not self.silent]
        return rpc.TradesV2Response(trades=found[request.skip : request.skip + request.limit])

    def _traded(self, one: Any, at: int) -> None:
        quantity = _human(one.quantity)
        order = self.orders.setdefault(
            one.cid,
            Order(one.market_id, one.subaccount_id, one.cid, quantity, at, state="filled"),
        )
        order.filled += quantity
        if order.filled >= order.quantity:
            order.state = "filled"
        self.trades.append(
            rpc.SpotTrade(
                market_id=one.market_id,
                subaccount_id=one.subaccount_id,
                cid=one.cid,
                trade_id=one.trade_id,
                trade_direction="buy" if one.is_buy else "sell",
                price=rpc.PriceLevel(
                    price=_places(_human(one.price), QUOTE_PLACES - BASE_PLACES),
                    quantity=_places(quantity, BASE_PLACES),
                    timestamp=at,
                ),
                fee=_places(_human(one.fee), QUOTE_PLACES),
                executed_at=at,
            )
        )


def _matches(one: Any, request: Any) -> bool:
    subaccounts = {request.subaccount_id, *getattr(request, "subaccount_ids", ())}
    return one.cid == request.cid and one.subaccount_id in subaccounts


def _human(text: str) -> Decimal:
    return Decimal(text or "0").scaleb(-18)


def _places(value: Decimal, places: int) -> str:
    return f"{value.scaleb(places):f}"


@asynccontextmanager
async def indexed(chain_stream: str, market_id: str) -> AsyncIterator[Indexer]:
    """Serve an indexer that hears everything from the next block on."""
    indexer = Indexer()
    server = aio.server()
    rpc_grpc.add_InjectiveSpotExchangeRPCServicer_to_server(indexer, server)
    indexer.url = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    channel = aio.insecure_channel(chain_stream)
    hearing = asyncio.create_task(_hear(indexer, channel, market_id))
    try:
        while not indexer.block:
            assert not hearing.done(), "the chain's stream ended"
            await asyncio.sleep(0.05)
        yield indexer
    finally:
        hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError, aio.AioRpcError):
            await hearing
        await channel.close()
        await server.stop(None)


async def _hear(indexer: Indexer, channel: aio.Channel, market_id: str) -> None:
    everybody = {"market_ids": [market_id], "subaccount_ids": ["*"]}
    request = stream.StreamRequest(
        spot_trades_filter=stream.TradesFilter(**everybody),
        spot_orders_filter=stream.OrdersFilter(**everybody),
    )
    async for message in stream_grpc.StreamStub(channel).StreamV2(request):
        indexer.heard(message)
