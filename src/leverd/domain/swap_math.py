"""One step of a swap at constant liquidity (Uniswap V3's SqrtPriceMath and SwapMath).

Prices are square roots as Q64.96, amounts raw, the fee in hundredths of a basis point.
What the pool receives is rounded up, what it pays down; the price always moves against
the trader. Where the contract's uint256 would overflow it takes a coarser formula, and so
do we: the two differ in the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leverd.domain.fixed_point import UINT256_MAX, mul_div_down, mul_div_up
from leverd.domain.tick_math import Q96
from leverd.errors import ImpossibleError

_UINT160_MAX: Final = 2**160 - 1

PIPS: Final = 10**6
"""One, in hundredths of a basis point."""

ILLIQUID: Final = 21
"""Number of the `ImpossibleError` for a swap beyond all liquidity."""


@dataclass(frozen=True, slots=True)
class SwapStep:
    """What one step did: the price it ended at, raw amounts, and the fee on top of `paid`."""

    sqrt_price: int
    paid: int  # into the pool, without the fee
    bought: int
    fee: int


def amount0_delta(sqrt_a: int, sqrt_b: int, liquidity: int, *, up: bool) -> int:
    """Return the raw token0 between two prices: liquidity * (1/sqrt(low) - 1/sqrt(high))."""
    low, high = sorted((sqrt_a, sqrt_b))
    numerator = liquidity * Q96
    if up:
        return -(-mul_div_up(numerator, high - low, high) // low)
    return mul_div_down(numerator, high - low, high) // low


def amount1_delta(sqrt_a: int, sqrt_b: int, liquidity: int, *, up: bool) -> int:
    """Return the raw token1 between two prices: liquidity * (sqrt(high) - sqrt(low))."""
    distance = abs(sqrt_a - sqrt_b)
    if up:
        return mul_div_up(liquidity, distance, Q96)
    return mul_div_down(liquidity, distance, Q96)


def price_after_input(sqrt_price: int, liquidity: int, amount: int, *, down: bool) -> int:
    """Return the price after `amount` came in, token0 if the price goes `down`.

    Raises:
        ImpossibleError: there is no price or no liquidity, or the price would be too high.
    """
    _check_market(sqrt_price, liquidity)
    if not down:
        return _as_price(sqrt_price + mul_div_down(amount, Q96, liquidity))
    if amount == 0:
        return sqrt_price
    numerator = liquidity * Q96
    product = amount * sqrt_price
    if product <= UINT256_MAX and numerator + product <= UINT256_MAX:
        return mul_div_up(numerator, sqrt_price, numerator + product)
    return -(-numerator // (numerator // sqrt_price + amount))


def price_after_output(sqrt_price: int, liquidity: int, amount: int, *, down: bool) -> int:
    """Return the price after `amount` went out, token1 if the price goes `down`.

    Raises:
        ImpossibleError: there is no price or no liquidity, or not so much to pay out.
    """
    _check_market(sqrt_price, liquidity)
    if down:
        moved = mul_div_up(amount, Q96, liquidity)
        if moved >= sqrt_price:
            raise ImpossibleError("the pool does not hold what is asked", number=ILLIQUID)
        return sqrt_price - moved
    numerator = liquidity * Q96
    product = amount * sqrt_price
    if product >= numerator:
        raise ImpossibleError("the pool does not hold what is asked", number=ILLIQUID)
    return _as_price(mul_div_up(numerator, sqrt_price, numerator - product))


def step_exact_in(
    sqrt_price: int, sqrt_target: int, liquidity: int, remaining: int, fee: int
) -> SwapStep:
    """Return the step that sells at most `remaining`, fee included, and stops at the target."""
    down = sqrt_price >= sqrt_target
    net = mul_div_down(remaining, PIPS - fee, PIPS)
    if net >= _paid(sqrt_price, sqrt_target, liquidity, down=down):
        after = sqrt_target
    else:
        after = price_after_input(sqrt_price, liquidity, net, down=down)
    step = _step(sqrt_price, after, liquidity, fee, down=down)
    if after == sqrt_target:
        return step
    # Short of the target all of `remaining` is taken: what does not move the price is fee.
    return SwapStep(after, step.paid, step.bought, remaining - step.paid)


def step_exact_out(
    sqrt_price: int, sqrt_target: int, liquidity: int, remaining: int, fee: int
) -> SwapStep:
    """Return the step that buys at most `remaining` and stops at the target."""
    down = sqrt_price >= sqrt_target
    if remaining >= _bought(sqrt_price, sqrt_target, liquidity, down=down):
        after = sqrt_target
    else:
        after = price_after_output(sqrt_price, liquidity, remaining, down=down)
    step = _step(sqrt_price, after, liquidity, fee, down=down)
    return SwapStep(after, step.paid, min(step.bought, remaining), step.fee)


def _step(sqrt_price: int, after: int, liquidity: int, fee: int, *, down: bool) -> SwapStep:
    paid = _paid(sqrt_price, after, liquidity, down=down)
    bought = _bought(sqrt_price, after, liquidity, down=down)
    return SwapStep(after, paid, bought, mul_div_up(paid, fee, PIPS - fee))


def _paid(sqrt_price: int, after: int, liquidity: int, *, down: bool) -> int:
    delta = amount0_delta if down else amount1_delta
    return delta(sqrt_price, after, liquidity, up=True)


def _bought(sqrt_price: int, after: int, liquidity: int, *, down: bool) -> int:
    delta = amount1_delta if down else amount0_delta
    return delta(sqrt_price, after, liquidity, up=False)


def _check_market(sqrt_price: int, liquidity: int) -> None:
    if sqrt_price <= 0 or liquidity <= 0:
        raise ImpossibleError("the pool has no price or no liquidity", number=ILLIQUID)


def _as_price(sqrt_price: int) -> int:
    if sqrt_price > _UINT160_MAX:
        raise ImpossibleError("the price would leave every range", number=ILLIQUID)
    return sqrt_price
