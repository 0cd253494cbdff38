"""What a feasibility check says, one judgement at a time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from leverd.domain.side import Side
from leverd.errors import InfeasibleError
from leverd.risk.past_moves import worst_move


class Check(StrEnum):
    """What was judged."""

    HEALTH_FLOOR = "health_floor"
    BAND_TOP = "band_top"
    LTV = "ltv"
    LEVERAGE_MAX = "leverage_max"
    SHOCK = "shock"
    SLIPPAGE_ROOM = "slippage_room"
    POSITION_SIZE = "position_size"
    TRIGGER = "trigger"
    GAP = "gap"
    STEP_GAP = "step_gap"
    DRAG = "drag"
    COST_SHARE = "cost_share"
    SMALLEST_POSITION = "smallest_position"
    TAKE_PROFIT = "take_profit"
    STOP_SIDE = "stop_side"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    DEADLINE = "deadline"
    MARKET = "market"


@dataclass(frozen=True, slots=True)
class Watch:
    """How often somebody looks, and what a look cannot see."""

    look_s: int  # chain seconds between looks when calm
    delay_s: int  # chain seconds from look to inclusion
    gap: Decimal | None  # move to be survived in between; worst on record if None

    def move(self, of: Side) -> Decimal:
        """Return the price move against a position of this side that must not liquidate."""
        return worst_move(of, self.look_s + self.delay_s) if self.gap is None else self.gap

    @property
    def steps_s(self) -> int:
        """Return chain seconds from a withdrawal to its repayment: a sale lies between them."""
        return 2 * self.delay_s

    def move_between_steps(self, of: Side) -> Decimal:
        """Return the move to be survived within `steps_s`; a set gap goes with the root of time."""
        if self.gap is None:
            return worst_move(of, self.steps_s)
        return self.gap * (Decimal(self.steps_s) / (self.look_s + self.delay_s)).sqrt()


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement: the figures, and if refused the nearest setting that would pass."""

    check: Check
    passes: bool
    message: str
    nearest: str = ""

    def __str__(self) -> str:
        return f"{self.message}; {self.nearest}" if self.nearest else self.message


@dataclass(frozen=True, slots=True)
class Findings:
    """All judgements on one position's settings."""

    all: tuple[Finding, ...]

    @property
    def refused(self) -> tuple[Finding, ...]:
        """Those that do not pass."""
        return tuple(finding for finding in self.all if not finding.passes)

    def require(self, place: str = "") -> None:
        """Return if everything passes.

        Raises:
            InfeasibleError: with every finding that does not.
        """
        if self.refused:
            raise InfeasibleError(
                "; ".join(finding.message for finding in self.refused),
                number=1,
                place=place,
                remedy="; ".join(each.nearest for each in self.refused if each.nearest),
            )


def found(check: Check, message: str, *, passes: bool, nearest: str = "") -> Finding:
    """Return the finding; `nearest` is what would pass, and said only if this does not."""
    return Finding(check, passes, message, "" if passes else nearest)
