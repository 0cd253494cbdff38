"""The copy on a server: it lags, it never differs, and it brings a lost journal back."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import delete, insert, text, update
from tests.journal_events import SteadyClock, decision

from leverd.adapters.sql_journal import (
    Heartbeat,
    Server,
    SqlJournal,
    SqlLedger,
    SqlRequests,
    doors,
    restoring,
    upkeep,
)
from leverd.adapters.sql_journal.copier import Copier
from leverd.adapters.sql_journal.copying import NAME, Copying
from leverd.adapters.sql_journal.prune import prune
from leverd.adapters.sql_journal.schema import EVENTS, REQUESTS
from leverd.adapters.system_clock import SystemClock
from leverd.errors import (
    JournalDamagedError,
    JournalError,
    JournalForeignError,
    JournalLockedError,
    OwnerError,
    UnreachableError,
)
from leverd.interfaces.journal import Binding
from leverd.interfaces.requests import RequestKind

BINDING = Binding("devnet", 31337, "0xgenesis")
DAY = 86_400
START = 1_700_006_400
NOWHERE = "postgresql://leverd@127.0.0.1:1/x"


@pytest.fixture
def server(cluster):
    return Server(cluster.database())


@pytest.fixture
def journal(tmp_path):
    made = SqlJournal(tmp_path / "journal.db", SteadyClock())
    made.bind(BINDING)
    yield made
    made.close()


@pytest.fixture
def copier(journal, server):
    made = Copier(journal.path, server)
    yield made
    made.close()


def seqs(place):
    ledger = SqlLedger(place)
    try:
        return [entry.seq for entry in ledger.entries(limit=10_000)]
    finally:
        ledger.close()


def there(server):
    try:
        return len(seqs(server))
    except OwnerError:  # no tables yet
        return 0


def changed(place, statement):
    door = doors.writing(place)
    with door.begin() as connection:
        connection.execute(statement)
    door.close()


def test_a_copy_is_the_same_entries_and_nothing_comes_twice(journal, copier, server):
    journal.append_now(*(decision(number) for number in range(1_201)))
    shipped = copier.ship()
    assert (shipped.entries, shipped.last) == (1_201, 1_201)
    assert copier.ship().entries == 0
    ledger = SqlLedger(server)
    assert ledger.entries(limit=2_000) == list(journal.replay())
    assert ledger.binding() == BINDING
    ledger.close()
    assert upkeep.verify_copy(server) == upkeep.verify(journal.path)


def test_a_database_without_a_copy_says_so_and_how_to_make_one(server):
    with pytest.raises(OwnerError, match="no copy of a journal here yet") as refused:
        SqlLedger(server)
    assert "leverd db copy" in refused.value.remedy


def test_another_copier_goes_on_where_one_stopped(journal, copier, server):
    journal.append_now(decision(1))
    copier.ship()
    journal.append_now(decision(2))
    later = Copier(journal.path, server)
    assert later.ship().entries == 1
    later.close()
    assert seqs(server) == [1, 2]


def test_a_ledger_of_a_copy_cannot_write(copier, server):
    copier.ship()
    door = doors.reading(server)
    with pytest.raises(JournalError, match="read-only"), door.begin() as connection:
        connection.execute(delete(EVENTS))
    door.close()


@pytest.mark.parametrize(
    "binding", [Binding("devnet", 31337, "0xother"), Binding("live", 31337, "0xgenesis")]
)
def test_the_copy_of_another_journal_is_left_as_it_is(journal, copier, server, tmp_path, binding):
    journal.append_now(decision(1))
    copier.ship()
    stranger = SqlJournal(tmp_path / "other.db", SteadyClock())
    stranger.bind(binding)
    stranger.append_now(decision(1), decision(2))
    other = Copier(stranger.path, server)
    with pytest.raises(JournalForeignError, match="another chain or mode"):
        other.ship()
    other.close()
    stranger.close()
    assert seqs(server) == [1]


def test_a_journal_that_tells_another_story_or_a_shorter_one_is_not_copied(
    journal, copier, server, tmp_path
):
    journal.append_now(decision(1), decision(2))
    copier.ship()
    for name, entries, why in (
        ("shorter.db", [decision(1)], "it has entry 2, this journal ends at 1"),
        ("other.db", [decision(1), decision(7), decision(8)], "its entry 2 is another"),
    ):
        again = SqlJournal(tmp_path / name, SteadyClock())
        again.bind(BINDING)
        again.append_now(*entries)
        other = Copier(again.path, server)
        with pytest.raises(JournalForeignError, match=why):
            other.ship()
        other.close()
        again.close()
    assert seqs(server) == [1, 2]


def test_a_database_of_something_else_is_refused(journal, server):
    door = doors.writing(server)
    with door.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE accounts (id int)")
    door.close()
    copier = Copier(journal.path, server)
    with pytest.raises(JournalForeignError, match="not a leverd journal"):
        copier.ship()
    copier.close()


def test_what_pruning_took_before_it_was_shipped_is_missing_on_purpose(tmp_path, server):
    path = tmp_path / "old.db"
    journal = SqlJournal(path, SteadyClock())
    journal.bind(BINDING)
    copier = Copier(path, server)
    for day in range(10):
        journal.append_now(decision(day), decision(day + 100), chain_at=START + day * DAY)
        if day == 1:
            assert copier.ship().last == 4
    journal.close()
    assert prune(path, SteadyClock(), keep_days=3).dropped > 0
    assert copier.ship().last == 21
    copier.close()
    found = upkeep.verify_copy(server)
    assert found.last_seq == 21
    assert 4 + 7 <= found.entries < 21
    changed(server, delete(EVENTS).where(EVENTS.c.seq == 20))
    with pytest.raises(JournalDamagedError, match="entry 20 is missing"):
        upkeep.verify_copy(server)


def test_a_copy_that_was_tampered_with_is_noticed(journal, copier, server):
    journal.append_now(decision(1), decision(2))
    copier.ship()
    changed(server, update(EVENTS).where(EVENTS.c.seq == 1).values(body="{}"))
    with pytest.raises(JournalDamagedError, match="entry 1"):
        upkeep.verify_copy(server)


def test_a_lost_journal_is_brought_back_from_its_copy_and_goes_on(
    journal, copier, server, tmp_path
):
    journal.append_now(*(decision(number) for number in range(700)))
    copier.ship()
    back = tmp_path / "back" / "journal.db"
    assert restoring.restore_copy(server, back) == upkeep.verify(journal.path)
    assert back.stat().st_mode & 0o077 == 0
    again = SqlJournal(back, SteadyClock())
    again.bind(BINDING)
    assert list(again.replay()) == list(journal.replay())
    assert again.append_now(decision(1)) == 701
    again.close()


def test_a_backup_is_brought_back_and_nothing_is_written_over(journal, tmp_path):
    journal.append_now(decision(1))
    upkeep.backup(journal.path, tmp_path / "backup.db")
    back = tmp_path / "back.db"
    assert restoring.restore_backup(tmp_path / "backup.db", back).entries == 1
    assert seqs(back) == [1]
    with pytest.raises(OwnerError, match="already"):
        restoring.restore_backup(tmp_path / "backup.db", back)
    with pytest.raises(OwnerError, match="no journal"):
        restoring.restore_backup(tmp_path / "nowhere.db", tmp_path / "new.db")


def test_only_wishes_that_make_things_safer_are_heard_from_afar(journal, copier, server):
    copier.ship()
    far, near = SqlRequests(server, SteadyClock()), SqlRequests(journal.path, SteadyClock())
    far.put(RequestKind.PAUSE, "eth-loop", "api")
    far.put(RequestKind.RESUME, "", "api")
    far.put(RequestKind.UNWIND_NOW, "", "api")
    assert copier.fetch(near) == 3
    assert [(wish.kind, wish.position_id, wish.by) for wish in near.pending()] == [
        (RequestKind.PAUSE, "eth-loop", "api afar"),
        (RequestKind.UNWIND_NOW, "", "api afar"),
    ]
    assert far.pending() == []
    assert copier.fetch(near) == 0
    far.close()
    near.close()


def test_a_wish_that_was_heard_and_not_marked_when_a_process_died_is_heard_again(
    journal, copier, server, monkeypatch
):
    """Asked twice, it makes things no less safe; never heard, it would."""
    copier.ship()
    far, near = SqlRequests(server, SteadyClock()), SqlRequests(journal.path, SteadyClock())
    far.put(RequestKind.PAUSE, "", "api")
    put = near.put

    def dies_after(*wish):
        put(*wish)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(near, "put", dies_after)
        with pytest.raises(KeyboardInterrupt):
            copier.fetch(near)
    assert len(far.pending()) == 1
    assert copier.fetch(near) == 1
    assert [wish.kind for wish in near.pending()] == [RequestKind.PAUSE] * 2
    assert far.pending() == []
    far.close()
    near.close()


def test_a_wish_that_is_none_is_not_heard_and_stops_nothing(journal, copier, server):
    copier.ship()
    row = {"kind": "transfer", "position_id": "", "by": "api", "put_at": 1}
    changed(server, insert(REQUESTS).values(**row))
    near = SqlRequests(journal.path, SteadyClock())
    assert copier.fetch(near) == 1
    assert near.pending() == []
    near.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://me:secret@h/x", "a password stands in it"),
        ("postgresql://h/x?password=secret", "a password stands in it"),
        ("mysql://h/x", "it is of mysql"),
        ("postgresql+asyncpg://h/x", "it is of postgresql"),
        ("postgresql://h", "it names no database"),
        ("nonsense", "it is no URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url, why):
    with pytest.raises(OwnerError, match=why) as refused:
        Server(url)
    assert "secret" not in str(refused.value)


def test_a_server_that_is_away_is_unreachable(journal):
    copier = Copier(journal.path, Server(NOWHERE))
    with pytest.raises(UnreachableError) as refused:
        copier.ship()
    assert refused.value.code == "LVD-NET-050"
    copier.close()


def until(true, seconds=60.0):
    clock, pause = SystemClock(), threading.Event()
    deadline = clock.monotonic() + seconds
    while not true():
        assert clock.monotonic() < deadline, "it never came"
        pause.wait(0.02)


def test_beside_a_daemon_it_keeps_up_by_itself_and_ships_the_rest_at_the_end(tmp_path, server):
    path = tmp_path / "journal.db"
    copying = Copying(path, server, SystemClock())
    journal = SqlJournal(path, SystemClock(), appended=copying.wake)
    journal.bind(BINDING)
    Heartbeat(path).beat(SystemClock().now())
    copying.start()
    journal.append_now(decision(1))
    until(lambda: there(server) == 1)
    far = SqlRequests(server, SystemClock())
    far.put(RequestKind.REDUCE, "", "api")
    near = SqlRequests(path, SystemClock())
    until(near.pending)
    journal.append_now(*(decision(number) for number in range(1_700)))
    copying.close(wait_s=60)
    assert copying.circuits() == {NAME: "closed"}
    assert there(server) == 1_701
    for each in (far, near, journal):
        each.close()


def test_a_server_that_dies_holds_up_no_append_and_gets_all_of_them_when_it_is_back(
    own_cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr("leverd.adapters.sql_journal.copying._PATIENCE_S", (0.05, 0.2))
    server = Server(own_cluster.database())
    path = tmp_path / "journal.db"
    copying = Copying(path, server, SystemClock())
    journal = SqlJournal(path, SystemClock(), appended=copying.wake)
    journal.bind(BINDING)
    copying.start()
    journal.append_now(decision(1))
    until(lambda: there(server) == 1)
    own_cluster.stop("immediate")
    journal.append_now(*(decision(number) for number in range(50)))
    until(lambda: copying.circuits() == {NAME: "open"})
    assert len(list(journal.replay())) == 51
    own_cluster.start()
    until(lambda: copying.circuits() == {NAME: "closed"})
    copying.close(wait_s=60)
    assert there(server) == 51
    assert upkeep.verify_copy(server) == upkeep.verify(path)
    journal.close()


def test_the_copy_of_another_journal_ends_the_copying(journal, copier, server, tmp_path):
    journal.append_now(decision(1))
    copier.ship()
    stranger = SqlJournal(tmp_path / "other.db", SystemClock())
    stranger.bind(Binding("live", 1, "0xother"))
    copying = Copying(stranger.path, server, SystemClock())
    copying.start()
    until(lambda: copying.circuits() == {NAME: "open"})
    copying.close(wait_s=60)
    stranger.close()
    assert seqs(server) == [1]


def test_a_thread_that_meets_a_bug_does_not_look_alive(tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("leverd.adapters.sql_journal.copying.Copier", broken)
    copying = Copying(tmp_path / "journal.db", Server(NOWHERE), SystemClock())
    copying.start()
    until(lambda: copying.circuits() == {NAME: "open"})
    copying.close()


def test_a_file_that_is_busy_for_long_is_tried_again(tmp_path, server, monkeypatch):
    monkeypatch.setattr("leverd.adapters.sql_journal.copying._PATIENCE_S", (0.01, 0.02))
    left = [2]

    def busy(path, to, title):
        if left[0]:
            left[0] -= 1
            raise JournalLockedError("another process keeps writing to the journal", number=4)
        return Copier(path, to, title)

    monkeypatch.setattr("leverd.adapters.sql_journal.copying.Copier", busy)
    path = tmp_path / "journal.db"
    copying = Copying(path, server, SystemClock())
    journal = SqlJournal(path, SystemClock(), appended=copying.wake)
    journal.append_now(decision(1))
    copying.start()
    until(lambda: there(server) == 1)
    copying.close(wait_s=60)
    assert copying.circuits() == {NAME: "closed"}
    journal.close()


def test_without_its_driver_a_copy_is_refused_before_anything_starts(monkeypatch):
    monkeypatch.setattr("leverd.adapters.sql_journal.server.find_spec", lambda _name: None)
    with pytest.raises(OwnerError) as refused:
        Server(NOWHERE)
    assert refused.value.code == "LVD-OWN-110"
    assert "leverd[postgres]" in refused.value.remedy


def test_the_end_does_not_wait_for_a_server_that_is_away(tmp_path):
    path = tmp_path / "journal.db"
    copying = Copying(path, Server(NOWHERE), SystemClock())
    journal = SqlJournal(path, SystemClock(), appended=copying.wake)
    copying.start()
    journal.append_now(decision(1))
    until(lambda: copying.circuits() == {NAME: "open"})
    copying.close()
    until(lambda: not any(each.name == "journal-copy" for each in threading.enumerate()))
    journal.close()


def test_however_often_the_same_is_asked_each_page_has_a_plan_of_its_own(copier, journal, server):
    """A plan for any page would sort every entry of a kind; the driver prepares after five."""
    journal.append_now(*map(decision, range(1, 4)))
    copier.ship()
    ledger, door = SqlLedger(server), doors.reading(server)
    for _ in range(12):
        found = ledger.entries(kinds=["DecisionTaken", "AlertRaised"], limit=2, newest_first=True)
        assert [entry.seq for entry in found] == [3, 2]
    with door.begin() as connection:
        assert connection.execute(text("SHOW plan_cache_mode")).scalar() == "force_custom_plan"
    door.close()
    ledger.close()


def test_a_copy_that_knows_a_turns_end_holds_all_that_came_before_it(tmp_path, server):
    """The daemon appends while it is shipped: what the turn told before it ended is there."""
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    heart, seen = Heartbeat(path), []

    def sights():
        """Be the daemon, in the very moment after its turn was looked at."""
        if not seen:
            seen.append(journal.append_now(decision(2)))
        return '{"turn": 1}', ""

    journal.append_now(decision(1))
    ended = SystemClock().now()
    heart.beat(ended)
    copying = Copying(path, server, SystemClock(), sights=sights)
    copying.start()
    until(lambda: turn_of(server) is not None)
    turn = turn_of(server)
    assert abs((turn.ended_at - ended).total_seconds()) < 0.001
    assert (turn.sight, turn.spot) == ('{"turn": 1}', "")
    assert there(server) == 2
    copying.close(wait_s=60)
    journal.close()


def turn_of(server):
    try:
        ledger = SqlLedger(server)
    except (OwnerError, JournalError):  # no tables yet
        return None
    try:
        return ledger.last_turn()
    finally:
        ledger.close()
