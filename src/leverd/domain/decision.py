"""What an agent may answer, and how several answers become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias, assert_never

from leverd.domain.changed import changed


@dataclass(frozen=True, slots=True)
class Hold:
    """Do nothing, and say why."""

    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetLeverage:
    """Bring the position to `target` (exposure / equity; 1 is no debt)."""

    agent: str
    target: Decimal
    reason: str
    urgent: bool = False  # saving the position: cost rules do not apply
    enough: int = 0  # health (wad) at which putting idle money to use may replace selling; 0: sell


@dataclass(frozen=True, slots=True)
class Unwind:
    """Repay all debt, leave nothing borrowed."""

    agent: str
    reason: str
    urgent: bool = False
    saves: bool = False  # somebody asks for less leverage to save the position
    enough: int = 0  # wad; health that they call saved, 0 if they do not say


Decision: TypeAlias = Hold | SetLeverage | Unwind


def combine(decisions: Iterable[Decision]) -> Decision:
    """Return the least risky of `decisions`; a Hold yields to any wish. Needs at least one.

    It is urgent if any wish is: a calm one that goes further must not slow a rescue down, nor
    take a lower rank than the rescue had.
    Where all hold, the last one's reason stands: guards come first and mostly say all is well.
    """
    every = tuple(decisions)
    least = min(every, key=_risk)
    if isinstance(least, Hold):
        return every[-1]
    rescues = [each for each in every if isinstance(each, SetLeverage) and each.urgent]
    if isinstance(least, Unwind) and rescues:
        enough = max(least.enough, *(each.enough for each in rescues))
        return changed(least, urgent=True, saves=True, enough=enough)
    urgent = any(not isinstance(each, Hold) and each.urgent for each in every)
    return changed(least, urgent=True) if urgent else least


def _risk(decision: Decision) -> tuple[int, Decimal, bool]:
    match decision:
        case Unwind(urgent=urgent):
            return 0, Decimal(0), not urgent
        case SetLeverage(target=target, urgent=urgent):
            return 1, target, not urgent
        case Hold():
            return 2, Decimal(0), True
        case _:
            assert_never(decision)
