"""A plan is an ordered list of steps; a step is one transaction; an action changes one venue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from leverd.domain.money import Amount


@dataclass(frozen=True, slots=True)
class Supply:
    """Post `amount` as collateral; with `all_idle`, whatever is idle by then."""

    venue: str
    amount: Amount
    all_idle: bool = False


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take `amount` of collateral back; with `everything`, whatever there is by then."""

    venue: str
    amount: Amount
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Borrow:
    """Borrow `amount` against the posted collateral."""

    venue: str
    amount: Amount


@dataclass(frozen=True, slots=True)
class Repay:
    """Repay `amount` from idle money.

    With `everything` the whole debt as it is by then; with `all_idle` whatever is idle by
    then, at most the debt.
    """

    venue: str
    amount: Amount
    everything: bool = False
    all_idle: bool = False


@dataclass(frozen=True, slots=True)
class Swap:
    """Sell exactly `sell` in `pool` for at least `buy_min`; revert otherwise."""

    pool: str
    sell: Amount
    buy_min: Amount


@dataclass(frozen=True, slots=True)
class BuyExact:
    """Buy exactly `buy` in `pool` for at most `sell_max`; revert otherwise.

    With `live_debt` the amount bought is the whole debt as it is when mined.
    """

    pool: str
    buy: Amount
    sell_max: Amount
    live_debt: bool = False


@dataclass(frozen=True, slots=True)
class SetEMode:
    """Enter efficiency category `category` (0 leaves)."""

    venue: str
    category: int


@dataclass(frozen=True, slots=True)
class Approve:
    """Let `venue` take exactly `amount`; with `all_idle`, whatever is idle by then.

    Only positions held by a plain address need it: account contracts approve on their own.
    """

    venue: str
    amount: Amount
    all_idle: bool = False


Action: TypeAlias = Supply | Withdraw | Borrow | Repay | Swap | BuyExact | SetEMode | Approve


class StepKind(StrEnum):
    """How a step is carried out by the account."""

    RAISE = "raise"
    """One transaction: a flash swap pays out, we supply and borrow, and pay the pool."""

    LOWER = "lower"
    """One transaction: a flash swap pays out, we repay and withdraw, and pay the pool."""

    CLOSE = "close"
    """One transaction: buy the whole live debt, if any, and repay it; withdraw everything."""

    SINGLE = "single"
    """One action, one transaction."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction: it does all of `actions` or nothing."""

    kind: StepKind
    actions: tuple[Action, ...]
    health_min: int  # wad; the step reverts on chain if health ends lower, 0 asks nothing
    health_below: int = 0  # wad; acts only while health is below this, 0 asks nothing


class Purpose(StrEnum):
    """Why a plan exists."""

    OPEN = "open"
    BOOST = "boost"
    REDUCE = "reduce"
    """An agent's own rebalance downwards."""

    DELEVERAGE = "deleverage"
    """The guardian's."""

    UNWIND = "unwind"
    TIDY = "tidy"
    """Put idle remains of a half-done plan to use."""


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What the plan is expected to cost, in USD 1e8."""

    swap_fees: int
    price_impact: int
    gas: int
    moved: int  # value swapped, what the others are a share of

    @property
    def total(self) -> int:
        """All costs together."""
        return self.swap_fees + self.price_impact + self.gas


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps to run in order for one position, and what they were computed from."""

    plan_id: str
    position_id: str
    purpose: Purpose
    steps: tuple[Step, ...]
    reason: str
    cost: PlanCost
    deadline: int  # chain time (unix seconds) after which no step may act

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions of all steps, in order."""
        return tuple(action for step in self.steps for action in step.actions)


def plan_id(position_id: str, block_hash: str, steps: tuple[Step, ...]) -> str:
    """Return an id derived from what the plan does and the block it was made from."""
    text = f"{position_id}|{block_hash}|{steps!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
