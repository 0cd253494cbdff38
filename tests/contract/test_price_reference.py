"""What every venue that is only listened to keeps: pools in memory, and real Uniswap V3."""

from __future__ import annotations

import pytest
from tests.chain import local, market
from tests.contract import reference_worlds as worlds

from leverd.domain.fixed_point import WAD
from leverd.errors import ImpossibleError, NonsenseError, UnreachableError

__all__ = ["local", "market"]  # fixtures

SIZE = 5_000 * WAD


@pytest.fixture(
    params=[
        "memory",
        pytest.param("one_pool", marks=pytest.mark.chain),
        pytest.param("two_pools", marks=pytest.mark.chain),
    ]
)
async def world(request):
    chain = None if request.param == "memory" else request.getfixturevalue("local")
    async with getattr(worlds, request.param)(chain) as found:
        yield found


async def test_the_ask_is_what_the_venue_would_sell_for_its_size_to_the_last_unit(world):
    said = await world.reference(size=SIZE).look()
    paid = SIZE * world.quote.unit // WAD
    got = world.bought(paid)
    assert said.ask == -(-paid * world.base.unit * WAD // (got * world.quote.unit))


async def test_the_bid_is_what_the_venue_would_pay_for_as_much_to_the_last_unit(world):
    said = await world.reference(size=SIZE).look()
    sold = SIZE * world.base.unit // said.middle
    brought = [
        world.sold(raw) * world.base.unit * WAD // (raw * world.quote.unit)
        for raw in range(sold - 1, sold + 2)  # the middle is rounded, and with it how much is sold
    ]
    assert min(brought) - 1 <= said.bid <= max(brought) + 1
    assert said.bid < said.middle < said.ask


async def test_a_larger_size_is_never_better(world):
    widths = []
    for size in (100, 10_000, 200_000):
        said = await world.reference(size=size * WAD).look()
        assert said.size == size * WAD
        widths.append((said.bid, -said.ask))
    assert widths == sorted(widths, reverse=True)


async def test_it_says_its_block_its_time_its_name_and_its_error(world):
    reference = world.reference(size=SIZE, error=WAD // 500)
    said = await reference.look()
    assert (said.block, said.at) == world.head()
    assert (said.source, said.error) == (reference.source, WAD // 500)
    assert reference.source == "here"


async def test_what_somebody_trades_is_seen_in_the_next_block(world):
    reference = world.reference(size=SIZE)
    before = await reference.look()
    world.buy()
    after = await reference.look()
    assert after.middle > before.middle
    assert after.block > before.block
    assert (after.block, after.at) == world.head()
    paid = SIZE * world.quote.unit // WAD
    assert after.ask == -(-paid * world.base.unit * WAD // (world.bought(paid) * world.quote.unit))


async def test_a_dead_venue_is_unreachable_and_speaks_again_later(world):
    reference = world.reference(size=SIZE)
    before = await reference.look()
    world.cut()
    with pytest.raises(UnreachableError):
        await reference.look()
    world.mend()
    for _ in range(100):  # its breaker lets a probe through before long
        try:
            again = await reference.look()
        except UnreachableError:
            continue
        break
    assert again.middle == before.middle


async def test_who_is_dead_from_the_first_is_unreachable_and_found_later(world):
    reference = world.reference(size=SIZE)
    world.cut()
    with pytest.raises(UnreachableError):
        await reference.look()
    world.mend()
    for _ in range(100):
        try:
            said = await reference.look()
        except UnreachableError:
            continue
        break
    assert said.bid > 0


async def test_where_there_is_no_such_market_it_says_so(world):
    with pytest.raises((NonsenseError, ImpossibleError)):
        await world.nowhere().look()


async def test_more_than_there_is_cannot_be_quoted_as_if_it_were_there(world):
    huge = 10**15 * WAD
    try:
        said = await world.reference(size=huge).look()
    except ImpossibleError:
        return
    assert said.ask > said.middle * 1_000  # in memory there is always a last unit


async def test_closing_twice_is_closing_once(world):
    reference = world.reference(size=SIZE)
    await reference.look()
    assert all(state == "closed" for state in reference.circuits().values())
    await reference.close()
    await reference.close()
