"""The one door to pools: what a swap gives or costs, and what the market price is."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from typing import Final, assert_never

from leverd.domain import concentrated, constant_product
from leverd.domain.keeping import kept
from leverd.domain.money import Asset
from leverd.domain.pool import ConcentratedPool, ConstantProductPool, Pool, Quote
from leverd.domain.swap_math import ILLIQUID
from leverd.domain.tick_math import Q96
from leverd.errors import ImpossibleError

NOT_TRADED: Final = 22
"""Number of the `ImpossibleError` for an asset the pool does not hold."""

NOTHING_TO_SWAP: Final = 23
"""Number of the `ImpossibleError` for a swap of nothing, or of less than nothing."""

_EXACT: Final = Context(prec=40)
"""How many digits a price has as a Decimal."""


@kept(32)
def quote_exact_in(pool: Pool, sell: Asset, amount: int) -> Quote:
    """Return what selling exactly `amount` raw of `sell`, fee included, gives.

    Raises:
        ImpossibleError: beyond the known ticks (20) or all liquidity (21), not traded here
            (22), or not more than nothing (23).
    """
    down = _sells_token0(pool, sell)
    _check_amount(amount)
    match pool:
        case ConcentratedPool():
            return concentrated.quote_in(pool, amount, down=down)
        case ConstantProductPool():
            return constant_product.quote_in(pool, amount, down=down)
        case _:
            assert_never(pool)


def bought_for(pool: Pool, sell: Asset, amount: int) -> int:
    """Return what `quote_exact_in` says is bought, alone: a search asks for nothing else.

    Raises:
        ImpossibleError: as `quote_exact_in`.
    """
    match pool:
        case ConstantProductPool() if amount > 0:
            return constant_product.bought_for(pool, amount, down=_sells_token0(pool, sell))
        case _:
            return quote_exact_in(pool, sell, amount).bought


def quote_exact_out(pool: Pool, buy: Asset, amount: int) -> Quote:
    """Return what buying exactly `amount` raw of `buy` costs, fee included.

    Raises:
        ImpossibleError: as `quote_exact_in`.
    """
    down = _sells_token0(pool, other(pool, buy))
    _check_amount(amount)
    match pool:
        case ConcentratedPool():
            return concentrated.quote_out(pool, amount, down=down)
        case ConstantProductPool():
            return constant_product.quote_out(pool, amount, down=down)
        case _:
            assert_never(pool)


def other(pool: Pool, asset: Asset) -> Asset:
    """Return the asset that `asset` trades against in `pool`.

    Raises:
        ImpossibleError: the pool does not hold `asset` (22).
    """
    return pool.token1 if _sells_token0(pool, asset) else pool.token0


def spot_price(pool: Pool, base: Asset, quote: Asset) -> Decimal:
    """Return the market price: whole `quote` for one whole `base`, before fee and impact.

    Raises:
        ImpossibleError: the pool does not trade this pair (22) or has no price (21).
    """
    if quote != other(pool, base):
        raise ImpossibleError(f"{pool.pool_id} does not trade {quote.symbol}", number=NOT_TRADED)
    bought, sold = _spot(pool, base)
    return _EXACT.divide(Decimal(bought * base.unit), Decimal(sold * quote.unit))


def spot_ratio(pool: Pool, sell: Asset) -> Fraction:
    """Return the market price exactly: raw units bought for one raw unit of `sell`.

    Raises:
        ImpossibleError: the pool does not hold `sell` (22) or has no price (21).
    """
    return Fraction(*_spot(pool, sell))


def price_impact(pool: Pool, quote: Quote, sell: Asset) -> Decimal:
    """Return how far the average price fell short of the spot before, fee aside, as a fraction.

    0.01 means that one percent less came out than `pool` promised before anyone moved it.
    The fee is a cost of its own and not counted here.

    Raises:
        ImpossibleError: `pool` does not hold `sell` (22).
    """
    bought, sold = _spot(pool, sell)
    promised = bought * (quote.sold - quote.fee)
    if promised == 0:
        return Decimal(0)
    return _EXACT.divide(Decimal(promised - quote.bought * sold), Decimal(promised))


def _spot(pool: Pool, sell: Asset) -> tuple[int, int]:
    """Return the market price: so many raw units are bought for so many of `sell`."""
    down = _sells_token0(pool, sell)
    match pool:
        case ConcentratedPool(sqrt_price=sqrt_price):
            reserve0, reserve1 = Q96**2, sqrt_price**2
        case ConstantProductPool(reserve0=reserve0, reserve1=reserve1):
            pass
        case _:
            assert_never(pool)
    if reserve0 <= 0 or reserve1 <= 0:
        raise ImpossibleError(f"{pool.pool_id} has no price", number=ILLIQUID)
    return (reserve1, reserve0) if down else (reserve0, reserve1)


def _sells_token0(pool: Pool, sell: Asset) -> bool:
    """Return whether selling `sell` moves the price of token0 down."""
    if sell not in (pool.token0, pool.token1):
        raise ImpossibleError(f"{pool.pool_id} does not trade {sell.symbol}", number=NOT_TRADED)
    return sell == pool.token0


def _check_amount(amount: int) -> None:
    if amount <= 0:
        raise ImpossibleError(f"cannot swap {amount}", number=NOTHING_TO_SWAP)
