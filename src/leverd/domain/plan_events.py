"""Facts of a plan: what the gate said of it, and what became of each of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from leverd.domain.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class PlanApproved:
    """The gate let a plan through."""

    plan_id: str
    position_id: str
    purpose: str
    reason: str
    steps: tuple[str, ...]  # what each step does, for people
    cost_usd: int  # USD 1e8, expected
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class PlanDenied:
    """The gate stopped a plan; nothing was sent."""

    plan_id: str
    position_id: str
    purpose: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanAborted:
    """A plan stopped part-way; what was mined stays done."""

    plan_id: str
    position_id: str
    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class PlanCompleted:
    """Every step of a plan was mined and verified, or at least accepted."""

    plan_id: str
    position_id: str
    snapshot: Snapshot
    attribution: Mapping[str, int]  # P&L line -> share class raw units, since the plan began


@dataclass(frozen=True, slots=True)
class StepVerified:
    """A mined step gave exactly what `apply` says, within the plan's bounds."""

    plan_id: str
    position_id: str
    step: int
    tx_hash: str
    fills: tuple[Mapping[str, int], ...]
    snapshot: Snapshot
    proof: str = "states"  # states | receipt: no node kept the states, P&L is at later prices


@dataclass(frozen=True, slots=True)
class StepAccepted:
    """A mined step succeeded, but what was held before it is known no more.

    The account contract held it to its bounds; balances are the present ones.
    """

    plan_id: str
    position_id: str
    step: int
    tx_hash: str
    fills: tuple[Mapping[str, int], ...]
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class StepMismatched:
    """A mined step gave something else; the position goes REDUCING."""

    plan_id: str
    position_id: str
    step: int
    tx_hash: str
    expected: Mapping[str, int]
    found: Mapping[str, int]


PlanEvent: TypeAlias = (
    PlanApproved
    | PlanDenied
    | PlanAborted
    | PlanCompleted
    | StepVerified
    | StepAccepted
    | StepMismatched
)
