"""Our quotes equal QuoterV2's and the swaps a real pool executes, to the last unit."""

from __future__ import annotations

from random import Random

import pytest
from tests.domain_on_chain import uniswap_world
from tests.domain_on_chain.uniswap_world import SPACINGS, World, random_ranges

from leverd.domain.pool import ConcentratedPool
from leverd.domain.quotes import other, quote_exact_in, quote_exact_out
from leverd.domain.swap_math import ILLIQUID
from leverd.domain.tick_math import MAX_SQRT_RATIO, MIN_SQRT_RATIO, sqrt_ratio_at_tick
from leverd.errors import ImpossibleError, RefusedError, RevertedError

pytestmark = pytest.mark.chain

SWAPS = 30
CASES = [(fee, seed) for fee in SPACINGS for seed in (1, 2)]


@pytest.fixture(scope="module")
def world():
    made = uniswap_world.start()
    yield made
    made.node.stop()


@pytest.fixture
def fresh(world):
    """The world before any pool; it is set back afterwards."""
    kept = world.node.rpc.ask("evm_snapshot")
    yield world
    world.node.rpc.ask("evm_revert", kept)
    world.chain.forget()


def random_pool(world: World, random: Random, fee: int) -> ConcentratedPool:
    tick = random.randint(-200_000, 200_000)
    price = sqrt_ratio_at_tick(tick) + random.randint(0, sqrt_ratio_at_tick(tick) // 20_001)
    return world.create(fee, price, random_ranges(random, SPACINGS[fee], tick))


def crossed(before: ConcentratedPool, after: ConcentratedPool) -> int:
    low, high = sorted((before.tick, after.tick))
    return sum(low < tick <= high for tick, _ in before.ticks)


@pytest.mark.parametrize(("fee", "seed"), CASES)
def test_quotes_equal_the_quoter_and_swaps_equal_the_pool_to_the_unit(fresh, fee, seed):
    random = Random(f"{fee}-{seed}")
    pool = random_pool(fresh, random, fee)
    done = ticks_crossed = 0
    for _ in range(SWAPS):
        sell = random.choice(fresh.tokens)
        exact_in = random.random() < 0.5
        raw = random.randint(1, 10 ** random.randint(1, 23))
        try:
            ours = (
                quote_exact_in(pool, sell, raw)
                if exact_in
                else quote_exact_out(pool, other(pool, sell), raw)
            )
        except ImpossibleError as refusal:
            assert_chain_runs_dry(fresh, pool, sell, raw, refusal, exact_in=exact_in)
            continue
        if exact_in:
            theirs = fresh.quote_in(pool, sell, raw)
            assert (ours.sold, ours.bought) == (raw, theirs.amount)
            moved = fresh.swap_in(pool, sell, raw)
        else:
            theirs = fresh.quote_out(pool, sell, raw)
            assert (ours.sold, ours.bought) == (theirs.amount, raw)
            moved = fresh.swap_out(pool, sell, raw)
        assert moved == (ours.sold, ours.bought)
        assert ours.after.sqrt_price == theirs.sqrt_price
        assert ours.after == fresh.read(pool)
        ticks_crossed += crossed(pool, ours.after)
        pool, done = ours.after, done + 1
    assert done >= SWAPS // 2
    assert ticks_crossed > 0


def assert_chain_runs_dry(fresh, pool, sell, raw, refusal, *, exact_in):
    """Assert that the chain, too, cannot fill it: it reverts, or ends at the last price."""
    assert refusal.number == ILLIQUID
    ask = fresh.quote_in if exact_in else fresh.quote_out
    try:
        end = ask(pool, sell, raw).sqrt_price
    except (RevertedError, RefusedError):
        return  # too little for an exact output, or no gas left to look for more
    assert end in (MIN_SQRT_RATIO + 1, MAX_SQRT_RATIO - 1)


def test_a_pool_without_ranges_between_two_others_is_crossed_as_on_chain(fresh):
    pool = fresh.create(500, sqrt_ratio_at_tick(0), [(-20, 20, 10**18), (9_000, 9_500, 10**20)])
    sell = fresh.tokens[1]
    ours = quote_exact_in(pool, sell, 3 * 10**18)
    assert ours.after.tick > 9_000
    assert ours.bought == fresh.quote_in(pool, sell, 3 * 10**18).amount
    assert fresh.swap_in(pool, sell, 3 * 10**18) == (ours.sold, ours.bought)
    assert ours.after == fresh.read(pool)
