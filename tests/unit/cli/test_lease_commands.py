"""Who acts, as an owner asks it, and orders that reach whoever does."""

from __future__ import annotations

import pytest
from tests.standby import LONG, prepared, row_of

from leverd.adapters.sql_journal import LeaseFile, Server, SqlJournal, SqlRequests
from leverd.adapters.sql_journal.copier import Copier
from leverd.adapters.sql_journal.lease_file import HOLDER, STANDBY, Standing
from leverd.adapters.system_clock import SystemClock
from leverd.interfaces.requests import RequestKind

OFF = "  enabled: false                   # true: act only"
COPY = "  copy_to:                         # PostgreSQL"


@pytest.fixture
def url(cluster):
    return prepared(cluster)


@pytest.fixture
def row(url):
    made = row_of(url)
    yield made
    made.close()


@pytest.fixture
def shared(owner, url):
    """Return an owner of two machines, at one of them."""
    owner.with_history()
    owner.edit(COPY, COPY.replace("copy_to:", f"copy_to: {url}"))
    owner.edit(OFF, OFF.replace("false", "true "))
    return owner


def asked(url):
    requests = SqlRequests(Server(url), SystemClock())
    try:
        return [each.kind for each in requests.pending()]
    finally:
        requests.close()


def test_it_is_shown_who_acts_and_since_which_epoch(shared, row):
    row.take("one:7:abc", LONG)
    found = shared("db", "lease", "--json").data
    assert (found["holder"], found["epoch"]) == ("one:7:abc", 1)
    assert 0 < found["runs_out_in_s"] <= LONG
    assert "one:7:abc" in shared("db", "lease").out


def test_nobody_acts_before_anybody_did(shared):
    found = shared("db", "lease", "--json").data
    assert (found["holder"], found["epoch"], found["runs_out_in_s"]) == ("", 0, None)
    assert "nobody" in shared("db", "lease").out


def test_the_lease_is_taken_from_its_holder_when_the_owner_means_it(shared, row):
    title = row.take("one", LONG)
    assert shared("db", "lease", "--release", "--yes", "--json").data["released"] is True
    assert not row.renew(title, LONG)
    said = shared("db", "lease", "--release", "--yes")
    assert "nothing to take away" in said.out


def test_where_no_second_daemon_is_set_up_there_is_no_lease(owner):
    answer = owner("db", "lease")
    assert answer.code == 1
    assert "LVD-OWN-132" in answer.err


def test_status_says_how_this_machine_stands(shared):
    assert shared("status", "--json").data["lease"] is None
    LeaseFile(shared.journal).say(Standing(STANDBY, 4, "other"))
    found = shared("status", "--json").data["lease"]
    assert (found["state"], found["epoch"], found["holder"]) == (STANDBY, 4, "other")
    assert "standby, epoch 4, held by other" in " ".join(shared("status").out.split())


def test_without_a_second_daemon_status_says_nothing_of_it(owner):
    owner.with_history()
    assert "lease" not in owner("status", "--json").data


def test_the_doctor_asks_who_acts(shared, row):
    found = {each["code"]: each for each in shared("doctor", "--json").data}
    assert found["lease"]["status"] == "note"
    row.take("one", LONG)
    found = {each["code"]: each for each in shared("doctor", "--json").data}
    assert found["lease"]["status"] == "good"
    assert "one holds it" in found["lease"]["message"]


@pytest.mark.parametrize("order", ["pause", "reduce"])
def test_what_makes_it_safer_reaches_who_acts_by_way_of_the_copy(shared, url, order):
    said = shared(order, "--json").data
    assert said["request"] == 1
    assert asked(url) == [RequestKind(order)]
    journal = SqlJournal(shared.journal, SystemClock())
    assert len(list(journal.replay())) == 6, "nothing is written here"
    copier = Copier(shared.journal, Server(url))
    copier.ship()
    mine = SqlRequests(shared.journal, SystemClock())
    assert copier.fetch(mine) == 1
    assert [each.kind for each in mine.pending()] == [RequestKind(order)]
    mine.close()
    copier.close()
    journal.close()


def test_an_unwind_here_is_left_to_who_acts(shared, url):
    said = shared("unwind", "--yes", "--json").data
    assert said["closed"] is False
    assert asked(url) == [RequestKind.UNWIND]


def test_resume_is_said_on_the_machine_that_acts(shared, url):
    answer = shared("resume")
    assert (answer.code, "LVD-OWN-134" in answer.err) == (1, True)
    journal = SqlJournal(shared.journal, SystemClock())
    LeaseFile(shared.journal).say(Standing(STANDBY, 4, "other"))
    assert shared("resume").code == 1, "a daemon runs here, and waits in line"
    LeaseFile(shared.journal).say(Standing(HOLDER, 5, "ours"))
    assert shared("resume", "--json").data["request"] == 1
    journal.close()
    assert asked(url) == []


def test_a_copy_that_two_share_is_not_written_by_hand(shared):
    answer = shared("db", "copy")
    assert (answer.code, "LVD-OWN-133" in answer.err) == (1, True)
