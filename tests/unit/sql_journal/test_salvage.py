"""A damaged journal keeps its whole prefix; the rest is set aside and said."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.journal_events import SteadyClock, decision

from leverd.adapters.sql_journal import (
    SqlJournal,
    SqlLedger,
    SqlRequests,
    acquire_lock,
    database,
    lock_path,
    upkeep,
)
from leverd.adapters.sql_journal.database import wal_path
from leverd.adapters.sql_journal.prune import prune
from leverd.adapters.sql_journal.salvaging import ALERT, salvage
from leverd.domain.events import AlertRaised, HoldsFolded
from leverd.errors import JournalDamagedError, JournalError, JournalLockedError
from leverd.interfaces.journal import Binding
from leverd.interfaces.requests import RequestKind

BINDING = Binding("devnet", 31337, "0xgenesis")
COUNT = 300


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    journal.bind(BINDING)
    for number in range(COUNT):
        journal.append_now(decision(number))
    requests = SqlRequests(path, SteadyClock())
    requests.put(RequestKind.PAUSE, "", "cli")
    requests.close()
    journal.close()
    return path


def damage(path, statement):
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def events_of(path):
    journal = SqlJournal(path, SteadyClock())
    journal.bind(BINDING)
    events = [entry.event for entry in journal.replay()]
    journal.close()
    return events


def test_a_sound_journal_is_left_alone(path):
    before = path.read_bytes()
    assert salvage(path, SteadyClock()) is None
    assert path.read_bytes() == before
    assert list(path.parent.glob("*damaged*")) == []


def test_the_prefix_before_a_changed_row_is_kept_with_binding_and_wishes(path):
    damage(path, "UPDATE events SET chain_at = 5 WHERE seq = 201")
    before = path.read_bytes()
    done = salvage(path, SteadyClock())
    assert (done.kept, done.last_seq) == (200, 200)
    events = events_of(path)
    assert events[:200] == [decision(number) for number in range(200)]
    assert isinstance(events[200], AlertRaised)
    assert events[200].code == ALERT
    assert events[200].details["quarantine"] == str(done.quarantine)
    assert (done.quarantine / path.name).read_bytes() == before
    requests = SqlRequests(path, SteadyClock())
    assert [wish.kind for wish in requests.pending()] == [RequestKind.PAUSE]
    requests.close()
    assert salvage(path, SteadyClock()) is None


def test_what_is_appended_after_a_salvage_goes_on_in_order(path):
    damage(path, "DELETE FROM events WHERE seq = 100")
    salvage(path, SteadyClock())
    journal = SqlJournal(path, SteadyClock())
    assert journal.append_now(decision("later")) == 101
    journal.close()
    assert salvage(path, SteadyClock()) is None


def test_a_second_salvage_has_a_quarantine_of_its_own(path):
    damage(path, "DELETE FROM events WHERE seq = 100")
    first = salvage(path, SteadyClock())
    damage(path, "DELETE FROM events WHERE seq = 50")
    second = salvage(path, SteadyClock())
    assert first.quarantine != second.quarantine
    assert second.kept == 49


def test_a_file_cut_in_half_gives_back_what_is_on_its_whole_pages(path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    journal_opens_or_says_why(path)
    done = salvage(path, SteadyClock())
    assert 0 < done.kept < COUNT
    assert events_of(path)[: done.kept] == [decision(number) for number in range(done.kept)]


def journal_opens_or_says_why(path):
    with pytest.raises(JournalDamagedError):
        SqlJournal(path, SteadyClock())
    with pytest.raises(JournalDamagedError):
        SqlLedger(path)


def test_a_file_of_noise_gives_an_empty_journal_and_keeps_the_noise(path):
    noise = os.urandom(20_000)
    path.write_bytes(noise)
    done = salvage(path, SteadyClock())
    assert done.kept == 0
    assert (done.quarantine / path.name).read_bytes() == noise
    assert len(events_of(path)) == 1  # the alert


def test_a_running_daemon_is_never_salvaged_under(path):
    with acquire_lock(lock_path(path)), pytest.raises(JournalLockedError):
        salvage(path, SteadyClock())


def test_a_pruned_journal_keeps_its_gaps_and_salvages_within_them(path):
    journal = SqlJournal(path, SteadyClock())
    for day in range(10):
        journal.append_now(
            HoldsFolded("eth-loop", 1, day, day, "calm"), chain_at=1_700_000_000 + day * 86_400
        )
    journal.append_now(decision("kept"), chain_at=1_700_000_000 + 10 * 86_400)
    journal.close()
    pruned = prune(path, SteadyClock(), keep_days=2)
    assert pruned.dropped > 0
    assert salvage(path, SteadyClock()) is None
    damage(path, "UPDATE events SET body = '{}' WHERE seq = (SELECT max(seq) FROM events)")
    done = salvage(path, SteadyClock())
    assert done.kept >= 1
    assert salvage(path, SteadyClock()) is None


@pytest.mark.parametrize("dies_at", range(6))
def test_dying_anywhere_in_a_salvage_loses_nothing(path, monkeypatch, dies_at):
    damage(path, "UPDATE events SET chain_at = 5 WHERE seq = 201")
    steps = iter(range(100))

    def dying(real):
        def step(*args, **kwargs):
            if next(steps) == dies_at:
                raise KeyboardInterrupt
            return real(*args, **kwargs)

        return step

    with monkeypatch.context() as patched:
        patched.setattr(database, "replace_durably", dying(database.replace_durably))
        patched.setattr(database, "sync_folder", dying(database.sync_folder))
        with contextlib.suppress(KeyboardInterrupt):
            salvage(path, SteadyClock())
    salvage(path, SteadyClock())
    assert events_of(path)[:200] == [decision(number) for number in range(200)]
    kept = [each / path.name for each in path.parent.glob("*.damaged-*")]
    assert any(each.exists() and rows_in(each) == COUNT for each in kept)


def rows_in(copy: Path):
    with sqlite3.connect(copy) as connection:
        count = connection.execute("SELECT count(*) FROM events").fetchone()[0]
    connection.close()
    return count


def test_a_stale_log_never_reaches_the_salvaged_file(path, tmp_path):
    journal = SqlJournal(path, SteadyClock())
    journal.append_now(decision("in the log"))
    ready = path.with_name(f"{path.name}.salvaged")
    other = SqlJournal(tmp_path / "other.db", SteadyClock())
    other.bind(BINDING)
    other.append_now(decision("salvaged"))
    other.close()
    wal = wal_path(path).read_bytes()
    journal.close()
    wal_path(path).write_bytes(wal)
    (tmp_path / "other.db").rename(ready)
    assert events_of(path) == [decision("salvaged")]


DIES = """
import os, signal, sys
from pathlib import Path
from tests.journal_events import SteadyClock
from leverd.adapters.sql_journal import salvaging

