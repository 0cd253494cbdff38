"""Swaps through concentrated liquidity, tick by tick (Uniswap V3's pool).

The contract pauses at every initialised tick and at the edges of its 256-tick bitmap
words, and rounds at each pause; so do we, or large quotes would differ by a few units.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from leverd.domain.changed import changed
from leverd.domain.pool import ConcentratedPool, Quote
from leverd.domain.swap_math import ILLIQUID, SwapStep, step_exact_in, step_exact_out
from leverd.domain.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)
from leverd.errors import ImpossibleError

WINDOW_TOO_SMALL: Final = 20
"""Number of the `ImpossibleError` for a swap that leaves the known ticks."""

_WORD: Final = 256  # tick spacings per bitmap word
_LOWEST: Final = MIN_SQRT_RATIO + 1  # the prices at which the contract gives up
_HIGHEST: Final = MAX_SQRT_RATIO - 1


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where the next pause is, and the liquidity that enters there on the way up."""

    tick: int
    net: int | None  # None where no liquidity changes


def quote_in(pool: ConcentratedPool, amount: int, *, down: bool) -> Quote:
    """Return what selling exactly `amount` raw, fee included, gives; token0 if `down`.

    Raises:
        ImpossibleError: the swap leaves the known ticks (20) or all liquidity (21).
    """
    remaining, paid, bought, fee = amount, 0, 0, 0
    while remaining:
        stop = _next_stop(pool, down=down)
        target = _target(stop)
        step = step_exact_in(pool.sqrt_price, target, pool.liquidity, remaining, pool.fee)
        pool = _moved(pool, step, stop, down=down)
        remaining -= step.paid + step.fee
        paid, bought, fee = paid + step.paid, bought + step.bought, fee + step.fee
    return Quote(sold=paid + fee, bought=bought, fee=fee, after=pool)


def quote_out(pool: ConcentratedPool, amount: int, *, down: bool) -> Quote:
    """Return what buying exactly `amount` raw costs; token1 if the price goes `down`.

    Raises:
        ImpossibleError: the swap leaves the known ticks (20) or all liquidity (21).
    """
    remaining, paid, fee = amount, 0, 0
    while remaining:
        stop = _next_stop(pool, down=down)
        target = _target(stop)
        step = step_exact_out(pool.sqrt_price, target, pool.liquidity, remaining, pool.fee)
        pool = _moved(pool, step, stop, down=down)
        remaining -= step.bought
        paid, fee = paid + step.paid, fee + step.fee
    return Quote(sold=paid + fee, bought=amount, fee=fee, after=pool)


def _next_stop(pool: ConcentratedPool, *, down: bool) -> _Stop:
    """Return the next initialised tick, or the edge of the bitmap word if that is nearer."""
    word = (pool.tick // pool.tick_spacing + (0 if down else 1)) // _WORD
    edge = (word * _WORD if down else word * _WORD + _WORD - 1) * pool.tick_spacing
    if pool.liquidity == 0:
        # Nothing moves before the next tick, so the pauses on the way change nothing.
        edge = MIN_TICK if down else MAX_TICK
    after = bisect_right(pool.ticks, pool.tick, key=itemgetter(0))
    if down and after > 0 and pool.ticks[after - 1][0] >= edge:
        return _Stop(*pool.ticks[after - 1])
    if not down and after < len(pool.ticks) and pool.ticks[after][0] <= edge:
        return _Stop(*pool.ticks[after])
    return _Stop(min(max(edge, MIN_TICK), MAX_TICK), None)


def _target(stop: _Stop) -> int:
    return min(max(sqrt_ratio_at_tick(stop.tick), _LOWEST), _HIGHEST)


def _moved(pool: ConcentratedPool, step: SwapStep, stop: _Stop, *, down: bool) -> ConcentratedPool:
    """Return the pool after `step`, across `stop` if the price came to it."""
    _check_known(pool, step.sqrt_price)
    if step.sqrt_price == sqrt_ratio_at_tick(stop.tick):
        net = stop.net or 0
        return changed(
            pool,
            sqrt_price=step.sqrt_price,
            tick=stop.tick - 1 if down else stop.tick,
            liquidity=pool.liquidity - net if down else pool.liquidity + net,
        )
    if step.sqrt_price == pool.sqrt_price:
        return pool
    return changed(pool, sqrt_price=step.sqrt_price, tick=tick_at_sqrt_ratio(step.sqrt_price))


def _check_known(pool: ConcentratedPool, sqrt_price: int) -> None:
    """Check that the price is still where every tick is known, and where there is liquidity."""
    low, high = pool.window
    # No tick fits between the last whole spacing and the end of all ticks.
    low = low if low - pool.tick_spacing >= MIN_TICK else MIN_TICK
    high = high if high + pool.tick_spacing <= MAX_TICK else MAX_TICK
    if not sqrt_ratio_at_tick(low) <= sqrt_price <= sqrt_ratio_at_tick(high):
        raise ImpossibleError(
            f"{pool.pool_id}: the swap leaves the known ticks {low} to {high}",
            number=WINDOW_TOO_SMALL,
            remedy="Swap less at a time, or read more of the pool.",
        )
    if sqrt_price in (_LOWEST, _HIGHEST):
        raise ImpossibleError(f"{pool.pool_id} has no more liquidity", number=ILLIQUID)
