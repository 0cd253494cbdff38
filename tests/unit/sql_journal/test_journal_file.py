"""The file under the journal: lock, disk, damage, other databases."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import subprocess
import sys
import threading

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from tests.journal_events import SteadyClock, decision

from leverd.adapters.sql_journal import (
    Heartbeat,
    SqlJournal,
    SqlLedger,
    SqlRequests,
    acquire_lock,
    database,
    doors,
    holder,
    lock_path,
    migrate,
)
from leverd.adapters.sql_journal.reserve import Reserve
from leverd.adapters.sql_journal.schema import METADATA, REVISIONS
from leverd.errors import (
    DiskFullError,
    JournalDamagedError,
    JournalError,
    JournalForeignError,
    JournalLockedError,
    OwnerError,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "journal.db"


def opened(path, **options):
    return SqlJournal(path, SteadyClock(), **options)


def test_two_journals_on_one_file_exclude_each_other_and_the_holder_is_named(path):
    first = opened(path)
    with pytest.raises(JournalLockedError, match=f"process {os.getpid()}"):
        opened(path)
    assert holder(lock_path(path)) == os.getpid()
    first.close()
    assert holder(lock_path(path)) is None
    opened(path).close()


def test_another_process_that_holds_the_journal_is_named(path):
    code = (
        "import sys, time; from pathlib import Path;"
        "from leverd.adapters.sql_journal import acquire_lock;"
        "lock = acquire_lock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(lock_path(path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(JournalLockedError, match=f"process {process.pid}"):
            opened(path)
        process.kill()
        process.wait()
    opened(path).close()


def test_looking_who_holds_a_lock_never_makes_a_start_fail(tmp_path):
    lock = tmp_path / "l.lock"
    acquire_lock(lock).release()
    for _ in range(50):
        assert holder(lock) is None
        acquire_lock(lock).release()


def test_one_who_looks_for_long_is_waited_for(tmp_path):
    lock = tmp_path / "l.lock"
    acquire_lock(lock).release()
    looking = os.open(lock, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    gone = threading.Timer(1.0, os.close, (looking,))  # longer than a holder is waited for
    gone.start()
    acquire_lock(lock).release()
    gone.join()


def test_every_commit_is_synced_and_foreign_keys_hold(path):
    journal = opened(path)

    def pragma(name):
        ask = journal._connection.exec_driver_sql
        return journal._writer.submit(lambda: ask(f"PRAGMA {name}").scalar()).result()

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2  # FULL
    assert pragma("foreign_keys") == 1
    journal.close()


def test_the_files_are_for_their_owner_alone_whatever_the_umask(path):
    before = os.umask(0)
    try:
        journal = opened(path)
        journal.append_now(decision(1))
    finally:
        os.umask(before)
    found = {each: each.stat().st_mode & 0o077 for each in path.parent.iterdir()}
    assert {path, database.wal_path(path), lock_path(path), Reserve(path).path} <= found.keys()
    assert set(found.values()) == {0}, found
    journal.close()


def test_an_event_that_cannot_be_encoded_leaves_no_trace(path):
    journal = opened(path)
    with pytest.raises(KeyError):
        journal.append_now(decision(1), object())
    assert list(journal.replay()) == []
    assert journal.append_now(decision(2)) == 1
    journal.close()


async def test_a_cancelled_append_is_carried_out_before_the_cancellation_arrives(path):
    journal = opened(path)
    task = asyncio.create_task(journal.append(decision(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [entry.event for entry in journal.replay()] == [decision(1)]
    journal.close()


async def test_appends_at_once_are_each_whole_and_in_one_order(path):
    journal = opened(path)
    pairs = [(decision(2 * i), decision(2 * i + 1)) for i in range(20)]
    await asyncio.gather(*(journal.append(*pair) for pair in pairs))
    events = [entry.event for entry in journal.replay()]
    assert sorted(events[::2], key=str) == sorted((first for first, _ in pairs), key=str)
    assert all((events[i], events[i + 1]) in pairs for i in range(0, 40, 2))
    journal.close()


class FullDisk(Reserve):
    """A disk that is full until the reserve is given back."""

    def __init__(self, path, *, helps):
        super().__init__(path, size=8192)
        self.journal = None
        self.helps = helps

    def fill(self, journal):
        self.journal = journal
        self._limit("page_count")

    def free(self):
        had = super().free()
        if had and self.helps:
            self._limit(1_000_000)
        return had

    def _limit(self, pages):
        connection = self.journal._connection
        if pages == "page_count":
            pages = connection.connection.cursor().execute("PRAGMA page_count").fetchone()[0]
        connection.connection.cursor().execute(f"PRAGMA max_page_count = {pages}")


def big(number):
    return decision(f"{number}{'x' * 20_000}")


def test_on_a_full_disk_the_reserve_is_freed_and_the_append_succeeds(path):
    reserve = FullDisk(path, helps=True)
    journal = opened(path, reserve=reserve)
    assert reserve.path.exists()
    journal._writer.submit(reserve.fill, journal).result()
    assert journal.append_now(big(1)) == 1
    assert not reserve.path.exists()
    assert [entry.event for entry in journal.replay()] == [big(1)]
    journal.close()


def test_without_a_reserve_a_full_disk_is_said_and_nothing_is_recorded(path):
    reserve = FullDisk(path, helps=False)
    journal = opened(path, reserve=reserve)
    journal.append_now(decision(1))
    journal._writer.submit(reserve.fill, journal).result()
    for _ in range(2):  # with a reserve that does not help, then without
        with pytest.raises(DiskFullError):
            journal.append_now(decision(2), big(3))
    assert [entry.event for entry in journal.replay()] == [decision(1)]
    reserve.helps = True
    journal._writer.submit(reserve._limit, 1_000_000).result()
    assert journal.append_now(decision(4)) == 2
    journal.close()


def test_the_reserve_comes_back_when_there_is_room_again(path):
    opened(path).close()
    Reserve(path).free()
    opened(path).close()
    assert Reserve(path).path.stat().st_size == 4 * 1024 * 1024


def test_after_a_failed_write_nothing_more_is_written(path):
    journal = opened(path)
    journal.append_now(decision(1))

    def break_it():
        journal._connection.connection.cursor().execute("PRAGMA query_only = ON")

    journal._writer.submit(break_it).result()
    with pytest.raises(JournalError) as first:
        journal.append_now(decision(2))
    with pytest.raises(JournalError) as second:
        journal.append_now(decision(3))
    assert second.value is first.value
    assert [entry.event for entry in journal.replay()] == [decision(1)]
    journal.close()


def test_another_kind_of_database_is_not_taken_for_a_journal(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE cats (name TEXT)")
    other.close()
    with pytest.raises(JournalForeignError, match="not a leverd journal"):
        opened(path)


def test_a_journal_of_a_newer_leverd_is_left_alone(path):
    opened(path).close()
    with sqlite3.connect(path) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.close()
    for attempt in (opened, SqlLedger, lambda each: SqlRequests(each, SteadyClock())):
        with pytest.raises(JournalError, match="newer"):
            attempt(path)


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 300])
def test_a_file_that_is_no_database_is_damage_not_a_fresh_start(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(JournalDamagedError):
        opened(path)
    assert path.read_bytes() == content


def test_a_log_without_its_database_is_damage_not_a_fresh_start(path):
    journal = opened(path)
    journal.append_now(decision(1))
    wal = database.wal_path(path).read_bytes()
    journal.close()
    path.unlink()
    database.wal_path(path).write_bytes(wal)
    with pytest.raises(JournalDamagedError, match="only its log is left"):
        opened(path)


def test_a_changed_digit_is_found_where_it_is_and_what_came_before_is_yielded(path):
    journal = opened(path)
    journal.append_now(*(decision(number) for number in range(1, 5)))
    journal.close()
    with sqlite3.connect(path) as tampered:
        tampered.execute("UPDATE events SET body = replace(body, '30', '31') WHERE seq = 3")
    tampered.close()
    journal = opened(path)
    seen = []
    with pytest.raises(JournalDamagedError, match="entry 3 is not what was written"):
        seen.extend(entry.seq for entry in _walk(journal, seen))
    assert seen == [1, 2]
    journal.close()


def _walk(journal, seen):
    for entry in journal.replay():
        seen.append(entry.seq)
    return iter(())


def test_a_missing_entry_is_found(path):
    journal = opened(path)
    journal.append_now(*(decision(number) for number in range(1, 5)))
    journal.close()
    with sqlite3.connect(path) as tampered:
        tampered.execute("DELETE FROM events WHERE seq = 2")
    tampered.close()
    journal = opened(path)
    with pytest.raises(JournalDamagedError, match="entry 2 is missing"):
        list(journal.replay())
    journal.close()


def test_a_ledger_cannot_write_and_needs_a_journal(path):
    with pytest.raises(OwnerError, match="no journal"):
        SqlLedger(path)
    opened(path).close()
    SqlLedger(path).close()
    door = doors.reading(path)
    with pytest.raises(JournalError, match="readonly"), door.begin() as connection:
        connection.exec_driver_sql("DELETE FROM events")
    door.close()


def test_the_pinned_head_and_tables_are_what_the_migrations_make(path, tmp_path):
    script = ScriptDirectory.from_config(migrate.alembic_config())
    assert tuple(each.revision for each in script.walk_revisions())[::-1] == REVISIONS
    opened(path).close()
    METADATA.create_all(engine := create_engine(f"sqlite:///{tmp_path / 'meta.db'}"))
    engine.dispose()
    made, meant = _shape(path), _shape(tmp_path / "meta.db")
    made.pop("alembic_version")
    assert made == meant


def _shape(path):
    engine = create_engine(f"sqlite:///{path}")
    inspector = inspect(engine)
    shape = {
        table: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)],
            sorted(str(index) for index in inspector.get_indexes(table)),
        )
        for table in inspector.get_table_names()
    }
    engine.dispose()
    return shape


def test_a_path_with_odd_characters_is_a_path(tmp_path):
    path = tmp_path / "a b#c?d%20e" / "journal.db"
    journal = opened(path)
    journal.append_now(decision(1))
    assert SqlLedger(path).count() == 1
    journal.close()
    assert path.exists()


def test_a_url_of_sqlite_is_its_file_and_another_is_refused(path):
    journal = opened(f"sqlite:///{path}")
    assert journal.path == path
    journal.close()
    for url in ("postgresql://host/db", "nonsense://", "sqlite://"):
        with pytest.raises(JournalError):
            opened(url)


def test_a_heartbeat_is_the_time_of_the_last_turn(path):
    path.parent.mkdir()
    heart, clock = Heartbeat(path), SteadyClock()
    assert heart.last() is None
    now = clock.now()
    heart.beat(now)
    assert abs((heart.last() - now).total_seconds()) < 0.001
