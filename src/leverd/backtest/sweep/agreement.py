"""Whether the kernel's numbers are those of an exact engine."""

from __future__ import annotations

import math
from typing import Final

from leverd.backtest.sweep.outcome import COLUMNS, Outcome

TOLERANCE: Final = 1e-9
"""Relative difference that is agreement, and distance from an edge that is taken for upon it."""

_GRAINS: Final = 2.0
"""Units by which what is seen between acts, in floats, may be off its value in whole units."""

_COUNTS: Final = ("boosts", "repays", "liquidated_at")


def disagreement(fast: Outcome, exact: Outcome, put_in: float, loose: float = 0.0) -> str:
    """Return in what `fast` is not `exact`, in words; nothing if it is in nothing.

    Equity and health are held to 1e-9 of themselves, costs to 1e-9 of what was put in (USD) or
    of themselves. So are drawdown and returns, shares of one, unless the units of the assets are
    coarser than that: then they are held to two of those. `loose` is what is allowed beside, as a
    share of equity; it moves health by as much of the debt, which is less than equity where
    leverage is low and health high.
    """
    near = TOLERANCE + loose
    slack = max(TOLERANCE, _GRAINS * fast.grain) + loose
    paid = abs(exact.equity) + (put_in if exact.liquidated_at >= 0 else 0.0)
    thin = slack / max(1.0 - exact.drawdown, slack)  # returns are shares of what was left
    health = exact.health_low
    allowed = {
        "equity": near * paid,
        "health_low": (TOLERANCE + 2 * loose * max(health, 1.0)) * health,
        "fees": near * max(exact.fees, put_in),
        "impact": near * max(exact.fees, put_in),
        "drawdown": slack * max(exact.drawdown, 1.0),
        "mean": thin,
        "deviation": thin,
    }
    return "; ".join(
        f"{name} is {getattr(fast, name)!r}, exactly {getattr(exact, name)!r}"
        for name in COLUMNS
        if not _agrees(getattr(fast, name), getattr(exact, name), name, allowed)
    )


def _agrees(fast: float, exact: float, name: str, allowed: dict[str, float]) -> bool:
    """Whether a number is the other; one that is no number is none."""
    if name in _COUNTS or fast == exact:
        return fast == exact
    return abs(fast - exact) <= allowed.get(name, math.inf)
