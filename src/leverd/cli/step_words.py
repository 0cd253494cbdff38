"""The steps of a plan in words, with their amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from leverd.cli.amounts import WAD, amount
from leverd.domain.money import Amount
from leverd.domain.plan import (
    Action,
    Approve,
    Borrow,
    BuyExact,
    Plan,
    Repay,
    SetEMode,
    Step,
    Supply,
    Swap,
    Withdraw,
)


def plan_words(plan: Plan) -> list[str]:
    """Return a line for each action, those of one transaction together."""
    lines = []
    for number, step in enumerate(plan.steps, 1):
        first = "" if len(step.actions) == 1 else "; the pool pays first and is paid last"
        lines.append(f"transaction {number}, whole or not at all{first}:")
        lines += [f"  {line}" for line in step_words(step)]
    return lines


def step_words(step: Step) -> list[str]:
    """Return a line for each action of `step`, and one for what it insists on."""
    lines = [_action(action) for action in step.actions]
    if step.health_min:
        lines.append(f"reverts if health ends below {Decimal(step.health_min) / WAD:.4f}")
    if step.health_below:
        lines.append(f"acts only below health {Decimal(step.health_below) / WAD:.4f}")
    return lines


def _action(action: Action) -> str:
    match action:
        case Swap(pool, sell, buy_min):
            return f"sell {amount(sell)} for at least {amount(buy_min)} in {pool}"
        case BuyExact(pool, buy, sell_max, live_debt):
            what = f"the whole debt, about {amount(buy)}," if live_debt else amount(buy)
            return f"buy {what} for at most {amount(sell_max)} in {pool}"
        case Supply(venue, value, all_idle):
            what = _all(value, all_idle, "that is idle by then")
            return f"post {what} as collateral at {venue}"
        case Withdraw(venue, value, everything):
            what = _all(value, everything, "there is by then")
            return f"withdraw {what} from {venue}"
        case Borrow(venue, value):
            return f"borrow {amount(value)} at {venue}"
        case Repay(venue, value, everything, all_idle):
            what = _all(value, everything or all_idle, "that is owed by then" if everything
                        else "that is idle by then")  # fmt: skip
            return f"repay {what} at {venue}"
        case SetEMode(venue, category):
            return f"enter efficiency category {category} at {venue}"
        case Approve(venue, value, all_idle):
            what = _all(value, all_idle, "that is idle by then")
            return f"let {venue} take {what}"
        case _:
            assert_never(action)


def _all(value: Amount, whole: bool, which: str) -> str:  # noqa: FBT001 -- one caller each
    return f"all {value.asset.symbol} {which}, about {amount(value)}," if whole else amount(value)
