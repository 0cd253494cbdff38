"""What a plain address approves before a venue may take its money.

An account contract approves inside its own calls. A plain address cannot, so each step of
it that spends is preceded by a step that allows exactly that.
"""

from __future__ import annotations

from typing import Final

from leverd.domain.money import Amount
from leverd.domain.plan import (
    Action,
    Approve,
    BuyExact,
    Repay,
    Step,
    StepKind,
    Supply,
    Swap,
)

_INTEREST_SHARE: Final = 1_000
"""A debt repaid in full may have grown by one part in this since it was looked at."""


def with_approvals(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return `steps`, each that spends idle money after one that approves exactly that."""
    found: list[Step] = []
    for step in steps:
        for action in step.actions:
            needed = _needed(action)
            if needed is not None:
                found.append(Step(StepKind.SINGLE, (needed,), health_min=0))
        found.append(step)
    return tuple(found)


def _needed(action: Action) -> Approve | None:
    match action:
        case Supply(venue, amount, all_idle):
            return Approve(venue, amount, all_idle)
        case Repay(venue, amount, everything, all_idle):
            return Approve(venue, _grown(amount) if everything else amount, all_idle)
        case Swap(pool, sell):
            return Approve(pool, sell)
        case BuyExact(pool, _, sell_max):
            return Approve(pool, sell_max)
        case _:
            return None


def _grown(debt: Amount) -> Amount:
    return Amount(debt.asset, debt.raw + debt.raw // _INTEREST_SHARE + 1)
