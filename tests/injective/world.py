"""A market on the real chain, two traders on it, and an indexer that hears it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, ClassVar

import grpc
import pytest
from pyinjective.proto.cosmos.bank.v1beta1 import tx_pb2 as bank
from pyinjective.proto.cosmos.base.tendermint.v1beta1 import query_pb2 as comet
from pyinjective.proto.cosmos.base.tendermint.v1beta1 import query_pb2_grpc as comet_grpc
from pyinjective.proto.cosmos.base.v1beta1.coin_pb2 import Coin
from pyinjective.proto.cosmos.tx.v1beta1 import service_pb2 as tx
from pyinjective.proto.cosmos.tx.v1beta1 import service_pb2_grpc as tx_grpc
from pyinjective.proto.injective.exchange.v2 import tx_pb2
from pyinjective.transaction import Transaction
from pyinjective.wallet import PrivateKey
from tests.contract.traders import Traders
from tests.injective.indexer import Indexer, indexed
from tests.injective.injectived import (
    BASE,
    CHAIN_ID,
    MAKER,
    QUOTE,
    STRANGER,
    TAKER,
    Injectived,
    Trader,
)

from leverd.adapters.aiohttp_client.client import AiohttpClient
from leverd.adapters.injective.line import Patience
from leverd.adapters.injective.numbers import to_chain
from leverd.adapters.injective.reads import ChainReads
from leverd.adapters.injective.signer import InjectiveSigner
from leverd.adapters.injective.venue import InjectiveSpot, Manners, Where
from leverd.adapters.system_clock import SystemClock
from leverd.errors import NonsenseError
from leverd.interfaces.secrets import Secret
from leverd.interfaces.spot_venue import (
    SpotAttempt,
    SpotMarket,
    SpotOrder,
    SpotVenue,
)

PATIENT = Patience(deadline_s=30, wait_s_first=0.2)  # machines that run tests are busy
FEE_MAX = 10**16


_ONE: list[Injectived] = []
"""A fixture that modules import is another one in each of them; the node is the process's."""


@pytest.fixture(scope="session")
def chain() -> Iterator[Injectived]:
    if _ONE:
        yield _ONE[0]
        return
    node = Injectived()
    try:
        node.create()
        node.start()
        _launch(node)
        _ONE.append(node)
        yield node
    finally:
        _ONE.clear()
        node.remove()


def _launch(node: Injectived) -> None:
    """List the one market, with the stranger's money: the first block has to come before it."""
    launch = tx_pb2.MsgInstantSpotMarketLaunch(
        sender=STRANGER.address,
        ticker="INJ/USDT",
        base_denom=BASE,
        quote_denom=QUOTE,
        min_price_tick_size=to_chain(Decimal("0.001")),
        min_quantity_tick_size=to_chain(Decimal("0.01")),
        min_notional=to_chain(Decimal(1)),
        base_decimals=18,
        quote_decimals=6,
    )

    async def run() -> None:
        async with aio_world(node, STRANGER) as venue:
            await until_first_block(node)
            account = await ChainReads(venue._chain).account(STRANGER.address)
            await sent_raw(node, STRANGER, launch, account.number, account.sequence)
            for _ in range(500):
                if await venue.markets():
                    return
                await asyncio.sleep(0.2)

    asyncio.run(run())


async def until_first_block(node: Injectived) -> None:
    async with grpc.aio.insecure_channel(node.grpc) as channel:
        stub = comet_grpc.ServiceStub(channel)
        while True:
            try:
                await stub.GetLatestBlock(comet.GetLatestBlockRequest())
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.1)
            else:
                return


async def sent_raw(
    node: Injectived, who: Trader, message: Any, number: int, sequence: int, gas: int = 400_000
) -> None:
    """Send what the adapter would not sign."""
    key = PrivateKey.from_hex(who.key)
    public = key.to_public_key()
    transaction = (
        Transaction()
        .with_messages(message)
        .with_sequence(sequence)
        .with_account_num(number)
        .with_chain_id(CHAIN_ID)
        .with_gas(gas)
        .with_fee([Coin(amount=str(gas * 200_000_000), denom=BASE)])
    )
    signature = key.sign(transaction.get_sign_doc(public).SerializeToString())
    request = tx.BroadcastTxRequest(tx_bytes=transaction.get_tx_data(signature, public), mode=2)
    async with grpc.aio.insecure_channel(node.grpc) as channel:
        answer = await tx_grpc.ServiceStub(channel).BroadcastTx(request)
    assert answer.tx_response.code == 0, answer.tx_response.raw_log


