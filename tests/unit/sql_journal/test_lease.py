"""The lease row: one holder at a time by the server's clock, and an epoch that only grows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from tests.journal_events import SteadyClock, decision
from tests.standby import (
    BINDING,
    LONG,
    Eyes,
    Jumping,
    eventually,
    expire,
    lined,
    prepared,
    row_of,
    stale,
    tenure_of,
)

from leverd.adapters.sql_journal import Server, SqlJournal, SqlLedger, doors, lease
from leverd.adapters.sql_journal.copier import Copier
from leverd.adapters.sql_journal.copying import Copying
from leverd.adapters.sql_journal.lease import Title
from leverd.adapters.sql_journal.lease_file import HOLDER, WITHOUT, LeaseFile
from leverd.adapters.sql_journal.tenure import NAME
from leverd.adapters.system_clock import SystemClock
from leverd.errors import JournalForeignError, OwnerError, UnreachableError


@pytest.fixture
def url(cluster):
    return prepared(cluster)


@pytest.fixture
def rows(url):
    """Return two machines' ways to one lease."""
    made = row_of(url), row_of(url)
    yield made
    for row in made:
        row.close()


@pytest.fixture
def journal(tmp_path):
    made = SqlJournal(tmp_path / "journal.db", SteadyClock())
    made.bind(BINDING)
    yield made
    made.close()


def test_one_has_it_and_the_other_waits_until_it_is_given_back(rows):
    one, other = rows
    title = one.take("one", LONG)
    assert title == Title(1, "one")
    assert other.take("other", LONG) is None
    seen = other.look()
    assert (seen.epoch, seen.holder, seen.is_held) == (1, "one", True)
    assert 0 < seen.left_s <= LONG
    assert one.give_back(title)
    assert not other.look().is_held
    assert other.take("other", LONG) == Title(2, "other")


def test_of_many_who_ask_at_once_one_gets_it(url):
    rows = [row_of(url) for _ in range(8)]
    together = threading.Barrier(len(rows))

    def ask(number):
        together.wait()
        return rows[number].take(str(number), LONG)

    with ThreadPoolExecutor(len(rows)) as pool:
        titles = list(pool.map(ask, range(len(rows))))
    for row in rows:
        row.close()
    assert [title.epoch for title in titles if title is not None] == [1]


def test_one_that_ran_out_is_taken_in_a_higher_epoch_and_its_holder_never_has_it_again(rows, url):
    one, other = rows
    first = one.take("one", LONG)
    expire(url)
    second = other.take("other", LONG)
    assert (first.epoch, second.epoch) == (1, 2)
    assert not one.renew(first, LONG)
    assert not one.give_back(first)
    assert other.look().is_held


def test_one_that_ran_out_and_that_nobody_took_is_renewed(rows, url):
    one, _ = rows
    title = one.take("one", LONG)
    expire(url)
    assert one.renew(title, LONG)
    assert one.look().is_held


def test_another_of_the_same_name_does_not_renew_it(rows):
    one, other = rows
    title = one.take("one", LONG)
    assert not other.renew(Title(title.epoch, "other"), LONG)
    assert not other.renew(stale(title), LONG)


def test_an_owner_takes_it_away_and_nobody_has_it_before_it_would_have_run_out(rows, url):
    one, other = rows
    title = one.take("one", LONG)
    assert other.take_away()
    assert not one.renew(title, LONG)
    seen = other.look()
    assert (seen.epoch, seen.holder, seen.is_held) == (2, "", True)
    assert other.take("other", LONG) is None
    expire(url)
    assert other.take("other", LONG) == Title(3, "other")


def test_there_is_nothing_to_take_away_from_nobody(rows):
    assert not rows[0].take_away()


def test_two_that_prepare_an_empty_database_at_once_make_one_lease(cluster):
    url = cluster.database()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lease.prepare, (Server(url), Server(url))))
    row = row_of(url)
    assert row.look().epoch == 0
    row.close()


def test_a_database_without_a_lease_says_so(url):
    door = doors.writing(Server(url))
    with door.begin() as connection:
        connection.execute(text("DELETE FROM lease"))
    door.close()
    row = row_of(url)
    with pytest.raises(OwnerError, match="no lease here yet"):
        row.look()
    row.close()


def test_a_server_that_is_gone_is_unreachable_and_found_again(tmp_path):
    row = row_of("postgresql://leverd@127.0.0.1:1/x")
    with pytest.raises(UnreachableError):
        row.look()
    row.close()


def test_a_line_that_swallows_everything_holds_a_question_up_for_its_limit_only(url, cluster):
    with lined(cluster.port) as line:
        row = row_of(line.url(url), limit_s=0.5)
        eventually(lambda: answers(row), "it answers by way of the line")
        line.stall()
        with pytest.raises(UnreachableError):
            row.look()
        line.heal()
        eventually(lambda: answers(row), "it answers again")
        row.close()


