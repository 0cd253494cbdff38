"""Bring a journal's tables to the newest shape."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from leverd.adapters.sql_journal.schema import HEAD
from leverd.errors import JournalError, JournalForeignError

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig


def revision(connection: Connection) -> str | None:
    """Return the journal's revision, None when the database holds no tables at all.

    Raises:
        JournalForeignError: it holds tables, but not a journal's.
    """
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if "alembic_version" not in tables:
        raise JournalForeignError(
            "this database is not a leverd journal",
            number=8,
            remedy="name another file under journal.path",
        )
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def check(connection: Connection) -> None:
    """Check that the journal can be read as it is.

    Raises:
        JournalError: its tables are older or newer than this leverd.
    """
    found = revision(connection)
    if found is None or found < HEAD:
        raise JournalError(
            f"the journal's tables are at {found}, this leverd needs {HEAD}",
            number=6,
            remedy="run leverd db upgrade",
        )
    _check_not_newer(found)


def upgrade(connection: Connection) -> None:
    """Migrate to the newest tables; does nothing (and loads no Alembic) when they are.

    Raises:
        JournalError: a newer leverd made them.
        JournalForeignError: the database is not a journal.
    """
    found = revision(connection)
    if found == HEAD:
        return
    if found is not None:
        _check_not_newer(found)
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


def _check_not_newer(found: str) -> None:
    if found > HEAD:
        raise JournalError(
            f"the journal's tables are at {found}, newer than this leverd's {HEAD}",
            number=6,
            remedy="install the leverd that made them, or restore a backup",
        )
