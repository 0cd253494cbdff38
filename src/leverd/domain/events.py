"""Facts, in the past tense. The journal holds these and nothing else.

Every event is flat: strings, ints, bools, tuples and mappings of those, so that a schema
version and a JSON body describe it wholly. Amounts are raw units, prices USD 1e8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A position's balances at one block, as the journal keeps them."""

    block: int
    block_hash: str
    at: int  # chain time, unix seconds
    idle: Mapping[str, int]  # symbol -> raw
    supplied: Mapping[str, int]  # symbol -> scaled
    owed: Mapping[str, int]  # symbol -> scaled
    prices: Mapping[str, int]  # symbol -> USD 1e8
    supply_indexes: Mapping[str, int]  # symbol -> ray
    borrow_indexes: Mapping[str, int]  # symbol -> ray
    health: int  # wad
    equity: int  # share class raw units
    decimals: Mapping[str, int] = field(default_factory=dict)  # symbol -> of its raw units


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
class AttemptSigned:
    """A payload for a slot is signed and about to be sent. Written before it is sent."""

    slot: int  # nonce
    signer: str  # address whose nonce it is
    plan_id: str  # "" for a cancel outside any plan
    position_id: str
    step: int
    purpose: str  # act | bump | cancel
    tx_hash: str
    payload: str  # hex of the raw transaction
    gas_limit: int
    max_fee: int  # wei per gas
    priority_fee: int  # wei per gas
    deadline: int  # chain time, unix seconds
    urgent: bool = False
    sequence: int = 0  # the account's sequence number it carries
    step_text: str = ""  # domain.step_text, so that its receipt can be verified; "" cancels
    fee_cap: int = 0  # wei per gas, the most to bid for this act
    bid_by: int = 0  # chain time by which it must bid that, 0 if it may wait
    way: str = "public"  # public | relay: who is shown it first
    block: int = 0  # newest block when it was signed


@dataclass(frozen=True, slots=True)
class AttemptPublished:
    """What only the relay had been shown is about to be shown to everybody."""

    slot: int
    signer: str
    tx_hash: str
    reason: str


@dataclass(frozen=True, slots=True)
class SlotIncluded:
    """One attempt of a slot is in a block. Provisional until `SlotFinal`."""

    slot: int
    signer: str
    tx_hash: str
    block: int
    block_hash: str
    at: int
    succeeded: bool
    reason: str  # decoded revert reason, "" on success
    gas_used: int
    gas_price: int  # wei per gas, effective


@dataclass(frozen=True, slots=True)
class SlotReorganised:
    """The block that included a slot is no longer in the chain; the slot is open again."""

    slot: int
    signer: str
    block: int
    block_hash: str


@dataclass(frozen=True, slots=True)
class SlotFinal:
    """A slot can no longer change."""

    slot: int
    signer: str
    block: int
    block_hash: str


@dataclass(frozen=True, slots=True)
class SlotLost:
    """A slot was spent by a transaction that is not ours."""

    slot: int
    signer: str
    block: int


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
    | PlanApproved
    | PlanDenied
    | PlanAborted
    | PlanCompleted
    | AttemptSigned
    | AttemptPublished
    | SlotIncluded
    | SlotReorganised
    | SlotFinal
    | SlotLost
    | StepVerified
    | StepAccepted
    | StepMismatched
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
    | PnlRecorded
    | AlertRaised
    | JournalPruned
)