def answers(row):
    try:
        return row.look().epoch == 0
    except UnreachableError:  # a slow machine, once
        return False


def test_a_tenure_is_over_by_our_own_clock_from_when_we_began_to_ask(rows, tmp_path):
    now = Jumping()
    tenure = tenure_of(rows[0], tmp_path, now=now)
    assert tenure.holds()
    assert tenure.circuits() == {NAME: "closed"}
    now.ahead = LONG  # the process was stopped for as long: nobody renewed, nobody told it
    assert not tenure.holds()
    assert tenure.circuits() == {NAME: "open"}
    assert not tenure.is_over(), "nobody took it: it may be renewed"
    tenure.close()


def test_a_renewal_counts_from_its_beginning_not_from_its_answer(rows, tmp_path):
    now = Jumping()

    class Slow:
        """A row whose answer comes after the process was stopped for a whole lease."""

        def renew(self, title, ttl_s):
            done = rows[0].renew(title, ttl_s)
            now.ahead += LONG
            return done

        def give_back(self, title):
            return rows[0].give_back(title)

        def close(self):
            pass

    tenure = tenure_of(rows[0], tmp_path, now=now)
    tenure._row = Slow()
    assert tenure._renewed(), "the server said yes"
    assert not tenure.holds(), "and by now it may have said yes to another"
    tenure.close()


def test_a_tenure_renews_itself_and_outlives_its_first_lease(rows, tmp_path):
    now, eyes = Jumping(), Eyes()
    tenure = tenure_of(rows[0], tmp_path, now=now, sight=eyes)
    now.ahead = LONG
    assert not tenure.holds()
    tenure.start()
    eventually(tenure.holds, "a renewal")
    eventually(lambda: eyes.wakes == 1, "after a sleep no look was late")
    said, _ = LeaseFile(tmp_path / "journal.db").last()
    assert (said.state, said.epoch, said.holder) == (HOLDER, 1, "one")
    tenure.close()
    assert not tenure.holds()
    assert not rows[1].look().is_held, "given back"


def test_a_tenure_that_another_took_over_is_told_and_never_holds_again(rows, url, tmp_path):
    told = threading.Event()
    tenure = tenure_of(rows[0], tmp_path, now=Jumping())
    tenure.on_end(told.set)
    expire(url)
    assert rows[1].take("other", LONG) == Title(2, "other")
    tenure.start()
    assert told.wait(30)
    assert tenure.is_over()
    assert not tenure.holds()
    tenure.close()
    assert rows[1].look().holder == "other", "what is another's is not given back"


def test_an_end_that_nobody_listened_for_is_told_at_once(rows, url, tmp_path):
    tenure = tenure_of(rows[0], tmp_path, now=Jumping())
    expire(url)
    rows[1].take("other", LONG)
    tenure.start()
    eventually(tenure.is_over, "the loss")
    told = []
    tenure.on_end(lambda: told.append(True))
    assert told == [True]
    tenure.close()


def test_while_the_server_is_silent_a_tenure_runs_out_says_so_once_and_comes_back(
    url, cluster, tmp_path
):
    file = LeaseFile(tmp_path / "journal.db")
    with lined(cluster.port) as line:
        row = row_of(line.url(url), limit_s=0.3)
        eventually(lambda: answers(row), "it answers by way of the line")
        now = Jumping()
        tenure = tenure_of(row, tmp_path, now=now)
        line.stall()
        tenure.start()
        now.ahead += LONG
        eventually(lambda: file.last()[0].state == WITHOUT, "it says that the lease ran out")
        assert not tenure.holds()
        assert not tenure.is_over()
        line.heal()
        eventually(tenure.holds, "a renewal")
        eventually(lambda: file.last()[0].state == HOLDER, "it says so")
        tenure.close()


def test_who_falls_blind_signs_nothing_at_once_and_keeps_the_lease_until_it_has_ended(
    rows, tmp_path
):
    eyes, told = Eyes(), threading.Event()
    tenure = tenure_of(rows[0], tmp_path, now=Jumping(), sight=eyes)
    tenure.on_end(told.set)
    tenure.start()
    assert not told.wait(0.5), "who sees the chain keeps the lease"
    assert tenure.holds()
    eyes.blind = True
    assert told.wait(30)
    assert tenure.is_over()
    assert not tenure.holds()
    assert LeaseFile(tmp_path / "journal.db").last()[0].state == WITHOUT
    assert rows[1].take("other", LONG) is None, "what it did is not shipped yet"
    eyes.blind = False
    assert not tenure.holds(), "never again in this epoch"
    tenure.close()
    assert rows[1].take("other", LONG) == Title(2, "other")


def test_one_that_does_not_come_to_its_end_does_not_keep_the_lease_for_ever(rows, tmp_path):
    now = Jumping()
    tenure = tenure_of(rows[0], tmp_path, now=now, sight=Eyes(blind=True))
    tenure.start()
    eventually(tenure.is_over, "it lets go")
    now.ahead += LONG
    eventually(lambda: not rows[1].look().is_held, "it is given back")
    assert rows[1].take("other", LONG) == Title(2, "other")
    tenure.close()
    assert rows[1].look().is_held, "what is another's is not given back"


