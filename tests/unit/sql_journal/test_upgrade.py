"""Tables that an older leverd made: brought up to date in one step, or left as they were."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import create_engine, inspect, text
from tests.journal_events import SteadyClock, decision

from leverd.adapters.sql_journal import Server, SqlJournal, database, doors, migrate
from leverd.adapters.sql_journal.copier import Copier

PAGES = "events_by_position_and_kind"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "journal.db"


def opened(path, **options):
    return SqlJournal(path, SteadyClock(), **options)


def test_an_older_journal_is_brought_up_to_date_in_one_step_and_says_so(path):
    opened(path).close()
    lower(path, "0004")
    told = []
    journal = opened(path, upgrading=told.append)
    journal.append_now(decision(1))
    journal.close()
    assert told == [0]
    assert PAGES in indexes(path)
    lower(path, "0004")
    opened(path, upgrading=told.append).close()
    opened(path, upgrading=told.append).close()
    assert told == [0, 1], "and nothing where there is nothing to do"


def test_an_upgrade_that_dies_leaves_an_older_journal_whole(path, monkeypatch):
    journal = opened(path)
    journal.append_now(decision(1))
    journal.close()
    lower(path, "0004")
    install = migrate.install

    def dying(connection):
        install(connection)
        assert PAGES in {each["name"] for each in inspect(connection).get_indexes("events")}
        raise KeyboardInterrupt

    monkeypatch.setattr(migrate, "install", dying)
    with pytest.raises(KeyboardInterrupt):
        opened(path)
    assert PAGES not in indexes(path)
    monkeypatch.undo()
    journal = opened(path)
    assert PAGES in indexes(path)
    assert [entry.event for entry in journal.replay()] == [decision(1)]
    journal.close()


def test_an_older_copy_is_brought_up_to_date_however_long_it_takes(path, cluster):
    server = Server(cluster.database())
    journal = opened(path)
    journal.append_now(decision(1))
    copier = Copier(path, server)
    copier.ship()
    copier.close()
    door = doors.writing(server)
    with door.begin() as connection:
        command.downgrade(migrate.alembic_config(connection), "0004")
        names = [each["name"] for each in inspect(connection).get_indexes("events")]
        assert PAGES not in names
    with door.begin() as connection:
        migrate.upgrade(connection)
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "0"
    with door.begin() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "30s"
    door.close()
    journal.append_now(decision(2))
    copier = Copier(path, server)
    assert copier.ship().entries == 1
    copier.close()
    journal.close()


def lower(path, revision):
    """Take a journal's tables back to what an older leverd made."""
    with database.writing(path).connect() as connection, connection.begin():
        command.downgrade(migrate.alembic_config(connection), revision)


def indexes(path):
    engine = create_engine(f"sqlite:///{path}")
    found = {each["name"] for each in inspect(engine).get_indexes("events")}
    engine.dispose()
    return found
