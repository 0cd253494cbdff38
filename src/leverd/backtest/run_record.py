"""What a run tells of one position: its journal and its curves, from a replay or from live.

The journal is exact and holds the money; curves are float64, for plots and metrics only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal

from leverd.backtest.history.exact import Floats, Ints
from leverd.domain.position import Mandate
from leverd.interfaces.journal import Entry


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """How one position went, a row for each time. Amounts are whole units of its share class."""

    ts: Ints  # unix seconds, rising strictly
    price: Floats  # oracle price of what it bets on, whole domain.side.counted_in
    equity: Floats  # owned less owed; gas is paid outside the position and not in it
    unit: Floats  # price of a unit, 1.0 at the start: returns without flows, gas paid out of it
    holding: Floats  # what the same money would be worth, held and never levered
    leverage: Floats  # exposure / equity; 1 without debt, inf without equity
    leverage_high: Floats  # the highest since the row before, before an act as after it
    health: Floats  # health factor; inf without debt
    health_low: Floats  # the lowest since the row before

    def __post_init__(self) -> None:
        for each in fields(self):
            array = getattr(self, each.name)
            assert len(array) == len(self.ts), f"{each.name} has a row for each time"
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.ts)


@dataclass(frozen=True, slots=True)
class Band:
    """Where the agents act, for the plots; None where nobody does."""

    leverage_low: Decimal | None = None
    leverage_high: Decimal | None = None
    leverage_target: Decimal | None = None
    health_trigger: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Grain:
    """How finely a curve knows what it tells."""

    utc_days: bool = False  # its days are those of UTC; else of 86,400 s from its first row
    fine_from: int = 0  # unix seconds; before that it knows each day by its end, low and high alone


@dataclass(frozen=True, slots=True, eq=False)
class RunRecord:
    """One position of one run."""

    mandate: Mandate
    mode: str  # backtest | devnet | fork | paper | live
    settings_hash: str
    data_digest: str  # SHA-256 of the history, "" for a live journal
    entries: Sequence[Entry]  # of this position and of all ("") alike, oldest first
    curve: Curve
    band: Band = Band()
    models: Mapping[str, str] = field(default_factory=dict)  # what was assumed, by name, in words
    grain: Grain = Grain()
