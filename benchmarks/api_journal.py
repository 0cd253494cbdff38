"""A journal of any size to ask: real events of four positions, on a file or on a server.

Entries are encoded as a daemon does it; bodies are made once for each kind and repeated. The
tables are filled as an older leverd left them, then upgraded as a start does it, which is timed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Final

import psycopg
from alembic import command
from sqlalchemy import Connection, Index
from tests.journal_events import WAD, decision, snapshot
from tests.predictions import made, predicted

from leverd.adapters.sql_journal import Server, database, doors, lease, migrate, upkeep
from leverd.adapters.sql_journal.codec import encode
from leverd.adapters.sql_journal.rows import row_of
from leverd.adapters.sql_journal.schema import EVENTS
from leverd.domain.changed import changed
from leverd.domain.events import Event, PnlRecorded
from leverd.domain.plan_events import PlanApproved, PlanCompleted, StepVerified
from leverd.domain.slot_events import AttemptSigned, SlotFinal, SlotIncluded

POSITIONS: Final = ("eth-loop", "btc-loop", "eth-short", "steth-loop")
SINCE: Final = 1_600_000_000
APART_S: Final = 12
COLUMNS: Final = tuple(EVENTS.c.keys())
NEW: Final = "events_by_position_and_kind"
_OLDER: Final = tuple(each for each in EVENTS.indexes if each.name != NEW)
_BEFORE: Final = "0004"


def life(name: str) -> list[Event]:
    """Return what one act of a position leaves, with the predictions around it."""
    plan = PlanApproved("plan", name, "boost", "below its band", ("swap",), 10**8, snapshot())
    signed = AttemptSigned(1, "0xme", "plan", name, 0, "act", "0x1", "00" * 200, 1, 1, 1, 1)
    included = SlotIncluded(
        1, "0xme", "0x1", 1, "0xb", 1, succeeded=True, reason="", gas_used=300_000, gas_price=10**10
    )
    mark = PnlRecorded(name, snapshot(), {"price": 5, "gas": -1}, WAD, 10**8)
    return [
        *(made(predicted(source=name)) for _ in range(8)),
        changed(decision(1), position_id=name),
        plan,
        signed,
        included,
        StepVerified("plan", name, 0, "0x1", (), snapshot()),
        mark,
        PlanCompleted("plan", name, snapshot(), {"price": 1}),
        mark,
        SlotFinal(1, "0xme", 1, "0xb"),
    ]


def rows(count: int) -> Iterator[tuple[object, ...]]:
    """Yield the rows of `count` entries."""
    bodies = [encode(each) for name in POSITIONS for each in life(name)]
    for seq in range(1, count + 1):
        at = SINCE + seq * APART_S
        yield tuple(row_of(seq, at * 10**6, at, bodies[seq % len(bodies)]).values())


def filled_file(path: Path, count: int) -> float:
    """Make a journal of `count` entries at `path`; return the wall seconds of its upgrade."""
    database.create(path)
    with database.writing(path).connect() as tables, tables.begin():
        _lowered(tables)
    insert = f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # if this dies, it is filled anew
        connection.execute("PRAGMA synchronous = OFF")
        for each in _OLDER:
            connection.execute(f"DROP INDEX {each.name}")
        connection.executemany(insert, rows(count))
        for each in _OLDER:
            connection.execute(_made(each))
        connection.commit()
    began = perf_counter()
    upkeep.upgrade(path)
    return perf_counter() - began


def filled_server(url: str, count: int) -> float:
    """Make a copy of `count` entries in the empty database `url`; return as `filled_file`."""
    lease.prepare(Server(url))
    with closing(doors.writing(Server(url))) as tables, tables.begin() as made:
        _lowered(made)
    with psycopg.connect(url) as connection:
        for each in _OLDER:
            connection.execute(f"DROP INDEX {each.name}")
        with connection.cursor().copy(f"COPY events ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for row in rows(count):
                copy.write_row(row)
        for each in _OLDER:
            connection.execute(_made(each))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE events")
    door = doors.writing(Server(url))
    began = perf_counter()
    with closing(door), door.begin() as copied:
        migrate.upgrade(copied)
    return perf_counter() - began


def _lowered(connection: Connection) -> None:
    """Take new tables back to what an older leverd made."""
    command.downgrade(migrate.alembic_config(connection), _BEFORE)


def _made(index: Index) -> str:
    return f"CREATE INDEX {index.name} ON events ({', '.join(each.name for each in index.columns)})"
