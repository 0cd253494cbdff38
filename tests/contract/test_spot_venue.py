"""What every venue of an order book keeps: the one in memory, and the real chain."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from decimal import Decimal

import pytest
from tests.contract.spot_worlds import simulated

from leverd.errors import NonsenseError, RefusedError
from leverd.interfaces.spot_venue import Manner, Side, Standing

NOTHING = Decimal(0)


@pytest.fixture(scope="session")
def injectived():
    """Return the real chain, begun when the first test wants it."""
    from tests.injective import world  # noqa: PLC0415 -- loads injective-py where it is meant

    yield from world.chain.__wrapped__()


@pytest.fixture(params=["simulated", pytest.param("injectived", marks=pytest.mark.chain)])
def node(request):
    """Return the chain that is meant, None for the one in memory."""
    return None if request.param == "simulated" else request.getfixturevalue("injectived")


@pytest.fixture
async def world(node, request):
    if node is None:
        async with simulated() as found:
            yield found
        return
    from tests.injective.world import on_chain  # noqa: PLC0415 -- as above

    async with on_chain(node, request.node.name) as found:
        yield found


async def test_a_market_tells_its_rules(world):
    assert await world.maker.market(world.market.market_id) == world.market
    assert world.market in await world.maker.markets()


async def test_a_market_that_does_not_exist_is_named(world):
    with pytest.raises(NonsenseError) as caught:
        await world.maker.market("0x" + "0c" * 32)
    assert caught.value.code == "LVD-CHN-090"


async def test_an_order_rests_is_filled_in_part_and_is_cancelled(world):
    sell = world.order(Side.SELL, Manner.REST, "20", "5")
    attempt, seen = await world.place(world.maker, sell)
    assert (seen.standing, seen.filled) == (Standing.OPEN, NOTHING)
    assert (await world.taker.depth(sell.market_id)).asks == ((Decimal(20), Decimal(5)),)

    buy = world.order(Side.BUY, Manner.TAKE, "21", "2")
    _, taken = await world.place(world.taker, buy)
    assert (taken.standing, taken.filled) == (Standing.CLOSED, Decimal(2))
    (fill,) = await world.taker.fills(buy)
    assert (fill.side, fill.price, fill.quantity) == (Side.BUY, Decimal(20), Decimal(2))
    assert 0 < fill.fee <= Decimal("0.04")

    part = await world.seen(world.maker, sell, attempt)
    assert (part.standing, part.filled) == (Standing.OPEN, Decimal(2))
    await world.cancel(world.maker, sell)
    ended = await world.seen(world.maker, sell, attempt, until=frozenset({Standing.CLOSED}))
    assert ended.filled == 2
    assert (await world.maker.fills(sell))[0].fee < 0  # makers are paid


async def test_money_moves_by_what_was_traded_and_its_fee(world):
    await world.place(world.maker, world.order(Side.SELL, Manner.REST, "20", "3"))
    before = await world.taker.purses()
    buy = world.order(Side.BUY, Manner.TAKE, "21", "3")
    _, taken = await world.place(world.taker, buy)
    after = await world.taker.purses()
    paid = before["usdt"].total - after["usdt"].total
    (fill,) = await world.taker.fills(buy)
    assert taken.filled == 3
    assert 0 <= paid - (60 + fill.fee) * 10**6 <= 1
    assert 0 <= 3 * 10**18 - (after["inj"].total - before["inj"].total) < 10**14  # gas alone


async def test_more_than_there_is_is_filled_in_part_and_closed(world):
    sell = world.order(Side.SELL, Manner.REST, "20", "3")
    attempt, _ = await world.place(world.maker, sell)
    _, taken = await world.place(world.taker, world.order(Side.BUY, Manner.TAKE, "21", "50"))
    assert (taken.standing, taken.filled) == (Standing.CLOSED, Decimal(3))
    ended = await world.seen(world.maker, sell, attempt, until=frozenset({Standing.CLOSED}))
    assert ended.filled == 3


async def test_what_is_closed_is_told_with_all_of_its_trades(world):
    await world.place(world.maker, world.order(Side.SELL, Manner.REST, "20", "1"))
    await world.place(world.maker, world.order(Side.SELL, Manner.REST, "20.5", "2"))
    buy = world.order(Side.BUY, Manner.TAKE, "21", "5")
    _, taken = await world.place(world.taker, buy)
    assert (taken.standing, taken.filled) == (Standing.CLOSED, Decimal(3))
    assert sum(fill.quantity for fill in taken.fills) == 3
    told = await world.told(world.taker, buy, 3)
    assert money(taken.fills) == money(told)
    assert all(fill.side is Side.BUY and fill.price <= 21 for fill in taken.fills)


def money(fills):
    return sum(fill.price * fill.quantity for fill in fills), sum(fill.fee for fill in fills)


async def test_who_sells_into_bids_gets_the_best_first(world):
    await world.place(world.maker, world.order(Side.BUY, Manner.REST, "18", "1"))
    await world.place(world.maker, world.order(Side.BUY, Manner.REST, "19", "1"))
    depth = await world.taker.depth(world.market.market_id)
    assert [price for price, _ in depth.bids] == [19, 18]
    sell = world.order(Side.SELL, Manner.TAKE, "17", "1.5")
    _, taken = await world.place(world.taker, sell)
    assert taken.filled == Decimal("1.5")
    worth = [fill.price * fill.quantity for fill in await world.taker.fills(sell)]
    assert sum(worth) == Decimal(19) + Decimal(9) or len(worth) == 1


async def test_what_is_held_by_orders_is_not_available(world):
    before = await world.maker.purses()
    sell = world.order(Side.SELL, Manner.REST, "20", "5")
    attempt, _ = await world.place(world.maker, sell)
    held = await world.maker.purses()
    fee = before["inj"].total - held["inj"].total
    assert 0 <= fee < 10**14  # gas alone
    assert before["inj"].available - held["inj"].available == 5 * 10**18 + fee
    await world.cancel(world.maker, sell)
    await world.seen(world.maker, sell, attempt, until=frozenset({Standing.CLOSED}))
    after = await world.maker.purses()
    assert after["inj"].available == after["inj"].total


async def test_a_refusal_is_known_before_anything_is_sent(world):
    slot = await world.taker.slot()
    off_tick = world.order(Side.BUY, Manner.REST, "20", "1")
    object.__setattr__(off_tick, "price", Decimal("20.0001"))
    with pytest.raises(RefusedError) as caught:
        await world.taker.sign(off_tick, slot)
    assert caught.value.code == "LVD-SND-092"
    assert "tick" in caught.value.message
    assert await world.taker.slot() == slot


@pytest.mark.parametrize("quantity", ["0.01", "90000000000"])
async def test_too_little_and_more_than_one_has_are_refused(world, quantity):
    order = world.order(Side.BUY, Manner.REST, "20", "1")
    object.__setattr__(order, "quantity", Decimal(quantity))
    with pytest.raises(RefusedError):
        await world.taker.sign(order, await world.taker.slot())


async def test_what_crosses_is_refused_to_who_only_adds(world):
    await world.place(world.maker, world.order(Side.SELL, Manner.ADD, "20", "5"))
    with pytest.raises(RefusedError):
        await world.taker.sign(
            world.order(Side.BUY, Manner.ADD, "21", "1"), await world.taker.slot()
        )


async def test_a_name_is_refused_while_its_order_waits(world):
    sell = world.order(Side.SELL, Manner.REST, "20", "5")
    await world.place(world.maker, sell)
    with pytest.raises(RefusedError):
        await world.maker.sign(sell, await world.maker.slot())


async def test_what_does_not_wait_is_not_cancelled(world):
    unknown = world.order(Side.SELL, Manner.REST, "20", "5")
    with pytest.raises(RefusedError):
        await world.maker.sign_cancel(unknown, await world.maker.slot())


async def test_the_venue_may_say_no_after_the_rehearsal_said_yes(world):
    await world.place(world.maker, world.order(Side.SELL, Manner.REST, "20", "1"))
    late = world.order(Side.BUY, Manner.TAKE, "20", "1")
    signed = await world.taker.sign(late, await world.taker.slot())
    async with world.third() as third:
        await world.place(third, world.order(Side.BUY, Manner.TAKE, "20", "1"))
    await world.taker.send(signed.payload)
    found = await world.seen(world.taker, late, signed)
    assert (found.standing, found.code, found.filled) == (Standing.REJECTED, 24, NOTHING)


async def test_sending_the_same_payload_again_has_one_effect(world):
    sell = world.order(Side.SELL, Manner.REST, "20", "5")
    attempt = await world.maker.sign(sell, await world.maker.slot())
    await world.maker.send(attempt.payload)
    with contextlib.suppress(RefusedError):  # known already, or mined in between
        await world.maker.send(attempt.payload)
    await world.seen(world.maker, sell, attempt)
    world.resting.append((world.maker, sell))
    with contextlib.suppress(RefusedError):  # or the node remembers that it was mined
        await world.maker.send(attempt.payload)
    assert (await world.taker.depth(sell.market_id)).asks == ((Decimal(20), Decimal(5)),)


async def test_a_payload_that_was_never_sent_is_unknown_until_it_is_dead(world):
    sell = world.order(Side.SELL, Manner.REST, "20", "5")
    async with world.hasty() as hasty:
        attempt = await hasty.sign(sell, await hasty.slot())
        early = await hasty.look(sell, attempt)
        assert early.standing is Standing.UNKNOWN or early.head > attempt.dead_after
        found = await world.seen(hasty, sell, attempt)
        assert found.standing is Standing.NEVER
        assert found.head > attempt.dead_after
        with pytest.raises(RefusedError) as caught:
            await hasty.send(attempt.payload)
        assert caught.value.reason == "timeout"


async def test_what_was_never_included_leaves_its_slot_to_the_next(world):
    sell = world.order(Side.SELL, Manner.REST, "20", "5")
    async with world.hasty() as hasty:
        attempt = await hasty.sign(sell, await hasty.slot())
        assert (await world.seen(hasty, sell, attempt)).standing is Standing.NEVER
    assert await world.maker.slot() == attempt.slot
    again, seen = await world.place(world.maker, world.order(Side.SELL, Manner.REST, "20", "5"))
    assert (again.slot, seen.standing) == (attempt.slot, Standing.OPEN)


async def test_a_slot_that_another_transaction_took_is_lost_and_not_never(world):
    mine = world.order(Side.SELL, Manner.REST, "20", "5")
    async with world.hasty() as hasty:
        attempt = await hasty.sign(mine, await hasty.slot())
        await world.place(world.maker, world.order(Side.SELL, Manner.REST, "25", "1"))
        found = await world.seen(hasty, mine, attempt)
        assert found.standing is Standing.LOST
        assert found.head > attempt.dead_after
        again = found
        while again.head == found.head:
            await asyncio.sleep(0.01)
            again = await hasty.look(mine, attempt)
        assert again.standing is Standing.LOST  # whoever doubts it looks at another block


async def test_who_comes_second_in_a_block_gets_nothing_and_knows_it(world):
    await world.place(world.maker, world.order(Side.SELL, Manner.REST, "20", "1"))
    async with world.third() as third:
        both = []
        for venue in (world.taker, third):
            buy = world.order(Side.BUY, Manner.TAKE, "20", "1")
            both.append((venue, buy, await venue.sign(buy, await venue.slot())))
        await asyncio.gather(*(venue.send(signed.payload) for venue, _, signed in both))
        seen = [await world.seen(*one) for one in both]
    assert sum(one.filled for one in seen) == 1
    for one in seen:  # in one block the second is filled with nothing, in the next it is refused
        assert one.standing in {Standing.CLOSED, Standing.REJECTED}


async def test_blocks_are_told_in_order_and_fills_with_them(world):
    async with world.maker.watch(world.market.market_id) as ticks:
        first = await anext(ticks)
        assert first.resynced
        sell = world.order(Side.SELL, Manner.REST, "20", "2")
        await world.maker.send((await world.maker.sign(sell, await world.maker.slot())).payload)
        world.resting.append((world.maker, sell))
        seen = [await anext(ticks)]
        while not seen[-1].depth.asks:
            seen.append(await anext(ticks))
        assert seen[-1].depth.asks == ((Decimal(20), Decimal(2)),)
        buy = world.order(Side.BUY, Manner.TAKE, "20", "1.5")
        await world.taker.send((await world.taker.sign(buy, await world.taker.slot())).payload)
        while not seen[-1].fills:
            seen.append(await anext(ticks))
    blocks = [one.block for one in seen]
    assert blocks == sorted(set(blocks))
    assert all(later.at_ms >= one.at_ms for one, later in itertools.pairwise(seen))
    (fill,) = seen[-1].fills
    assert (fill.cid, fill.side, fill.quantity) == (sell.cid, Side.SELL, Decimal("1.5"))
    assert seen[-1].depth.asks == ((Decimal(20), Decimal("0.5")),)


async def test_it_says_who_it_is(world):
    assert world.maker.account != world.taker.account
    assert world.maker.name == world.taker.name
    assert set(world.maker.circuits().values()) <= {"closed"}
