"""A journal is brought up to its copy; two stories are never mixed, and none is deleted."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from tests.journal_events import SteadyClock, decision
from tests.standby import BINDING, prepared

from leverd.adapters.sql_journal import Server, SqlJournal, SqlLedger, database, upkeep
from leverd.adapters.sql_journal.copier import Copier
from leverd.adapters.sql_journal.following import Followed, follow
from leverd.adapters.sql_journal.prune import prune
from leverd.adapters.sql_journal.tenure import RAN_OUT, TAKEN
from leverd.domain.events import AlertRaised, DaemonStarted
from leverd.errors import JournalDamagedError, JournalForeignError, UnreachableError
from leverd.interfaces.journal import Binding

DAY = 86_400
START = 1_700_006_400


@pytest.fixture
def server(cluster):
    return Server(prepared(cluster))


@pytest.fixture
def holder(tmp_path, server):
    """Return the journal of who acts, and a way to ship it."""
    journal = SqlJournal(tmp_path / "holder" / "journal.db", SteadyClock())
    journal.bind(BINDING)
    copier = Copier(journal.path, server)
    yield Holder(journal, copier)
    copier.close()
    journal.close()


class Holder:
    def __init__(self, journal, copier):
        self.journal, self.copier = journal, copier

    def tells(self, *numbers, at=0):
        self.journal.append_now(*map(decision, numbers), chain_at=at)
        self.copier.ship()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "standby" / "journal.db"


def appended(path, *numbers):
    """Append to a journal as a daemon of this machine would."""
    journal = SqlJournal(path, SteadyClock())
    journal.append_now(*map(decision, numbers))
    journal.close()


def entries(place):
    ledger = SqlLedger(place)
    try:
        return list(ledger.entries(limit=10_000))
    finally:
        ledger.close()


def test_where_nothing_was_copied_yet_no_journal_is_made(server, path):
    assert follow(path, server) == Followed(0, 0)
    assert not path.exists()


def test_a_machine_without_a_journal_gets_all_of_it_and_then_what_is_new(holder, server, path):
    holder.tells(1, 2)
    assert follow(path, server) == Followed(2, 2)
    holder.tells(*range(3, 1_400))
    assert follow(path, server) == Followed(1_397, 1_399)
    assert follow(path, server) == Followed(0, 1_399)
    assert entries(path) == entries(server) == list(holder.journal.replay())
    assert upkeep.verify(path).entries == 1_399


def test_a_journal_that_is_followed_can_be_gone_on_with_and_shipped(holder, server, path):
    holder.tells(1, 2)
    follow(path, server)
    appended(path, 3)
    assert follow(path, server) == Followed(0, 3, ahead=1)
    copier = Copier(path, server)
    assert copier.ship().entries == 1
    copier.close()
    assert entries(path) == entries(server)


def test_a_journal_that_was_never_copied_is_left_for_its_holder_to_ship(server, path):
    appended(path, 1, 2)
    assert follow(path, server) == Followed(0, 2, ahead=2)


def test_one_made_and_never_bound_takes_the_copys_binding(holder, server, path):
    SqlJournal(path, SteadyClock()).close()
    holder.tells(1)
    assert follow(path, server) == Followed(1, 1)
    ledger = SqlLedger(path)
    assert ledger.binding() == BINDING
    ledger.close()


def test_entries_nobody_was_told_of_are_set_aside_once_the_copy_has_gone_on(holder, server, path):
    holder.tells(1, 2)
    follow(path, server)
    appended(path, 7, 8, 9)  # written by a holder that was cut off before it shipped them
    mine = entries(path)
    holder.tells(3)
    done = follow(path, server)
    assert (done.entries, done.last, done.ahead) == (3, 3, 0)
    assert done.set_aside == path.with_name("journal.db.earlier-1")
    assert entries(done.set_aside / "journal.db") == mine, "nothing of it is deleted"
    assert entries(path) == entries(server)
    assert follow(path, server) == Followed(0, 3)


def test_it_dies_between_setting_aside_and_taking_and_the_next_look_takes(holder, server, path):
    holder.tells(1)
    follow(path, server)
    appended(path, 7)
    holder.tells(2)
    folder = path.with_name("journal.db.earlier-1")
    folder.mkdir()
    path.rename(folder / path.name)
    assert follow(path, server) == Followed(2, 2)


def test_a_journal_that_shares_nothing_with_the_copy_is_refused(holder, server, path):
    appended(path, 7, 8, 9)
    holder.tells(1, 2)
    with pytest.raises(JournalForeignError, match="no entry in common") as refused:
        follow(path, server)
    assert (refused.value.code, bool(refused.value.remedy)) == ("LVD-JRN-017", True)
    assert len(entries(path)) == 3


def begun(path, code, *, starts=1):
    """Have a journal be that of a holder who was there `starts` times."""
    journal = SqlJournal(path, SteadyClock())
    journal.bind(BINDING)
    for _ in range(starts):
        journal.append_now(AlertRaised("", code, "took the lease"))
        journal.append_now(DaemonStarted("0", "devnet", "0"), decision(7))
    journal.close()


@pytest.mark.parametrize("code", [TAKEN, RAN_OUT])
def test_a_first_life_of_which_nothing_was_shipped_is_set_aside(holder, server, path, code):
    """Stopped in its first second, while the server was slow: another began the story then."""
    begun(path, code)
    mine = entries(path)
    holder.tells(1, 2)
    done = follow(path, server)
    assert done.set_aside is not None
    assert entries(done.set_aside / "journal.db") == mine
    assert entries(path) == entries(server)


def test_a_first_life_that_ended_before_its_daemon_began_is_set_aside_too(holder, server, path):
    begun(path, TAKEN, starts=0)
    journal = SqlJournal(path, SteadyClock())
    journal.append_now(AlertRaised("", TAKEN, "took the lease"))
    journal.close()
    holder.tells(1)
    assert follow(path, server).set_aside is not None


@pytest.mark.parametrize(("code", "starts"), [(TAKEN, 2), ("LVD-GRD-001", 1)])
def test_a_journal_with_a_past_of_its_own_is_refused(holder, server, path, code, starts):
    begun(path, code, starts=starts)
    holder.tells(1, 2)
    with pytest.raises(JournalForeignError, match="no entry in common"):
        follow(path, server)
    assert len(entries(path)) == 3 * starts


@pytest.mark.parametrize("other", [Binding("live", 31337, "0xgenesis"), Binding("devnet", 1, "0x")])
def test_a_journal_of_another_chain_or_mode_is_refused(holder, server, path, other):
    holder.tells(1)
    journal = SqlJournal(path, SteadyClock())
    journal.bind(other)
    journal.close()
    with pytest.raises(JournalForeignError, match="another chain or mode"):
        follow(path, server)


def test_a_damaged_journal_is_said_to_be(holder, server, path):
    holder.tells(1)
    path.parent.mkdir()
    path.write_bytes(b"no journal at all")
    with pytest.raises(JournalDamagedError):
        follow(path, server)


def test_a_server_that_is_gone_changes_nothing(holder, server, path):
    holder.tells(1)
    follow(path, server)
    with pytest.raises(UnreachableError):
        follow(path, Server("postgresql://leverd@127.0.0.1:1/x"))
    assert len(entries(path)) == 1


def test_what_the_holder_pruned_before_it_shipped_it_is_missing_on_purpose_here_too(
    holder, server, path
):
    holder.tells(1, at=START)
    follow(path, server)
    for day in range(1, 12):  # no superseded decision that is old outlives pruning
        holder.journal.append_now(decision(day + 1), chain_at=START + day * DAY)
    lock_free = holder.journal
    lock_free.close()
    assert prune(lock_free.path, SteadyClock(), keep_days=2).dropped > 0
    copier = Copier(lock_free.path, server)
    copier.ship()
    copier.close()
    follow(path, server)
    assert entries(path)[-1] == entries(server)[-1]
    upkeep.verify(path)
    upkeep.verify_copy(server)


def test_a_pruned_journal_follows_and_stays_whole(holder, server, path):
    for day in range(12):
        holder.tells(day + 1, at=START + day * DAY)
    follow(path, server)
    assert prune(path, SteadyClock(), keep_days=2).dropped > 0
    assert follow(path, server).ahead == 1  # the note that says what was pruned
    upkeep.verify(path)


@pytest.mark.parametrize("of", ["following", "restoring"])
def test_a_server_that_is_cut_off_while_it_is_read_is_away_and_no_journal_is_damaged(
    holder, server, path, monkeypatch, of
):
    holder.tells(1)
    if of == "following":
        follow(path, server)
        holder.tells(2)

    def cut(source, **_):
        asked = select(func.pg_terminate_backend(func.pg_backend_pid()))
        return source.execute(asked).all()

    with monkeypatch.context() as patch:
        patch.setattr(f"leverd.adapters.sql_journal.{of}.scan", cut)
        with pytest.raises(UnreachableError):
            follow(path, server)
    assert follow(path, server).entries == 1
    assert entries(path) == entries(server)


def test_what_another_database_says_is_left_to_its_own_door(tmp_path, server):
    theirs = sqlite3.OperationalError("disk I/O error")
    with pytest.raises(OperationalError), server.translated():
        raise OperationalError("SELECT 1", {}, theirs)
    ours = psycopg.OperationalError("the connection is closed")
    with pytest.raises(OperationalError), database.translated(tmp_path / "journal.db"):
        raise OperationalError("SELECT 1", {}, ours)
