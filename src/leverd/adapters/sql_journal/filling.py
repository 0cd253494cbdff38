"""Make a journal of entries that are there already, where none is yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import insert

from leverd.adapters.sql_journal import database, doors
from leverd.adapters.sql_journal.codec import encode
from leverd.adapters.sql_journal.restoring import check_room, put_in_place
from leverd.adapters.sql_journal.rows import microseconds, row_of
from leverd.adapters.sql_journal.schema import BINDING, EVENTS
from leverd.adapters.sql_journal.upkeep import Verified
from leverd.interfaces.journal import Binding, Entry

_BATCH: Final = 500


def write_journal(to: Path, binding: Binding, entries: Sequence[Entry]) -> Verified:
    """Make the journal at `to` of `entries`, numbered from 1; whole or not at all, and verified.

    Raises:
        OwnerError: a journal is at `to` already.
    """
    check_room(to)
    half = to.with_name(f"{to.name}.filling")
    database.begin_anew(half)
    database.create(half)
    door = doors.writing(half)
    try:
        with door.begin() as connection:
            bound = {"mode": binding.mode, "chain_id": binding.chain_id}
            connection.execute(insert(BINDING).values(id=1, genesis=binding.genesis, **bound))
            for start in range(0, len(entries), _BATCH):
                rows = [_row(each) for each in entries[start : start + _BATCH]]
                connection.execute(insert(EVENTS), rows)
    finally:
        door.close()
    return put_in_place(half, to)


def _row(entry: Entry) -> dict[str, object]:
    return row_of(entry.seq, microseconds(entry.written_at), entry.chain_at, encode(entry.event))
