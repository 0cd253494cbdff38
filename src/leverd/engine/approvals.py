"""What a plain address approves before a venue may take its money.

An account contract approves inside its own calls. A plain address cannot, so each step of
it that spends is preceded by a step that allows exactly that, unless it is allowed already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leverd.domain.money import Amount, Asset
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


def with_approvals(
    steps: tuple[Step, ...], allowances: Mapping[tuple[str, Asset], int]
) -> tuple[Step, ...]:
    """Return `steps`, each that spends idle money after one that approves exactly that.

    Where `allowances`, raw by venue and asset, let enough be taken already, none is needed. Where
    something is left of an older one it is taken back first: USDT's approvals go from zero to an
    amount and back, and nothing else.
    """
    left, found = dict(allowances), list[Step]()
    for step in steps:
        for action in step.actions:
            found += [_single(each) for each in _approvals(action, left)]
        found.append(step)
    return tuple(found)


def _approvals(action: Action, left: dict[tuple[str, Asset], int]) -> list[Approve]:
    """Return the approvals that `action` needs; note in `left` what may be left after it."""
    needed = _needed(action)
    if needed is None:
        return []
    key, raw = (needed.venue, needed.amount.asset), needed.amount.raw
    have = left.get(key, 0)
    if have >= raw:
        left[key] = have - raw
        return []
    # What is exact is used up; of the others a little may be left, and one is as much as any.
    left[key] = int(not _is_exact(action))
    nothing = Approve(needed.venue, Amount(needed.amount.asset, 0))
    return [nothing, needed] if have else [needed]


def _is_exact(action: Action) -> bool:
    """Whether `action` takes all of what was approved for it."""
    match action:
        case BuyExact() | Repay(everything=True) | Repay(all_idle=True):
            return False
        case _:
            return True


def _single(action: Approve) -> Step:
    return Step(StepKind.SINGLE, (action,), health_min=0)


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
