"""What the API knows of a daemon beside its journal: by files next to it, or by the copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from leverd.adapters.sight_file import (
    read_sight,
    read_spot_sight,
    sight_in,
    sight_path,
    spot_sight_in,
    spot_sight_path,
)
from leverd.adapters.sql_journal import Heartbeat, SqlLedger, holder, lock_path
from leverd.interfaces.clock import Clock
from leverd.interfaces.watcher import Sight, SpotSight


@dataclass(frozen=True, slots=True)
class Around:
    """The last turn, and whether there is to be another."""

    daemon_runs: bool
    last_turn_at: datetime | None
    sight: Sight | None
    spot: SpotSight | None
    from_copy: bool = False


class Surroundings(Protocol):
    """Where it is known from."""

    def look(self, ledger: SqlLedger) -> Around:
        """Return it; `ledger` is of the same journal.

        Raises:
            LeverdError: it cannot be read.
        """
        ...


class FilesBeside:
    """`Surroundings` on the daemon's own machine."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal

    def look(self, ledger: SqlLedger) -> Around:  # noqa: ARG002 -- the seam's
        """Return what the kernel and the files say."""
        path = self._journal
        return Around(
            holder(lock_path(path)) is not None,
            Heartbeat(path).last(),
            read_sight(sight_path(path)),
            read_spot_sight(spot_sight_path(path)),
        )


class ToldByCopy:
    """`Surroundings` on another machine: a daemon runs as long as its turns come when due."""

    def __init__(self, clock: Clock, stale_s: float) -> None:
        self._clock, self._stale_s = clock, stale_s

    def look(self, ledger: SqlLedger) -> Around:
        """Return what the daemon told the copy with its last turn."""
        turn = ledger.last_turn()
        if turn is None:
            return Around(
                daemon_runs=False, last_turn_at=None, sight=None, spot=None, from_copy=True
            )
        sight = sight_in(turn.sight)
        patience = timedelta(seconds=(sight.next_s if sight else 0.0) + self._stale_s)
        return Around(
            abs(self._clock.now() - turn.ended_at) <= patience,  # from ahead it tells nothing
            turn.ended_at,
            sight,
            spot_sight_in(turn.spot),
            from_copy=True,
        )
