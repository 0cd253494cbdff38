"""What a stream leaves out, repeats or breaks off is noticed, read anew, and said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import grpc
import pytest
from grpc import aio
from pyinjective.proto.injective.exchange.v2 import exchange_pb2, query_pb2, query_pb2_grpc
from pyinjective.proto.injective.stream.v2 import query_pb2 as stream
from pyinjective.proto.injective.stream.v2 import query_pb2_grpc as stream_grpc

from leverd.adapters.injective.line import Line, Patience, SaidNoError
from leverd.adapters.injective.numbers import to_chain
from leverd.adapters.injective.reads import ChainReads
from leverd.adapters.injective.watching import Stamina, Watch
from leverd.errors import BreakerOpenError, UnreachableError

pytestmark = pytest.mark.sockets

MARKET, OURS = "0xab", "0xsub"
Part = Any  # a response, or something to wait for


class Jumping:
    """Time passes by waiting alone."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Chain(stream_grpc.StreamServicer, query_pb2_grpc.QueryServicer):  # type: ignore[misc]  # untyped
    """Streams one list of parts a connection; its book is what `asks` says at each height."""

    connections: list[list[Part]] = field(default_factory=list)
    asks: dict[int, tuple[int, dict[str, str]]] = field(default_factory=dict)
    snapshots: list[int] = field(default_factory=list)
    failing: list[grpc.StatusCode] = field(default_factory=list)
    said: str = "no"
    asked: int = 0
    port: int = 0

    async def StreamV2(self, _request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        if not self.connections:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        for part in self.connections.pop(0):
            if callable(part):
                await part()
            else:
                yield part

    async def SpotOrderbook(self, _request: Any, context: Any) -> Any:  # noqa: N802
        self.asked += 1
        if self.failing:
            await context.abort(self.failing.pop(0), self.said)
        asked = dict(context.invocation_metadata()).get("x-cosmos-block-height")
        height = max(self.asks) if asked is None else int(asked)
        self.snapshots.append(height)
        sequence, asks = self.asks[height]
        return query_pb2.QuerySpotOrderbookResponse(seq=sequence, sells_price_level=levels(asks))


def levels(told: dict[str, str]) -> list[Any]:
    return [
        exchange_pb2.Level(p=to_chain(Decimal(price)), q=to_chain(Decimal(quantity)))
        for price, quantity in told.items()
    ]


def block(height: int, *changes: tuple[int, dict[str, str]], trade: str = "") -> Any:
    trades = [
        stream.SpotTrade(
            market_id=MARKET,
            subaccount_id=owner,
            cid="c",
            trade_id=f"{height}_{owner}",
            quantity=to_chain(Decimal(1)),
            price=to_chain(Decimal(20)),
            fee="-1",
        )
        for owner in (OURS, "0xother")
        if trade
    ]
    return stream.StreamResponse(
        block_height=height,
        block_time=height * 1000,
        spot_trades=trades,
        spot_orderbook_updates=[
            stream.OrderbookUpdate(
                seq=sequence,
                orderbook=stream.Orderbook(market_id=MARKET, sell_levels=levels(asks)),
            )
            for sequence, asks in changes
        ],
    )


@pytest.fixture
async def chain() -> AsyncIterator[Chain]:
    found = Chain()
    server = aio.server()
    stream_grpc.add_StreamServicer_to_server(found, server)
    query_pb2_grpc.add_QueryServicer_to_server(found, server)
    found.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield found
    await server.stop(None)


@pytest.fixture
def clock() -> Jumping:
    return Jumping()


@pytest.fixture
async def line(chain, clock) -> AsyncIterator[Line]:
    found = Line(f"127.0.0.1:{chain.port}", clock, tls=False, patience=Patience(deadline_s=20))
    yield found
    await found.close()


@pytest.fixture
def watch(line, clock) -> Watch:
    stamina = Stamina(silence_s_max=20, outage_s_max=60)
    return Watch(line, ChainReads(line), clock, market_id=MARKET, subaccount=OURS, stamina=stamina)


async def told(watch: Watch, count: int) -> list[Any]:
    found = []
    ticks = watch.ticks()
    async for tick in ticks:
        found.append(tick)
        if len(found) == count:
            break
    await ticks.aclose()
    return found


async def test_the_first_block_comes_with_a_snapshot_and_the_next_with_changes(chain, watch):
    chain.asks = {10: (4, {"20": "5"})}
    chain.connections = [[block(10, (4, {"20": "5"})), block(11, (5, {"21": "1"})), block(12)]]
    first, second, third = await told(watch, 3)
    assert (first.resynced, second.resynced, third.resynced) == (True, False, False)
    assert second.depth.asks == third.depth.asks == ((20, 5), (21, 1))
    assert chain.snapshots == [10]
    assert (second.block, second.at_ms) == (11, 11_000)


async def test_fills_are_ours_alone(chain, watch):
    chain.asks = {10: (4, {})}
    late = block(10, trade="yes")
    late.spot_trades.add().CopyFrom(late.spot_trades[0])
    late.spot_trades[-1].quantity = "0"  # it came second, and got nothing
    chain.connections = [[late]]
    ((fill,),) = [tick.fills for tick in await told(watch, 1)]
    assert (fill.trade_id, fill.fee) == (f"10_{OURS}", Decimal("-1e-18"))


async def test_a_missing_block_is_said_and_the_book_read_anew(chain, watch):
    chain.asks = {10: (4, {"20": "5"}), 13: (9, {"30": "1"})}
    chain.connections = [[block(10), block(13, (9, {"30": "1"}))]]
    _, late = await told(watch, 2)
    assert late.resynced
    assert late.depth.asks == ((30, 1),)


async def test_a_missing_change_is_said_although_no_block_is_missing(chain, watch):
    chain.asks = {10: (4, {"20": "5"}), 11: (6, {"22": "2"})}
    chain.connections = [[block(10), block(11, (6, {"22": "2"})), block(12, (7, {"23": "3"}))]]
    _, late, after = await told(watch, 3)
    assert (late.resynced, after.resynced) == (True, False)
    assert after.depth.asks == ((22, 2), (23, 3))


async def test_a_block_that_is_told_twice_is_told_once(chain, watch):
    chain.asks = {10: (4, {"20": "5"})}
    chain.connections = [[block(10), block(10, (4, {"20": "9"})), block(9), block(11)]]
    assert [tick.block for tick in await told(watch, 2)] == [10, 11]


async def test_a_stream_that_breaks_off_goes_on_where_it_was(chain, watch):
    chain.asks = {10: (4, {"20": "5"})}
    chain.connections = [[block(10)], [block(11, (5, {"21": "1"}))]]
    _, after = await told(watch, 2)
    assert not after.resynced  # nothing was missed
    assert after.depth.asks == ((20, 5), (21, 1))


async def test_a_stream_that_comes_back_late_says_what_it_missed(chain, watch):
    chain.asks = {10: (4, {"20": "5"}), 40: (8, {"25": "2"})}
    chain.connections = [[block(10)], [block(40, (8, {"25": "2"}))]]
    _, after = await told(watch, 2)
    assert after.resynced
    assert after.depth.asks == ((25, 2),)


async def test_a_stream_that_stays_away_is_said_in_the_end(chain, watch, clock):
    chain.asks = {10: (4, {})}
    chain.connections = [[block(10)]]
    ticks = watch.ticks()
    await anext(ticks)
    with pytest.raises(UnreachableError):
        await anext(ticks)
    assert clock.at >= 60


async def test_silence_is_no_stream(chain, line, clock):
    async def hold() -> None:
        await asyncio.Event().wait()

    chain.asks = {10: (4, {}), 11: (4, {})}
    chain.connections = [[block(10), hold], [block(11)]]
    stamina = Stamina(silence_s_max=3, outage_s_max=60)
    watch = Watch(line, ChainReads(line), clock, market_id=MARKET, subaccount=OURS, stamina=stamina)
    assert [tick.block for tick in await told(watch, 2)] == [10, 11]


async def test_a_snapshot_that_fails_is_asked_for_again(chain, watch):
    chain.asks = {10: (4, {"20": "5"})}
    chain.failing = [grpc.StatusCode.UNAVAILABLE]
    chain.connections = [[block(10)]]
    assert (await told(watch, 1))[0].depth.asks == ((20, 5),)


async def test_a_node_that_does_not_have_the_block_yet_is_waited_for(chain, line):
    chain.asks = {10: (4, {"20": "5"})}
    chain.failing = [grpc.StatusCode.UNKNOWN]
    chain.said = "injective is not ready; please wait for first block"
    assert (await ChainReads(line).book(MARKET, levels=0, height=10)).sequence == 4
    assert chain.asked == 2


async def test_a_refusal_is_not_asked_again_and_carries_the_chains_number(chain, line):
    chain.failing = [grpc.StatusCode.UNKNOWN] * 2
    chain.said = "codespace exchange code 2: spot market not found"
    with pytest.raises(SaidNoError) as caught:
        await ChainReads(line).book(MARKET, levels=0)
    assert (caught.value.codespace, caught.value.coded) == ("exchange", 2)
    assert chain.asked == 1


async def test_an_endpoint_that_keeps_failing_is_left_alone_then_tried(chain, line, clock):
    chain.asks = {10: (4, {})}
    chain.failing = [grpc.StatusCode.UNAVAILABLE] * 3
    with pytest.raises(UnreachableError):
        await ChainReads(line).book(MARKET, levels=0)
    assert chain.asked == 3
    with pytest.raises(BreakerOpenError):
        await ChainReads(line).book(MARKET, levels=0)
    assert line.circuit() == "open"
    await clock.sleep(6)
    assert (await ChainReads(line).book(MARKET, levels=0)).sequence == 4
    assert line.circuit() == "closed"
