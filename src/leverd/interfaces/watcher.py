"""What a turn saw, for those who watch from another process. Nothing is decided from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from leverd.domain.snapshot import Snapshot
from leverd.domain.view import View


@dataclass(frozen=True, slots=True)
class Turned:
    """A turn that came to its end."""

    number: int  # since the process began
    at: datetime  # wall time, aware UTC
    seconds: float  # that it took, wall time
    stages: Mapping[str, float]  # wall seconds by stage, in order
    next_s: float  # wall seconds until the next look is due
    fresh: bool  # every position was seen as it is now
    views: Mapping[str, View]  # by position id


@dataclass(frozen=True, slots=True)
class Seen:
    """One position as the last turn saw it."""

    snapshot: Snapshot
    threshold: int  # bps of its collateral's value that may be owed, weighted
    base_fee: int  # wei per gas
    operator_balance: int  # wei the signing key holds
    native_price: int  # USD 1e8 per whole native token
    sources_agree: int
    trusted: bool  # the venue is as it is known
    open_slots: int


@dataclass(frozen=True, slots=True)
class Sight:
    """A turn, as it is told to other processes."""

    turn: int
    pid: int
    at: datetime  # wall time, aware UTC
    seconds: float
    stages: Mapping[str, float]
    next_s: float
    fresh: bool
    memory_mb: int
    positions: Mapping[str, Seen]
    circuits: Mapping[str, str] = field(default_factory=dict)  # dependency -> closed | open | ...
    rpc_calls: Mapping[str, int] = field(default_factory=dict)  # node -> requests
    rpc_errors: Mapping[str, int] = field(default_factory=dict)  # node -> those that failed


class Watcher(Protocol):
    """Is told of every turn; never blocks one and never raises."""

    def turned(self, turned: Turned) -> None:
        """Take note of a turn that ended."""
        ...


@dataclass(frozen=True, slots=True)
class SpotSight:
    """The last look at an order book; prices are whole 1e-18s of quote per base."""

    at: datetime  # wall time, aware UTC
    chain_at: int  # of the block, unix seconds
    block: int
    market_id: str
    ticker: str
    bid: int  # best, 0 where nobody buys
    ask: int  # best, 0 where nobody sells
    fee: int  # of a notional, that selling costs, 1e-18s
    quote_free: int  # quote that may be spent, 1e-18s


class SpotWatcher(Protocol):
    """Is told of every look at an order book; never blocks one and never raises."""

    def looked(self, sight: SpotSight) -> None:
        """Take note of a look that ended."""
        ...


class Nobody:
    """A `Watcher` where nobody watches."""

    def turned(self, turned: Turned) -> None:
        """Take no note."""

    def looked(self, sight: SpotSight) -> None:
        """Take no note."""


class Several:
    """Watchers, each told in turn."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = tuple(watchers)

    def turned(self, turned: Turned) -> None:
        """Tell each."""
        for each in self._watchers:
            each.turned(turned)
