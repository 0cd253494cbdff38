"""pause, reduce, resume, halt, unwind: to the daemon when one runs, else into the journal."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import insert
from tests.journal_events import SteadyClock

from leverd.adapters.sql_journal import SqlJournal, SqlLedger, SqlRequests, doors
from leverd.adapters.sql_journal.schema import REQUESTS
from leverd.domain.events import Resumed, TradingStateChanged, UnwindRequested
from leverd.interfaces.requests import RequestKind


def last_event(owner):
    ledger = SqlLedger(owner.journal)
    (entry,) = ledger.entries(newest_first=True, limit=1)
    ledger.close()
    return entry.event


@pytest.mark.parametrize(
    ("verb", "state", "paused"),
    [("pause", "reducing", True), ("reduce", "reducing", False), ("halt", "halted", False)],
)
def test_without_a_daemon_the_order_is_journaled_at_once(owner, verb, state, paused):
    owner.with_history()
    flags = ["--yes"] if verb == "halt" else []
    answer = owner(verb, "eth-loop", *flags)
    assert answer.code == 0
    event = last_event(owner)
    assert isinstance(event, TradingStateChanged)
    assert (event.position_id, event.state, event.paused) == ("eth-loop", state, paused)
    assert event.by == "cli"


def test_resume_without_a_daemon_lifts_everything(owner):
    owner.with_history()
    assert owner("resume").code == 0
    assert last_event(owner) == Resumed("", "cli")


def test_unwind_without_a_daemon_lasts_in_the_journal(owner, monkeypatch):
    owner.with_history()
    acted = []
    monkeypatch.setattr("leverd.cli.hooks.hook", lambda *_: lambda *given, **_: acted.append(given))
    assert owner("unwind", "eth-loop", "--yes").code == 0
    assert last_event(owner) == UnwindRequested("eth-loop", "cli")
    assert [position for _, position in acted] == ["eth-loop"]


def test_unwind_now_says_so_in_the_journal(owner, monkeypatch):
    owner.with_history()
    monkeypatch.setattr("leverd.cli.hooks.hook", lambda *_: lambda *_given, **_named: None)
    assert owner("unwind", "--now", "--yes").code == 0
    assert last_event(owner) == UnwindRequested("", "cli", now=True)


def test_with_a_daemon_the_order_is_a_request_and_the_journal_is_untouched(owner, monkeypatch):
    owner.with_history()
    acted = []
    monkeypatch.setattr("leverd.cli.hooks.hook", lambda *_: lambda *given, **_: acted.append(given))
    before = last_event(owner)
    daemon = owner.open_journal()
    answers = [owner("pause"), owner("unwind", "eth-loop", "--yes", "--json")]
    requests = SqlRequests(owner.journal, SteadyClock())
    wishes = [(wish.kind, wish.position_id, wish.by) for wish in requests.pending()]
    requests.close()
    daemon.close()
    assert wishes == [(RequestKind.PAUSE, "", "cli"), (RequestKind.UNWIND, "eth-loop", "cli")]
    assert [answer.code for answer in answers] == [0, 0]
    assert f"process {os.getpid()}" in answers[0].out
    assert answers[1].data["request"] == 2
    assert last_event(owner) == before
    assert not acted


def test_a_position_nobody_knows_is_answered_with_the_nearest(owner):
    owner.with_history()
    answer = owner("pause", "eth-lop")
    assert answer.code == 1
    assert "eth-loop" in answer.err


@pytest.mark.parametrize("verb", ["halt", "unwind"])
def test_what_cannot_be_undone_is_never_done_unasked(owner, verb, monkeypatch):
    owner.with_history()
    before = last_event(owner)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    answer = owner(verb)
    assert answer.code == 1
    assert "--yes" in answer.err
    assert last_event(owner) == before


@pytest.mark.parametrize("verb", ["pause", "resume", "reduce"])
def test_orders_need_a_journal_to_stand_in(owner, verb):
    answer = owner(verb)
    assert answer.code == 1
    assert "no journal" in answer.err
    assert not owner.journal.exists()


def test_an_order_works_with_broken_settings_when_the_journal_is_named(owner):
    owner.with_history()
    owner.settings.write_text("not: [settings")
    assert owner("pause").code == 2
    assert owner("pause", "--journal", str(owner.journal)).code == 0
    assert isinstance(last_event(owner), TradingStateChanged)


def test_the_last_word_counts_where_older_ones_still_wait_for_a_daemon(owner):
    """A daemon that died before its next turn leaves wishes; whoever starts next takes those."""
    owner.with_history()
    requests = SqlRequests(owner.journal, SteadyClock())
    requests.put(RequestKind.RESUME, "", "cli")
    requests.put(RequestKind.PAUSE, "eth-loop", "api")
    assert owner("halt", "--yes").code == 0
    assert requests.pending() == []
    requests.close()
    ledger = SqlLedger(owner.journal)
    newest = ledger.entries(newest_first=True, limit=3)
    ledger.close()
    halted, paused, resumed = (each.event for each in newest)
    assert resumed == Resumed("", "cli")
    assert (paused.position_id, paused.paused, paused.by) == ("eth-loop", True, "api")
    assert (halted.position_id, halted.state, halted.by) == ("", "halted", "cli")


def test_an_order_that_dies_on_its_way_leaves_nothing_older_behind_it(owner, monkeypatch):
    owner.with_history()
    requests = SqlRequests(owner.journal, SteadyClock())
    requests.put(RequestKind.RESUME, "", "cli")
    append = SqlJournal.append_now

    def dies_after(journal, *events):
        append(journal, *events)
        if not isinstance(events[0], Resumed):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SqlJournal, "append_now", dies_after)
        assert owner("halt", "--yes").code != 0
    assert requests.pending() == []
    requests.close()
    assert last_event(owner).state == "halted"


def test_a_wish_of_a_newer_leverd_ends_no_daemon(owner):
    owner.with_history()
    door = doors.writing(owner.journal)
    with door.begin() as connection:
        row = {"kind": "dance", "position_id": "", "by": "cli", "put_at": 1}
        connection.execute(insert(REQUESTS).values(**row))
    door.close()
    assert owner("pause").code == 0
    requests = SqlRequests(owner.journal, SteadyClock())
    assert requests.pending() == []
    requests.close()
    assert isinstance(last_event(owner), TradingStateChanged)