def test_a_lease_that_ran_out_is_not_let_go_by_who_is_blind(rows, tmp_path):
    class Silent:
        def renew(self, _title, _ttl_s):
            raise UnreachableError("gone")

        def give_back(self, _title):
            raise UnreachableError("gone")

        def close(self):
            pass

    now, told = Jumping(), threading.Event()
    tenure = tenure_of(rows[0], tmp_path, now=now, sight=Eyes(blind=True))
    tenure._row, now.ahead = Silent(), LONG
    tenure.on_end(told.set)
    tenure.start()
    assert not told.wait(0.5), "nobody else could have it: it guards on"
    assert not tenure.is_over()
    tenure.close()


def test_a_thread_that_fails_ends_the_tenure(rows, tmp_path):
    class Broken:
        def renew(self, _title, _ttl_s):
            raise RuntimeError("a bug")

        def give_back(self, _title):
            raise UnreachableError("gone")

        def close(self):
            pass

    tenure = tenure_of(rows[0], tmp_path, now=Jumping())
    tenure._row = Broken()
    tenure.start()
    eventually(tenure.is_over, "the end")
    assert not tenure.holds()
    tenure.close()


def test_nothing_was_told_of_a_lease_where_none_is(tmp_path):
    file = LeaseFile(tmp_path / "journal.db")
    assert file.last() is None
    (tmp_path / "journal.db.lease").write_text("{")
    assert file.last() is None


def test_who_lost_the_lease_appends_nothing_to_the_copy(rows, url, journal):
    one, other = rows
    server, title = Server(url), one.take("one", LONG)
    copier = Copier(journal.path, server, title)
    journal.append_now(decision(1))
    assert copier.ship().entries == 1
    expire(url)
    journal.append_now(decision(2))
    assert copier.ship().entries == 1, "ran out, and nobody else acts: it goes on"
    other.take("other", LONG)
    journal.append_now(decision(3))
    with pytest.raises(
        JournalForeignError, match="ours in epoch 1, and is no more: other, epoch 2"
    ):
        copier.ship()
    with pytest.raises(JournalForeignError):
        copier.beat(SteadyClock().now())
    copier.close()
    ledger = SqlLedger(server)
    assert ledger.count() == 2
    ledger.close()


def test_a_takeover_waits_for_what_is_being_copied_and_never_comes_between(rows, url, journal):
    one, other = rows
    title = one.take("one", LONG)
    expire(url)
    door, beside = doors.writing(Server(url)), doors.reading(Server(url))
    with ThreadPoolExecutor(1) as pool:
        with door.begin() as copy:
            lease.check_held(copy, title, Server(url))
            taking = pool.submit(other.take, "other", LONG)
            eventually(lambda: waiting(beside) == 1, "the takeover waits")
            assert not taking.done()
        assert taking.result() == Title(2, "other")
    door.close()
    beside.close()


def waiting(door):
    """Return how many wait for a lock in this database."""
    asked = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with door.begin() as connection:
        return connection.execute(text(asked)).scalar()


def test_a_writer_that_was_stopped_in_its_transaction_holds_no_takeover_up(rows, url):
    one, other = rows
    title = one.take("one", LONG)
    expire(url)
    door = doors.ServerDoor(Server(url), writes=True, hurried=True)
    with pytest.raises(UnreachableError), door.begin() as copy:  # noqa: PT012 -- it is stopped inside
        lease.check_held(copy, title, Server(url))
        assert other.take("other", LONG) == Title(2, "other")  # the server ends the other's silence
    door.close()


def test_a_copy_with_a_holder_is_not_written_without_the_lease(rows, url, journal):
    title = rows[0].take("one", LONG)
    journal.append_now(decision(1))
    copier = Copier(journal.path, Server(url))
    with pytest.raises(JournalForeignError, match="kept by the holder of its lease, 1: one"):
        copier.ship()
    rows[0].give_back(title)
    assert copier.ship().entries == 1, "once nobody holds it, it is a copy like any other"
    copier.close()


def test_a_thread_that_copies_ends_when_the_lease_is_anothers(rows, url, journal):
    title = rows[0].take("one", LONG)
    copying = Copying(journal.path, Server(url), SystemClock(), title)
    copying.start()
    journal.append_now(decision(1))
    copying.wake()
    ledger = SqlLedger(Server(url))
    eventually(lambda: ledger.count() == 1, "it copies")
    expire(url)
    rows[1].take("other", LONG)
    journal.append_now(decision(2))
    copying.wake()
    eventually(lambda: not copying._thread.is_alive(), "it ends")
    assert ledger.count() == 1
    assert copying.circuits() == {"journal copy": "open"}
    ledger.close()
    copying.close()
