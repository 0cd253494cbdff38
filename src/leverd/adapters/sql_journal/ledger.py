"""Questions to a journal, through a connection that cannot write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    func,
    literal_column,
    select,
    union_all,
)

from leverd.adapters.sql_journal import daily, doors
from leverd.adapters.sql_journal.rows import entry_of, moment
from leverd.adapters.sql_journal.schema import BINDING, EVENTS, TURNS
from leverd.domain.days import Day
from leverd.interfaces.journal import Binding, Entry


@dataclass(frozen=True, slots=True)
class CopiedTurn:
    """A turn as a copy knows it, which holds every entry up to its end."""

    ended_at: datetime  # by the clock of the daemon's machine
    sight: str  # JSON, "" for none
    spot: str


class SqlLedger:
    """A `Ledger` over a journal's file or its copy; takes no lock, never waits for the daemon.

    Raises:
        JournalError: other tables than this leverd's.
        OwnerError: there is no journal.
        JournalDamagedError: it cannot be read.
        UnreachableError: the server of the copy does not answer; also from each question.
    """

    def __init__(self, place: doors.Place) -> None:
        self._door = doors.checked(place)

    def binding(self) -> Binding | None:
        """Return what the journal belongs to, None before the first start."""
        with self._door.begin() as connection:
            row = connection.execute(select(BINDING)).first()
        return None if row is None else Binding(row.mode, row.chain_id, row.genesis)

    def entries(
        self,
        *,
        kinds: Sequence[str] = (),
        position_id: str = "",
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[Entry]:
        """Return entries that match every filter given; see `Ledger.entries`."""
        found = select(EVENTS).where(EVENTS.c.seq > after)
        if position_id:
            found = found.where(EVENTS.c.position_id == position_id)
        if before is not None:
            found = found.where(EVENTS.c.seq < before)
        seq = literal_column("seq", Integer)
        order = seq.desc() if newest_first else seq
        query = _of_kinds(found, kinds, order, limit).order_by(order).limit(limit)
        with self._door.begin() as connection:
            return [entry_of(row) for row in connection.execute(query)]

    def numbered(self, seqs: Sequence[int]) -> Sequence[Entry]:
        """Return the entries with these numbers; see `Ledger.numbered`."""
        query = select(EVENTS).where(EVENTS.c.seq.in_(seqs)).order_by(EVENTS.c.seq)
        with self._door.begin() as connection:
            return [entry_of(row) for row in connection.execute(query)]

    def pruned_days(self, position_id: str = "") -> tuple[int, Sequence[Day]]:
        """Return what pruning left of days; see `Ledger.pruned_days`."""
        with self._door.begin() as connection:
            through = daily.counted_through(connection)
            return through, daily.stored_days(connection, position_id) if through else []

    def last_turn(self) -> CopiedTurn | None:
        """Return what a copy was told of the last turn, None where it was told of none."""
        with self._door.begin() as connection:
            row = connection.execute(select(TURNS)).first()
        if row is None:
            return None
        return CopiedTurn(moment(row.ended_at), row.sight or "", row.spot or "")

    def count(self) -> int:
        """Return how many entries there are."""
        with self._door.begin() as connection:
            return connection.execute(select(func.count()).select_from(EVENTS)).scalar() or 0

    def close(self) -> None:
        """Release the file, or hang up."""
        self._door.close()


def _of_kinds(
    found: Select[Any], kinds: Sequence[str], order: ColumnElement[Any], limit: int
) -> Select[Any] | CompoundSelect[Any]:
    """Return `found` of `kinds`, or of all where none is named.

    Several kinds are asked for one by one: an index gives the first `limit` of each in their order,
    and databases merge what comes in order as far as it is wanted, where `kind IN` has everything
    sorted first.
    """
    each = [found.where(EVENTS.c.kind == kind) for kind in dict.fromkeys(kinds)]
    if not each:
        return found
    if len(each) == 1:
        return each[0]
    firsts = [select(one.order_by(order).limit(limit).subquery()) for one in each]
    return union_all(*firsts)
