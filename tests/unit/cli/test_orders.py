"""pause, reduce, resume, halt, unwind: to the daemon when one runs, else into the journal."""

from __future__ import annotations

import os

import pytest
from tests.journal_events import SteadyClock

from leverd.adapters.sql_journal import SqlLedger, SqlRequests
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
