"""What is the real chain's own; what every venue keeps is in tests/contract/test_spot_venue.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from pyinjective.proto.cosmos.tx.v1beta1 import tx_pb2
from tests.injective.injectived import MAKER, STRANGER, TAKER
from tests.injective.world import PATIENT, World, aio_world, chain, world
from tests.spots import MARKET

from leverd.adapters.injective.line import Patience
from leverd.adapters.injective.reads import ChainReads
from leverd.adapters.injective.signer import InjectiveSigner
from leverd.adapters.injective.venue import Manners
from leverd.errors import (
    NonsenseError,
    RefusedError,
    SigningRefusedError,
    UnreachableError,
)
from leverd.interfaces.spot_venue import Manner, Purse, Side, Standing

pytestmark = pytest.mark.chain

__all__ = ["chain", "world"]  # fixtures

NOTHING = Decimal(0)


async def test_a_market_tells_its_rules(world: World):
    assert world.market == replace(MARKET, market_id=world.market.market_id)
    assert await world.maker.market(world.market.market_id) == world.market


async def test_a_part_of_the_fee_comes_back_to_who_brought_the_order(world: World):
    await world.place(world.maker, world.order(Side.SELL, Manner.REST, "20", "5"))
    buy = world.order(Side.BUY, Manner.TAKE, "21", "2")
    await world.place(world.taker, buy)
    (fill,) = await world.taker.fills(buy)
    assert fill.fee == Decimal("0.024")  # 0.1 %, of which 40 % came back to who brought it


async def test_who_died_before_sending_places_it_once_and_who_died_after_it_not_again(
    world: World,
):
    sell = world.order(Side.SELL, Manner.REST, "20", "5")
    brief = Manners(lifetime_blocks=10, patience=PATIENT)
    async with aio_world(world.node, MAKER, world.indexer.url, brief) as died:
        journaled = await died.sign(sell, await died.slot())
    async with aio_world(world.node, MAKER, world.indexer.url) as started:
        assert (await world.seen(started, sell, journaled)).standing is Standing.NEVER
        assert await started.slot() == journaled.slot
        again = await started.sign(sell, journaled.slot)
        await started.send(again.payload)
    world.resting.append((world.maker, sell))
    async with aio_world(world.node, MAKER, world.indexer.url) as restarted:
        assert (await world.seen(restarted, sell, again)).standing is Standing.OPEN
        assert (await restarted.depth(sell.market_id)).asks == ((Decimal(20), Decimal(5)),)


async def test_an_order_gone_from_the_book_is_unknown_until_history_accounts_for_it(
    world: World,
):
    sell = world.order(Side.SELL, Manner.REST, "20", "2")
    attempt, _ = await world.place(world.maker, sell)
    world.indexer.silent = True
    buy = world.order(Side.BUY, Manner.TAKE, "20", "2")
    taken = await world.taker.sign(buy, await world.taker.slot())
    await world.taker.send(taken.payload)
    await world.mined(world.taker, taken)
    async with aio_world(world.node, TAKER, world.indexer.url, with_rpc=False) as deaf:
        assert (await world.maker.look(sell, attempt)).standing is Standing.UNKNOWN
        assert (await deaf.look(buy, taken)).standing is Standing.UNKNOWN
        told = await world.taker.look(buy, taken)  # by the block itself
        assert (told.standing, told.filled) == (Standing.CLOSED, Decimal(2))
        (fill,) = told.fills
        assert (fill.side, fill.price, fill.fee) == (Side.BUY, Decimal(20), Decimal("0.024"))
        world.indexer.silent = False
        assert (await world.seen(world.maker, sell, attempt)).filled == 2
        assert (await world.seen(deaf, buy, taken)).standing is Standing.CLOSED


async def test_who_comes_second_in_a_block_gets_nothing_and_knows_it(world: World):
    await world.place(world.maker, world.order(Side.SELL, Manner.REST, "20", "1"))
    world.indexer.silent = True
    async with aio_world(world.node, STRANGER, world.indexer.url) as stranger:
        both = []
        for venue in (world.taker, stranger):
            buy = world.order(Side.BUY, Manner.TAKE, "20", "1")
            both.append((venue, buy, await venue.sign(buy, await venue.slot())))
        await asyncio.gather(*(venue.send(signed.payload) for venue, _, signed in both))
        seen = [await world.seen(*one) for one in both]
    assert sum(one.filled for one in seen) == 1
    for one in seen:  # in one block the second is filled with nothing, in the next it is refused
        assert one.standing in {Standing.CLOSED, Standing.REJECTED}


async def test_trades_in_other_units_are_not_believed(world: World):
    await world.place(world.maker, world.order(Side.SELL, Manner.REST, "20", "2"))
    buy = world.order(Side.BUY, Manner.TAKE, "20", "2")
    await world.place(world.taker, buy)
    world.indexer.trades[-1].price.price = "20"
    for one in world.indexer.trades:
        one.price.price = "20"
    with pytest.raises(NonsenseError):
        await world.taker.fills(buy)


async def test_every_block_of_a_market_is_told_once_and_fills_with_it(world: World):
    async with world.maker.watch(world.market.market_id) as ticks:
        first = await anext(ticks)
        assert first.resynced
        sell = world.order(Side.SELL, Manner.REST, "20", "2")
        attempt = await world.maker.sign(sell, await world.maker.slot())
        await world.maker.send(attempt.payload)
        seen = [await anext(ticks)]
        while not seen[-1].depth.asks:
            seen.append(await anext(ticks))
        assert seen[-1].depth.asks == ((Decimal(20), Decimal(2)),)
        buy = world.order(Side.BUY, Manner.TAKE, "20", "1.5")
        await world.taker.send((await world.taker.sign(buy, await world.taker.slot())).payload)
        while not seen[-1].fills:
            seen.append(await anext(ticks))
    world.resting.append((world.maker, sell))
    assert [one.block for one in seen] == list(range(first.block + 1, seen[-1].block + 1))
    assert not any(one.resynced for one in seen)
    (fill,) = seen[-1].fills
    assert (fill.cid, fill.side, fill.quantity) == (sell.cid, Side.SELL, Decimal("1.5"))
    assert seen[-1].depth.asks == ((Decimal(20), Decimal("0.5")),)


async def test_a_rehearsal_is_no_transaction_and_tells_the_gas_all_the_same(
    world: World, monkeypatch
):
    rehearsed: list[bytes] = []
    asked = ChainReads.gas_used

    async def overheard(reads: ChainReads, payload: bytes) -> int:
        rehearsed.append(payload)
        return await asked(reads, payload)

    monkeypatch.setattr(ChainReads, "gas_used", overheard)
    buy = world.order(Side.BUY, Manner.REST, "10", "1")
    signed = await world.taker.sign(buy, await world.taker.slot())
    (rehearsal,) = rehearsed
    raw, auth = tx_pb2.TxRaw.FromString(signed.payload), tx_pb2.AuthInfo()
    auth.ParseFromString(raw.auth_info_bytes)
    with_signature = await asked(world.taker._reads, signed.payload)
    assert with_signature < auth.fee.gas_limit < 2 * with_signature
    with pytest.raises(RefusedError):
        await world.taker.send(rehearsal)
    await world.taker.send(signed.payload)  # the same but for the signature
    await world.mined(world.taker, signed)
    world.resting.append((world.taker, buy))


async def test_a_subaccount_holds_what_is_deposited_and_gives_it_back(world: World):
    second = Manners(subaccount=1, patience=Patience(deadline_s=30))
    async with aio_world(world.node, TAKER, world.indexer.url, second) as venue:
        before = (await venue.purses()).get("usdt")
        for sign, amount in ((venue.sign_deposit, 7_000_000), (venue.sign_withdraw, 7_000_000)):
            attempt = await sign("usdt", amount, await venue.slot())
            await venue.send(attempt.payload)
            await world.mined(venue, attempt)
            purse = (await venue.purses()).get("usdt", Purse(0, 0))
            expected = 7_000_000 if sign == venue.sign_deposit else 0
            assert purse.total == purse.available == expected + (before.total if before else 0)


async def test_a_fee_above_the_limit_is_not_signed(world: World):
    assert isinstance(world.taker._signer, InjectiveSigner)
    world.taker._signer._fee_max = 1
    with pytest.raises(SigningRefusedError) as caught:
        await world.taker.sign(
            world.order(Side.BUY, Manner.REST, "10", "1"), await world.taker.slot()
        )
    assert caught.value.code == "LVD-SGN-092"


async def test_a_chain_that_answers_nobody_is_unreachable_and_comes_back(world: World):
    short = Manners(patience=Patience(deadline_s=1.0))
    async with aio_world(world.node, TAKER, world.indexer.url, short) as venue:
        slot = await world.taker.slot()  # the same account's, by a venue with patience
        world.node.freeze()
        try:
            with pytest.raises(UnreachableError):
                await venue.slot()
        finally:
            world.node.thaw()
        assert await world.taker.slot() == slot


async def test_another_chain_is_refused(world: World):
    async with aio_world(world.node, TAKER, world.indexer.url) as venue:
        object.__setattr__(venue._where, "chain_id", "injective-888")
        with pytest.raises(NonsenseError) as caught:
            await venue.purses()
        assert caught.value.code == "LVD-CHN-092"
