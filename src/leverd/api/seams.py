"""What the API is handed: it opens no file and no journal itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from leverd.api.chronicle import Chronicle
from leverd.api.models.money import Point
from leverd.api.models.position import PositionModel
from leverd.api.models.spot import SpotModel
from leverd.api.models.state import PredictionModel
from leverd.api.tokens import Keyring
from leverd.domain.events import Event
from leverd.domain.snapshot import Snapshot
from leverd.interfaces.clock import Clock
from leverd.interfaces.journal import Entry
from leverd.interfaces.ledger import Ledger
from leverd.interfaces.requests import Requests
from leverd.interfaces.watcher import Sight


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything as of now: the whole journal folded, and what the last turn saw."""

    seq: int  # of the newest entry that is in it
    mode: str  # the journal's own, "" before the first start
    chain_id: int
    daemon_runs: bool  # from a copy: its last turn is not overdue
    last_turn_at: datetime | None
    last_entry_at: datetime | None
    settings_hash: str  # of what runs, or ran last
    left_unguarded: Sequence[str]
    positions: Mapping[str, PositionModel]
    unknown: Sequence[str]  # positions of the settings that the journal does not know yet
    open_slots: Sequence[Mapping[str, Any]]
    dependencies: Mapping[str, str]  # those whose breaker is not closed
    breakers: Mapping[str, Sequence[str]]  # open faults by position
    sight: Sight | None
    predictions: Sequence[PredictionModel] = ()
    gas_today: int = 0  # wei, in the UTC day of chain time
    spot: SpotModel | None = None  # None where none is traded, and none ever was
    from_copy: bool = False  # it holds everything up to the last turn that it was told of
    journal: int = 0  # grows where another journal is found in the place of the one known


class Board(Protocol):
    """Where everything stands."""

    def standing(self) -> Standing:
        """Return it, at most about a second old.

        Raises:
            LeverdError: the journal cannot be read.
        """
        ...

    def chronicle(self) -> Chronicle:
        """Return days and balances of the same journal, as new as `standing`.

        Raises:
            LeverdError: the journal cannot be read.
        """
        ...

    def kept(self) -> Standing | None:
        """Return what was found just now without looking again, None if that is too long ago."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the server bears."""

    body_bytes_max: int = 16_384
    requests_s_max: float = 50.0  # by token; bursts of four times that
    failures_min_max: int = 30  # wrong tokens a minute and address
    clients_max: int = 256  # websockets
    send_s_max: float = 5.0  # that a websocket may take to accept a message
    live_s: float = 0.5  # between looks at the journal for websockets


def _nothing_to_close() -> None:
    """Leave it at that."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The API's world."""

    version: str
    clock: Clock
    board: Board
    ledger: Callable[[], AbstractContextManager[Ledger]]  # borrowed for one request
    requests: Callable[[], AbstractContextManager[Requests]]
    keyring: Keyring
    point: Callable[[str, Snapshot], Point | None]  # of a position; None: not in the settings
    told: Callable[[Event], str]  # an event in a sentence
    plain: Callable[[Entry], Mapping[str, Any]]  # an entry as JSON
    settings: Mapping[str, Any]  # in force at the start, without secrets
    log_tail: Callable[[int], Sequence[str]]  # the newest lines, without secrets
    stale_s: float  # a turn this long overdue is missing
    bounds: Bounds = Bounds()
    close: Callable[[], None] = _nothing_to_close  # what was borrowed is given back by then