@asynccontextmanager
async def aio_world(
    node: Injectived,
    who: Trader,
    indexer: str = "127.0.0.1:1",
    manners: Manners | None = None,
    *,
    with_rpc: bool = True,
) -> AsyncIterator[InjectiveSpot]:
    rpc = f"http://127.0.0.1:{node.ports['rpc']}" if with_rpc else ""
    where = Where(CHAIN_ID, node.grpc, node.stream, indexer, tls=False, rpc=rpc)
    signer = InjectiveSigner(Secret(who.key), fee_max=FEE_MAX)
    clock = SystemClock()
    http = AiohttpClient(clock, Random(0))
    manners = manners or Manners(patience=PATIENT)
    venue = InjectiveSpot(where, signer, clock, http=http, manners=manners)
    promised: SpotVenue = venue
    try:
        yield venue
    finally:
        await promised.close()
        await http.close()


async def funded(node: Injectived, key: str) -> Trader:
    """Return somebody new with `key`, whom the stranger gave 1,000 INJ and 1,000,000 USDT.

    A process that signs locks its account on the whole machine: tests that start one, and run
    beside each other, each need one of their own.
    """
    made = Trader(key)
    coins = [Coin(denom=BASE, amount=str(10**21)), Coin(denom=QUOTE, amount=str(10**12))]
    gift = bank.MsgSend(from_address=STRANGER.address, to_address=made.address, amount=coins)
    async with aio_world(node, STRANGER) as stranger:
        giver = await ChainReads(stranger._chain).account(STRANGER.address)
        await sent_raw(node, STRANGER, gift, giver.number, giver.sequence)
    async with aio_world(node, made) as venue:
        for _ in range(500):
            with suppress(NonsenseError):  # the chain does not know it yet
                if await venue.purses():
                    return made
            await asyncio.sleep(0.2)
    raise AssertionError(node.last_words())


@dataclass
class World(Traders):
    pause_s: ClassVar[float] = 0.2

    node: Injectived
    indexer: Indexer
    maker: InjectiveSpot
    taker: InjectiveSpot
    market: SpotMarket
    name: str
    resting: list[tuple[Any, SpotOrder]] = field(default_factory=list)
    count: int = 0

    async def cancel(self, venue: InjectiveSpot, order: SpotOrder) -> SpotAttempt:
        attempt = await venue.sign_cancel(order, await venue.slot())
        await venue.send(attempt.payload)
        await self.mined(venue, attempt)
        return attempt

    async def mined(self, venue: InjectiveSpot, attempt: SpotAttempt) -> None:
        for _ in range(500):
            if await venue.included(attempt):
                return
            await asyncio.sleep(0.2)
        raise AssertionError(self.node.last_words())

    def third(self) -> AbstractAsyncContextManager[InjectiveSpot]:
        """Return somebody else who trades here."""
        return aio_world(self.node, STRANGER, self.indexer.url)

    def hasty(self) -> AbstractAsyncContextManager[InjectiveSpot]:
        """Return the maker, whose payloads die young: once a slow machine has rehearsed them."""
        brief = Manners(lifetime_blocks=10, patience=PATIENT)
        return aio_world(self.node, MAKER, self.indexer.url, brief)

    async def tidy(self) -> None:
        """Leave an empty book to the next test."""
        for venue, order in self.resting:
            head = await venue._head()
            if await venue._reads.in_book(
                order.market_id, venue._subaccount, order.cid, height=head.height
            ):
                await self.cancel(venue, order)


@pytest.fixture
async def world(chain, request) -> AsyncIterator[World]:
    async with on_chain(chain, request.node.name) as found:
        yield found


@asynccontextmanager
async def on_chain(chain: Injectived, test: str) -> AsyncIterator[World]:
    """Have two traders on the chain for `test`, and leave an empty book behind."""
    async with aio_world(chain, STRANGER) as stranger:
        market = (await stranger.markets())[0]
    async with (
        indexed(chain.stream, market.market_id) as indexer,
        aio_world(chain, MAKER, indexer.url) as maker,
        aio_world(chain, TAKER, indexer.url) as taker,
    ):
        name = f"t{abs(hash(test)) % 10**12:x}"
        found = World(chain, indexer, maker, taker, market, name)
        yield found
        await found.tidy()
