"""Entries as rows: numbered, digested and checked for gaps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select
from sqlalchemy.exc import DBAPIError

from leverd.adapters.sql_journal.codec import Body, decode
from leverd.adapters.sql_journal.schema import EVENTS, PRUNES
from leverd.errors import JournalDamagedError
from leverd.interfaces.journal import Entry

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FETCH: Final = 500


def microseconds(at: datetime) -> int:
    """Return `at` as whole microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """Return the aware UTC time of `micros`."""
    return _EPOCH + micros * _MICROSECOND


def insert_bodies(
    connection: Connection, bodies: Sequence[Body], written_at: int, chain_at: int
) -> int:
    """Insert `bodies` after the last entry and return the last one's seq."""
    last: int = connection.execute(select(func.max(EVENTS.c.seq))).scalar() or 0
    rows = [
        row_of(seq, written_at, chain_at, body) for seq, body in enumerate(bodies, start=last + 1)
    ]
    connection.execute(insert(EVENTS), rows)
    return last + len(rows)


def row_of(seq: int, written_at: int, chain_at: int, body: Body) -> dict[str, Any]:
    """Return the row of one entry, with its digest."""
    row = {
        "seq": seq,
        "written_at": written_at,
        "chain_at": chain_at,
        "kind": body.kind,
        "version": body.version,
        "position_id": body.position_id,
        "body": body.text,
    }
    return {**row, "digest": _digest(row.values())}


def entry_of(row: Row[Any]) -> Entry:
    """Return the entry in `row`.

    Raises:
        JournalDamagedError: its bytes changed since they were written, or do not parse.
    """
    if _digest(row[:-1]) != row.digest:
        raise JournalDamagedError(f"entry {row.seq} is not what was written", number=1)
    try:
        event = decode(row.kind, row.version, row.body)
    except JournalDamagedError as error:
        raise JournalDamagedError(f"entry {row.seq}: {error.message}", number=1) from error
    return Entry(row.seq, moment(row.written_at), row.chain_at, event)


def scan(connection: Connection, *, after: int = 0) -> Iterator[Row[Any]]:
    """Yield every row past `after` in order.

    Raises:
        JournalDamagedError: an entry is missing; what came before it was yielded.
    """
    through, kept = pruned(connection)
    if after < through:
        _check_kept(connection, through, kept)
    expected = max(after, through) + 1
    for row in stored(connection, after=after):
        if row.seq > through:
            if row.seq != expected:
                raise JournalDamagedError(f"entry {expected} is missing", number=10)
            expected += 1
        yield row


def stored(connection: Connection, *, after: int = 0) -> Iterator[Row[Any]]:
    """Yield what rows there are past `after`, in order, up to the first that is unreadable."""
    fetch = _FETCH
    while True:
        query = select(EVENTS).where(EVENTS.c.seq > after).order_by(EVENTS.c.seq).limit(fetch)
        try:
            rows = connection.execute(query).all()
        except DBAPIError:
            # A bad page spoils the whole batch: take the rows before it one at a time.
            if fetch == 1:
                raise
            fetch = 1
            continue
        yield from rows
        if not rows:
            return
        after = rows[-1].seq


def pruned(connection: Connection) -> tuple[int, int]:
    """Return (seq, kept): up to `seq` only `kept` entries were left by pruning."""
    newest = select(PRUNES).order_by(PRUNES.c.through.desc()).limit(1)
    row = connection.execute(newest).first()
    return (0, 0) if row is None else (row.through, row.kept)


def _check_kept(connection: Connection, through: int, kept: int) -> None:
    count = select(func.count()).select_from(EVENTS).where(EVENTS.c.seq <= through)
    found: int = connection.execute(count).scalar() or 0
    if found != kept:
        raise JournalDamagedError(
            f"{kept} entries up to {through} were kept, {found} are left", number=10
        )


def _digest(values: Iterable[object]) -> str:
    text = "|".join(str(value) for value in values)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
