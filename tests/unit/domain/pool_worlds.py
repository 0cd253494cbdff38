"""Pools to test with: fixed ones by hand, and random ones for hypothesis."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from leverd.domain.money import Asset
from leverd.domain.pool import ConcentratedPool, ConstantProductPool
from leverd.domain.tick_math import MAX_TICK, MIN_TICK, sqrt_ratio_at_tick

WETH = Asset("WETH", 18)
USDC = Asset("USDC", 6)

ALL_TICKS = (MIN_TICK, MAX_TICK)


def concentrated(
    tick: int,
    ranges: tuple[tuple[int, int, int], ...],
    *,
    fee: int = 500,
    spacing: int = 10,
    window: tuple[int, int] = ALL_TICKS,
) -> ConcentratedPool:
    """Return a WETH/USDC pool at `tick` with liquidity in (low, high, liquidity) ranges."""
    net: dict[int, int] = {}
    for low, high, liquidity in ranges:
        net[low] = net.get(low, 0) + liquidity
        net[high] = net.get(high, 0) - liquidity
    ticks = tuple(
        sorted((at, change) for at, change in net.items() if window[0] <= at <= window[1])
    )
    return ConcentratedPool(
        pool_id="weth-usdc",
        token0=WETH,
        token1=USDC,
        fee=fee,
        tick_spacing=spacing,
        sqrt_price=sqrt_ratio_at_tick(tick),
        tick=tick,
        liquidity=sum(size for low, high, size in ranges if low <= tick < high),
        ticks=ticks,
        window=window,
    )


def with_window(pool: ConcentratedPool, low: int, high: int) -> ConcentratedPool:
    """Return `pool` as a reader that looked only between ticks `low` and `high` sees it."""
    known = tuple((tick, net) for tick, net in pool.ticks if low <= tick <= high)
    return replace(pool, ticks=known, window=(low, high))


@st.composite
def concentrated_pools(draw: st.DrawFn) -> ConcentratedPool:
    """Draw a pool around 1 with one wide range and up to five others, some of them empty."""
    spacing, fee = draw(st.sampled_from([(1, 100), (10, 500), (60, 3000), (200, 10000)]))
    steps = st.integers(-800, 800)
    ranges = [(-900 * spacing, 900 * spacing, draw(st.integers(10**6, 10**24)))]
    for _ in range(draw(st.integers(0, 5))):
        low, high = sorted(draw(st.tuples(steps, steps).filter(lambda pair: pair[0] != pair[1])))
        ranges.append((low * spacing, high * spacing, draw(st.integers(10**6, 10**24))))
    tick = draw(st.integers(-700 * spacing, 700 * spacing))
    pool = concentrated(tick, tuple(ranges), fee=fee, spacing=spacing)
    above = draw(st.integers(0, sqrt_ratio_at_tick(tick + 1) - pool.sqrt_price - 1))
    return replace(pool, sqrt_price=pool.sqrt_price + above)


reserves = st.integers(1, 10**30)


@st.composite
def constant_product_pools(draw: st.DrawFn) -> ConstantProductPool:
    """Draw a pool of any size and fee."""
    fee = draw(st.integers(0, 100_000))
    return ConstantProductPool("weth-usdc", WETH, USDC, fee, draw(reserves), draw(reserves))


any_pools = st.one_of(concentrated_pools(), constant_product_pools())
sides = st.sampled_from([WETH, USDC])
amounts = st.one_of(st.integers(1, 10**6), st.integers(1, 10**27))
