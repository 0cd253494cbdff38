"""Ticks and square-root prices: tick i stands for the price 1.0001 ** i.

A square-root price is sqrt(token1 raw per token0 raw) as Q64.96. Both directions equal
Uniswap V3's TickMath to the last bit, which swaps need: a step ends exactly at a tick's
ratio or it does not.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import lru_cache
from typing import Final

from leverd.domain.fixed_point import UINT256_MAX
from leverd.errors import ImpossibleError

MIN_TICK: Final = -887272
MAX_TICK: Final = 887272
Q96: Final = 2**96
"""One, as a square-root price."""

PRICE_OUT_OF_RANGE: Final = 24
"""Number of the `ImpossibleError` for a tick or price no pool can have."""

_TICK_BITS: Final = 20  # MAX_TICK < 2 ** 20
_DIGITS: Final = 80  # twice the 39 of 2 ** 128: no factor lies so close to a half


def _factors() -> tuple[int, ...]:
    """Return 1.0001 ** (-(2 ** i) / 2) as Q128.128 for each bit i, rounded to nearest."""
    with localcontext() as context:
        context.prec = _DIGITS
        step = 1 / Decimal("1.0001").sqrt()
        exact = (2**128 * step ** (2**bit) for bit in range(_TICK_BITS))
        return tuple(int(factor.to_integral_value(ROUND_HALF_EVEN)) for factor in exact)


_FACTORS: Final = _factors()


@lru_cache(maxsize=8192)
def sqrt_ratio_at_tick(tick: int) -> int:
    """Return the square-root price of `tick`, Q64.96, rounded up.

    Raises:
        ImpossibleError: `tick` is outside [MIN_TICK, MAX_TICK].
    """
    if not MIN_TICK <= tick <= MAX_TICK:
        raise ImpossibleError(f"there is no tick {tick}", number=PRICE_OUT_OF_RANGE)
    ratio = 2**128
    for bit, factor in enumerate(_FACTORS):
        if abs(tick) >> bit & 1:
            ratio = ratio * factor >> 128
    if tick > 0:
        ratio = UINT256_MAX // ratio
    return -(-ratio >> 32)


MIN_SQRT_RATIO: Final = sqrt_ratio_at_tick(MIN_TICK)
MAX_SQRT_RATIO: Final = sqrt_ratio_at_tick(MAX_TICK)


def tick_at_sqrt_ratio(sqrt_price: int) -> int:
    """Return the greatest tick whose square-root price is at most `sqrt_price`.

    Raises:
        ImpossibleError: `sqrt_price` is outside [MIN_SQRT_RATIO, MAX_SQRT_RATIO).
    """
    if not MIN_SQRT_RATIO <= sqrt_price < MAX_SQRT_RATIO:
        raise ImpossibleError(f"there is no price {sqrt_price}", number=PRICE_OUT_OF_RANGE)
    # A logarithm in floats only says where to look; whole numbers decide.
    guess = math.floor(2 * (math.log(sqrt_price) - math.log(Q96)) / math.log(1.0001))
    tick = min(max(guess, MIN_TICK), MAX_TICK - 1)
    while sqrt_ratio_at_tick(tick) > sqrt_price:
        tick -= 1
    while sqrt_ratio_at_tick(tick + 1) <= sqrt_price:
        tick += 1
    return tick
