"""The one immutable picture of the world that every decision is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from leverd.domain.course import Course, Fired
from leverd.domain.highs import Highs
from leverd.domain.money import Asset
from leverd.domain.prediction import Prediction
from leverd.domain.state import State


class TradingState(StrEnum):
    """What the gate lets through."""

    ACTIVE = "active"
    """Any plan within limits."""

    REDUCING = "reducing"
    """Only plans that lower risk."""

    HALTED = "halted"
    """No plan at all; only a human's `halt` leads here and only `resume` leads out."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a part of the view came from, and when."""

    source: str  # e.g. the RPC's name
    block: int
    block_hash: str
    at: int  # chain time of the block, unix seconds
    received_at: datetime  # our clock, aware UTC


@dataclass(frozen=True, slots=True)
class Gas:
    """What inclusion costs on the position's chain."""

    base_fee: int  # wei per gas of the next block
    priority_fee: int  # wei per gas
    native_price: int  # USD 1e8 per whole native token
    operator_balance: int  # wei the signing key holds


@dataclass(frozen=True, slots=True)
class Record:
    """What the journal says about this position, folded by engine.state."""

    trading_state: TradingState = TradingState.ACTIVE
    paused: bool = False  # REDUCING, and agents that may raise risk are not asked
    unwinding: bool = False  # the owner asked to unwind; lasts until resume
    opened_at: int | None = None  # chain time of the first borrow
    last_action_at: int | None = None  # chain time of the last mined step
    last_loss_at: int | None = None  # chain time of the last close with negative P&L
    trades_today: int = 0  # plans completed in the current UTC day of chain time
    gas_today: int = 0  # wei spent in the current UTC day of chain time
    guardian_gas_today: int = 0  # wei of it spent by the guardian
    unit_price: int = 0  # share class raw units per WAD units, 0 before the first flow
    unit_peak: int = 0  # highest unit price seen
    stopped: bool = False  # the portfolio stop fired; agents are off until resume
    unexplained: bool = False  # an external change nobody explained: REDUCING
    open_slots: int = 0  # transactions under way that may change what it holds
    strange: bool = False  # balances are not as known, and one look does not prove it
    breakers: tuple[str, ...] = ()  # faults whose breakers hold back new risk
    units: int = 0  # WAD, as of the last mark of P&L
    marked_equity: int = 0  # share class raw units, as of that mark
    course: Course | None = None  # what orders remember while something is owed
    highs: Highs = ()  # unit prices marked within the last day
    health_fall: int = 0  # wad a chain second that health lost over the last looks
    unwinds_now: bool = False  # the owner's unwind waits neither for gas nor for a better price
    carry_low_since: int | None = None  # chain time since when carry has been below what is borne
    ended: Fired | None = None  # the order that closed it; agents are off until resume
    predictions: tuple[Prediction, ...] = ()  # admitted, combined, valid now; of all subjects


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What all positions together have used of shared budgets."""

    active_positions: int = 1  # that owe something, this one among them if it does
    trades_today: int = 0
    gas_today: int = 0  # wei
    guardian_gas_today: int = 0  # wei
    open_slots: int = 0  # transactions of the key under way


@dataclass(frozen=True, slots=True)
class View:
    """One position and its world as of one block.

    Agents, planner, gate and API read this and nothing else, so a recorded view replays to
    the same decision. `sources_agree` is the number of sources that named the same head.
    """

    stamp: Stamp
    state: State
    gas: Gas
    sequence: int  # the account contract's next sequence number
    atomic: bool  # the account can open, adjust and close in one transaction
    record: Record = field(default_factory=Record)
    portfolio: Portfolio = field(default_factory=Portfolio)
    venue_trusted: bool = True  # known revision, code hash and pool; else no new risk
    sources_agree: int = 1
    plain: bool = False  # held by a plain address, which must approve what it spends
    closes_only: bool = False  # its owner knew another market: it can be closed, in one call
    allowances: Mapping[tuple[str, Asset], int] = field(default_factory=dict)
    """What a plain address lets a venue take already, raw, by venue and asset."""

    @property
    def now(self) -> int:
        """Chain time, the only time decisions know; unix seconds."""
        return self.stamp.at
