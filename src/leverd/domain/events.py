"""Facts, in the past tense. The journal holds these and nothing else.

Every event is flat: strings, ints, bools, tuples and mappings of those, so that a schema
version and a JSON body describe it wholly. Amounts are raw units, prices USD 1e8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from leverd.domain.plan_events import PlanEvent
from leverd.domain.prediction_events import PredictionEvent
from leverd.domain.slot_events import SlotEvent
from leverd.domain.snapshot import Snapshot
from leverd.domain.spot_events import SpotEvent


@dataclass(frozen=True, slots=True)
class DaemonStarted:
    """A daemon took the journal."""

    version: str
    mode: str
    settings_hash: str


@dataclass(frozen=True, slots=True)
class DaemonStopped:
    """A daemon let the journal go; `unguarded` says what it leaves behind."""

    reason: str
    unguarded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Other settings came into force while the daemon ran."""

    before: str  # fingerprint
    after: str  # fingerprint
    changes: tuple[str, ...]  # key: old -> new, and whether it loosens
    by: str  # signal | file


@dataclass(frozen=True, slots=True)
class PositionAdopted:
    """A position was found on chain that the journal did not know."""

    position_id: str
    account: str
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class DecisionTaken:
    """An agent's answer that differs from the one before it, with its reason."""

    position_id: str
    agent: str
    decision: str  # hold | set_leverage | unwind
    target: str  # decimal leverage, "" for hold
    reason: str
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class HoldsFolded:
    """A run of like holds, kept as one line."""

    position_id: str
    count: int
    first_block: int
    last_block: int
    reason: str


@dataclass(frozen=True, slots=True)
class ExternalChanged:
    """Balances changed by somebody else: a transfer, a liquidation, the owner's own click."""

    position_id: str
    cause: str  # deposit | withdrawal | supply | repay | liquidation | unexplained ...
    changes: Mapping[str, int]  # leg -> raw or scaled delta
    explained: bool
    snapshot: Snapshot
    flow: int = 0  # share class raw units in (+) or out (-)


@dataclass(frozen=True, slots=True)
class TradingStateChanged:
    """ACTIVE, REDUCING or HALTED began, for all positions ("") or one."""

    position_id: str
    state: str
    reason: str
    by: str  # owner | breaker | reconcile | execution
    paused: bool = False  # agents that may raise risk are not asked either


@dataclass(frozen=True, slots=True)
class BreakerTurned:
    """A breaker opened, tries again, or closed: of a dependency ("") or of one position."""

    position_id: str
    breaker: str  # a dependency's name, or a fault's
    circuit: str  # open | half_open | closed
    reason: str


@dataclass(frozen=True, slots=True)
class UnwindRequested:
    """The owner wants a position ("" all) closed and kept closed until resume."""

    position_id: str
    by: str
    now: bool = False  # at once: bid as if the position had to be saved


@dataclass(frozen=True, slots=True)
class Resumed:
    """The owner lifted unwind, halt, reduce or stop for a position ("" all)."""

    position_id: str
    by: str


@dataclass(frozen=True, slots=True)
class PortfolioStopped:
    """The unit price fell too far from its peak; everything is unwound, agents are off."""

    position_id: str
    unit_price: int
    unit_peak: int


@dataclass(frozen=True, slots=True)
class PeakReached:
    """The best since opening that a trailing stop reckons with, a step beyond the one before."""

    position_id: str
    price: int  # 1e8 of domain.side.counted_in
    unit: int  # share class raw units per WAD units
    health: int  # wad


@dataclass(frozen=True, slots=True)
class CarryTurned:
    """Holding the position began to cost more than is borne, or costs less again."""

    position_id: str
    low: bool
    carry: int  # wad, fraction of equity a year; 0 where nothing is owed any more


@dataclass(frozen=True, slots=True)
class OrderFired:
    """An order's trigger was met. Written before anything is planned for it; see Fired."""

    position_id: str
    order: str
    reason: str
    closes: bool
    urgent: bool
    keep: int  # raw size it leaves
    reference: int  # price, 1e8 of domain.side.counted_in
    urgency_max: int  # wad


@dataclass(frozen=True, slots=True)
class OrderDone:
    """A share was sold: the chain showed no more than `keep`, and nothing was under way."""

    position_id: str
    order: str
    kept: int  # raw size found
    block: int


@dataclass(frozen=True, slots=True)
class PnlRecorded:
    """Unit price and P&L of a position by attribution since the last record."""

    position_id: str
    snapshot: Snapshot
    attribution: Mapping[str, int]  # line -> share class raw units
    units: int  # WAD
    unit_price: int  # share class raw per WAD units
    flow: int = 0  # share class raw units that came in (+) or went out (-)
    share_class: str = "USD"
    share_decimals: int = 8


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Something a human should know, by stable code."""

    position_id: str
    code: str
    message: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JournalPruned:
    """Entries up to `through` that nothing depends on were dropped; `kept` of them stay."""

    through: int
    dropped: int
    kept: int
    gas: int = 0  # wei that the dropped inclusions had paid


Event: TypeAlias = (
    DaemonStarted
    | DaemonStopped
    | SettingsChanged
    | PositionAdopted
    | DecisionTaken
    | HoldsFolded
    | PlanEvent
    | SlotEvent
    | ExternalChanged
    | TradingStateChanged
    | BreakerTurned
    | UnwindRequested
    | Resumed
    | PortfolioStopped
    | PeakReached
    | CarryTurned
    | OrderFired
    | OrderDone
    | PredictionEvent
    | SpotEvent
    | PnlRecorded
    | AlertRaised
    | JournalPruned
)
