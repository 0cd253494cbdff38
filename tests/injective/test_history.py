"""What an indexer tells is ours, whole, in its own units, or not believed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from grpc import aio
from pyinjective.proto.exchange import injective_spot_exchange_rpc_pb2 as rpc
from pyinjective.proto.exchange import injective_spot_exchange_rpc_pb2_grpc as rpc_grpc
from tests.injective.test_rules import MARKET

from leverd.adapters.injective.history import History
from leverd.adapters.injective.line import Line
from leverd.adapters.injective.settling import InHistory
from leverd.adapters.system_clock import SystemClock
from leverd.errors import NonsenseError

pytestmark = pytest.mark.sockets


def trade(number: int, **changed: Any) -> Any:
    told = {
        "market_id": "0xab",
        "subaccount_id": "0xsub",
        "cid": "c",
        "trade_id": f"8_{number}",
        "trade_direction": "buy",
        "price": rpc.PriceLevel(price="0.000000000020125", quantity="1500000000000000000.000"),
        "fee": "24000",
        "executed_at": 1000 - number,
    }
    return rpc.SpotTrade(**(told | changed))


def remembered(**changed: Any) -> Any:
    told = {
        "market_id": "0xab",
        "subaccount_id": "0xsub",
        "cid": "c",
        "state": "Filled",
        "filled_quantity": "1500000000000000000",
        "created_at": 5,
    }
    return rpc.SpotOrderHistory(**(told | changed))


@dataclass
class Teller(rpc_grpc.InjectiveSpotExchangeRPCServicer):  # type: ignore[misc]  # is untyped
    trades: list[Any] = field(default_factory=list)
    orders: list[Any] = field(default_factory=list)
    endless: bool = False
    port: int = 0

    async def TradesV2(self, request: Any, _context: Any) -> Any:  # noqa: N802 -- theirs
        if self.endless:
            return rpc.TradesV2Response(trades=self.trades[:1] * request.limit)
        return rpc.TradesV2Response(trades=self.trades[request.skip :][: request.limit])

    async def OrdersHistory(self, _request: Any, _context: Any) -> Any:  # noqa: N802 -- theirs
        return rpc.OrdersHistoryResponse(orders=self.orders)


@pytest.fixture
async def teller() -> AsyncIterator[Teller]:
    found = Teller()
    server = aio.server()
    rpc_grpc.add_InjectiveSpotExchangeRPCServicer_to_server(found, server)
    found.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield found
    await server.stop(None)


@pytest.fixture
async def history(teller) -> AsyncIterator[History]:
    line = Line(f"127.0.0.1:{teller.port}", SystemClock(), tls=False)
    yield History(line, "0xsub")
    await line.close()


async def test_units_are_turned_into_what_people_say(teller, history):
    teller.trades = [trade(1)]
    (fill,) = await history.fills(MARKET, "c")
    assert (fill.price, fill.quantity, fill.fee) == (
        Decimal("20.125"),
        Decimal("1.5"),
        Decimal("0.024"),
    )


async def test_every_page_is_read_and_told_in_order_once(teller, history):
    teller.trades = [trade(number) for number in range(250)] + [trade(3)]
    fills = await history.fills(MARKET, "c")
    assert len(fills) == 250
    assert [fill.at_ms for fill in fills] == sorted(fill.at_ms for fill in fills)


@pytest.mark.parametrize("changed", [{"cid": "d"}, {"subaccount_id": "0x"}, {"market_id": "0x"}])
async def test_what_is_not_ours_is_left_out(teller, history, changed):
    teller.trades = [trade(1, **changed)]
    teller.orders = [remembered(**changed)]
    assert await history.fills(MARKET, "c") == ()
    assert await history.order(MARKET, "c") is None


async def test_trades_without_end_are_refused(teller, history):
    teller.trades, teller.endless = [trade(1)], True
    with pytest.raises(NonsenseError):
        await history.fills(MARKET, "c")


@pytest.mark.parametrize(
    "changed",
    [
        {"fee": "NaN"},
        {"fee": ""},
        {"price": rpc.PriceLevel(price="1e3", quantity="1")},
        {"price": rpc.PriceLevel(price="1", quantity="many")},
        {"trade_direction": "sideways"},
    ],
)
async def test_what_cannot_be_read_is_refused(teller, history, changed):
    teller.trades = [trade(1, **changed)]
    with pytest.raises(NonsenseError):
        await history.fills(MARKET, "c")


async def test_the_newest_order_of_an_id_counts(teller, history):
    teller.orders = [
        remembered(),
        remembered(created_at=9, is_active=True, state="booked", filled_quantity="0"),
    ]
    assert await history.order(MARKET, "c") == InHistory(True, "booked", Decimal(0))
    teller.orders.pop()
    assert await history.order(MARKET, "c") == InHistory(False, "filled", Decimal("1.5"))
