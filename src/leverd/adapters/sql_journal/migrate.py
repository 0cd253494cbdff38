"""Bring a journal's tables to the newest shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loguru import logger
from sqlalchemy import Connection, func, inspect, select, text

from leverd.adapters.sql_journal.schema import EVENTS, HEAD, REVISIONS
from leverd.errors import JournalDamagedError, JournalError, JournalForeignError

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig


NEWER_TABLES: Final = 13
"""The number of the error that says that a newer leverd made the journal's tables."""


def revision(connection: Connection) -> str:
    """Return the journal's revision.

    Raises:
        JournalError: a newer leverd made them.
        JournalForeignError: the database holds tables, but not a journal's.
        JournalDamagedError: it holds none at all, or does not say which.
    """
    tables = set(inspect(connection).get_table_names())
    if not tables:
        raise _without_tables()
    if "alembic_version" not in tables:
        raise JournalForeignError(
            "this database is not a leverd journal",
            number=18,
            remedy="name another file under journal.path",
        )
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is None:
        raise _without_tables()
    if found not in REVISIONS:
        _check_not_newer(str(found))
        raise _without_tables()
    return str(found)


def check(connection: Connection) -> None:
    """Check that the journal can be read as it is.

    Raises:
        JournalError: its tables are older or newer than this leverd.
    """
    found = revision(connection)
    if found != HEAD:
        raise JournalError(
            f"the journal's tables are at {found}, this leverd needs {HEAD}",
            number=6,
            remedy="run leverd db upgrade",
        )


def upgrade(connection: Connection, told: Callable[[int], None] | None = None) -> None:
    """Migrate an older journal; does nothing (and loads no Alembic) when it is the newest.

    One transaction: a process that dies in it leaves the tables as they were. How many entries
    there are is `told` before, as an index over them takes its time.

    Raises:
        JournalError: a newer leverd made them.
        JournalForeignError: the database is not a journal.
    """
    found = revision(connection)
    if found == HEAD:
        return
    entries = int(connection.execute(select(func.max(EVENTS.c.seq))).scalar() or 0)
    logger.info("the journal's tables go from {} to {}, {} entries", found, HEAD, entries)
    if told is not None:
        told(entries)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
    install(connection)
    logger.info("the journal's tables are at {}", HEAD)


def install(connection: Connection) -> None:
    """Make the newest tables in an empty or older database."""
    from alembic import command  # noqa: PLC0415 -- heavy, and needed once in a journal's life

    command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection | None = None) -> AlembicConfig:
    """Return Alembic's settings for the migrations packaged beside this file."""
    from alembic.config import Config  # noqa: PLC0415 -- heavy, and needed once in a journal's life

    config = Config()
    location = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", location)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _without_tables() -> JournalDamagedError:
    return JournalDamagedError(
        "the journal is damaged: its tables are gone",
        number=2,
        remedy="leverd db salvage keeps every whole entry and sets the rest aside",
    )


def _check_not_newer(found: str) -> None:
    if found.isdecimal() and len(found) == len(HEAD) and found > HEAD:
        raise JournalError(
            f"the journal's tables are at {found}, newer than this leverd's {HEAD}",
            number=NEWER_TABLES,
            remedy="install the leverd that made them, or restore a backup",
        )
