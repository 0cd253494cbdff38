"""Plans that only lower risk: judged against the position as it stands, by nothing else.

Limits they do not worsen, cooldowns, counts and costs do not hold them back, nor the age of
what they do not rely on: the venue's own part of the view is of one block by construction,
and the plan's deadline and least proceeds are enforced on chain.
"""

from __future__ import annotations

from decimal import Decimal

from leverd.domain.fixed_point import WAD
from leverd.domain.plan import Approve, Plan, Repay, Supply
from leverd.risk.reasons import Reason
from leverd.risk.rehearsal import Rehearsal, Standing


def lowers(plan: Plan, played: Rehearsal) -> bool:
    """Whether debt and leverage fall and the end health rises, at worst-case fills.

    So does a plan that leaves no debt at all, and one that merely posts or repays what is
    idle already, with the approvals of a plain address (leverage counts idle money, so it
    cannot fall there).
    """
    before, after = played.before, played.after
    if after.debt == 0:
        return True
    if all(isinstance(action, Approve | Supply | Repay) for action in plan.actions):
        return after.debt <= before.debt and after.health >= before.health
    return (
        after.debt < before.debt and after.health > before.health and _leverage_falls(before, after)
    )


def reasons(played: Rehearsal, floor: Decimal) -> tuple[Reason, ...]:
    """Return whether a step falls below health `floor`; rising towards it is no fall."""
    least, last = int(floor * WAD), played.before.health
    for end in played.ends:
        if end.health < least and end.health < last:
            return (Reason.STEP_HEALTH_TOO_LOW,)
        last = end.health
    return ()


def _leverage_falls(before: Standing, after: Standing) -> bool:
    # Without equity leverage has no bound: any that has one is lower.
    was, is_now = before.leverage, after.leverage
    if is_now is None:
        return was is None
    return was is None or is_now < was
