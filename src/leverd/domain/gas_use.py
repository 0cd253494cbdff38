"""Gas that steps are reckoned with before they are rehearsed.

Source: measured on Aave 3.0.x and Uniswap V3 contracts with other borrowers in the market
(docs/benchmarks.md); rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from leverd.domain.fixed_point import mul_div_up
from leverd.domain.plan import Step, StepKind

_ATOMIC: Final = {StepKind.RAISE: 500_000, StepKind.LOWER: 450_000, StepKind.CLOSE: 425_000}
_SINGLE: Final = 250_000
_ROUNDS_RAISE: Final = 2_350_000  # a sequential open to 3x, 15 transactions
_ROUNDS_LOWER: Final = 2_450_000  # a sequential close from 3x, 16 transactions

_LIMIT: Final = (25, 16)  # a quarter for refunds that are paid back, and a quarter of margin


def step_gas(step: Step) -> int:
    """Return the gas `step` is reckoned with."""
    return _ATOMIC.get(step.kind, _SINGLE)


def steps_gas(steps: Iterable[Step]) -> int:
    """Return the gas of all `steps` together."""
    return sum(step_gas(step) for step in steps)


def move_gas(*, plain: bool) -> int:
    """Return the gas of one step with idle money; a `plain` address approves before it."""
    return 2 * _SINGLE if plain else _SINGLE


def raise_gas(*, atomic: bool) -> int:
    """Return the gas of opening or boosting, before there is a plan."""
    return _ATOMIC[StepKind.RAISE] if atomic else _ROUNDS_RAISE


def lower_gas(*, atomic: bool) -> int:
    """Return the gas of one deleverage, before there is a plan."""
    return _ATOMIC[StepKind.LOWER] if atomic else _ROUNDS_LOWER


def limit_of(gas: int) -> int:
    """Return the gas limit that a step of `gas` is sent with at most; nodes want that paid for."""
    return mul_div_up(gas, *_LIMIT)
