"""Swaps in an x * y = k pool; the fee is taken from the input and stays in the reserves."""

from __future__ import annotations

from leverd.domain.changed import changed
from leverd.domain.fixed_point import mul_div_down, mul_div_up
from leverd.domain.pool import ConstantProductPool, Quote
from leverd.domain.swap_math import ILLIQUID, PIPS
from leverd.errors import ImpossibleError


def quote_in(pool: ConstantProductPool, amount: int, *, down: bool) -> Quote:
    """Return what selling exactly `amount` raw, fee included, gives; token0 if `down`.

    Raises:
        ImpossibleError: the pool is empty.
    """
    return _quote(pool, amount, bought_for(pool, amount, down=down), down=down)


def bought_for(pool: ConstantProductPool, amount: int, *, down: bool) -> int:
    """Return how much selling exactly `amount` raw, fee included, gives; token0 if `down`.

    Raises:
        ImpossibleError: the pool is empty.
    """
    reserve_in, reserve_out = _reserves(pool, down=down)
    net = amount * (PIPS - pool.fee)
    return mul_div_down(net, reserve_out, reserve_in * PIPS + net)


def quote_out(pool: ConstantProductPool, amount: int, *, down: bool) -> Quote:
    """Return the least input the pool accepts for exactly `amount` raw; token0 in if `down`.

    Uniswap V2's own library asks for one unit more when the division comes out even; the
    pool itself does not.

    Raises:
        ImpossibleError: the pool holds no more than `amount`.
    """
    reserve_in, reserve_out = _reserves(pool, down=down)
    if amount >= reserve_out:
        raise ImpossibleError(f"{pool.pool_id} does not hold {amount}", number=ILLIQUID)
    sold = mul_div_up(reserve_in * amount, PIPS, (reserve_out - amount) * (PIPS - pool.fee))
    return _quote(pool, sold, amount, down=down)


def _reserves(pool: ConstantProductPool, *, down: bool) -> tuple[int, int]:
    if pool.reserve0 <= 0 or pool.reserve1 <= 0:
        raise ImpossibleError(f"{pool.pool_id} is empty", number=ILLIQUID)
    return (pool.reserve0, pool.reserve1) if down else (pool.reserve1, pool.reserve0)


def _quote(pool: ConstantProductPool, sold: int, bought: int, *, down: bool) -> Quote:
    delta0, delta1 = (sold, -bought) if down else (-bought, sold)
    after = changed(pool, reserve0=pool.reserve0 + delta0, reserve1=pool.reserve1 + delta1)
    return Quote(sold, bought, fee=mul_div_down(sold, pool.fee, PIPS), after=after)