def dies(*_):
    os.kill(os.getpid(), signal.SIGKILL)

salvaging._carry_over = dies
salvaging.salvage(Path(sys.argv[1]), SteadyClock())
"""


def test_the_salvage_after_one_that_was_killed_succeeds_at_once(path):
    damage(path, "UPDATE events SET chain_at = 5 WHERE seq = 201")
    command = [sys.executable, "-c", DIES, str(path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    half = path.with_name(f"{path.name}.salvaging")
    assert wal_path(half).stat().st_size > 0, "it died over a log"
    assert salvage(path, SteadyClock()).kept == 200
    assert events_of(path)[:200] == [decision(number) for number in range(200)]
    assert list(path.parent.glob("*.salvag*")) == []


def test_nothing_of_an_earlier_try_is_left_where_one_is_begun_anew(tmp_path):
    half = tmp_path / "new" / "journal.db.restoring"
    half.parent.mkdir()
    for end in ("", "-wal", "-shm", "-journal"):
        half.with_name(half.name + end).write_bytes(b"stale")
    database.begin_anew(half)
    assert [(each.name, each.stat().st_size) for each in half.parent.iterdir()] == [(half.name, 0)]
    assert half.stat().st_mode & 0o077 == 0
    (tmp_path / "file").touch()
    with pytest.raises(JournalError) as refused:
        database.begin_anew(tmp_path / "file" / "x")
    assert refused.value.code == "LVD-JRN-007"


def test_a_text_that_cannot_be_read_as_text_is_damage(path):
    damage(path, "UPDATE events SET body = CAST(x'ff' AS TEXT) WHERE seq = 201")
    with pytest.raises(JournalDamagedError):
        upkeep.verify(path)
    assert salvage(path, SteadyClock()).kept == 200
