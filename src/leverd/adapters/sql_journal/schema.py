"""The tables of a journal, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every migration, oldest first; a test holds them equal to what Alembic finds."""

HEAD: Final = REVISIONS[-1]

METADATA: Final = MetaData()

_Big: Final = BigInteger().with_variant(Integer(), "sqlite")

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("seq", _Big, primary_key=True, autoincrement=False),  # given by the one writer
    Column("written_at", BigInteger, nullable=False),  # wall time, microseconds since 1970
    Column("chain_at", BigInteger, nullable=False),  # unix seconds, 0 where unknown
    Column("kind", String(64), nullable=False),
    Column("version", Integer, nullable=False),  # of the kind's schema
    Column("position_id", String(200), nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Column("digest", String(32), nullable=False),  # of the row's other columns
    Index("events_by_kind", "kind", "seq"),
    Index("events_by_position", "position_id", "seq"),
    Index("events_by_position_and_kind", "position_id", "kind", "seq"),
)

BINDING: Final = Table(
    "binding",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("mode", String(32), nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis", String(80), nullable=False),
)

PRUNES: Final = Table(
    "prunes",
    METADATA,
    Column("through", _Big, primary_key=True, autoincrement=False),  # gaps up to here are ours
    Column("kept", BigInteger, nullable=False),  # entries left at or below it
)

DAYS: Final = Table(
    "days",
    METADATA,
    Column("day", BigInteger, primary_key=True, autoincrement=False),  # since 1970, UTC
    Column("position_id", String(200), primary_key=True),
    Column("through", _Big, nullable=False),  # the last seq that any day counted when it was kept
    Column("body", Text, nullable=False),  # JSON
)

TURNS: Final = Table(
    "turns",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("ended_at", BigInteger, nullable=False),  # wall time of the last, microseconds
    Column("sight", Text, nullable=True),  # JSON: what it saw, as the file beside the journal
    Column("spot", Text, nullable=True),  # JSON: the last look at an order book
)

REQUESTS: Final = Table(
    "requests",
    METADATA,
    Column("id", _Big, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("position_id", String(200), nullable=False),
    Column("by", String(16), nullable=False),
    Column("put_at", BigInteger, nullable=False),  # wall time, microseconds since 1970
    Column("taken", Integer, nullable=False, server_default="0"),  # 1 once in the journal
    sqlite_autoincrement=True,
)

LEASE: Final = Table(
    "lease",
    MetaData(),  # on a server alone: it is where machines meet
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),  # grows with every change of hands
    Column("holder", String(200), nullable=False),  # "" for nobody
    Column("until", BigInteger, nullable=False),  # by the server's clock, microseconds since 1970
    Column("taken_at", BigInteger, nullable=False),  # the same; when this epoch began
)
