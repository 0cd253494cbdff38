"""Sample data: made by the real engine, said to be a sample, and never over anything."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.journal_events import SteadyClock

from leverd.adapters.sql_journal import SqlJournal, SqlLedger
from leverd.adapters.sql_journal.filling import write_journal
from leverd.backtest import sample as made_up
from leverd.cli.given import settings_of
from leverd.errors import JournalForeignError, OwnerError
from leverd.interfaces.journal import Binding

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def folder(owner):
    done = owner("db", "sample", "seen")
    assert done.code == 0, done.err
    return owner.folder / "seen"


def test_commands_tell_of_it_and_say_that_it_is_a_sample(owner, folder):
    settings = ("-c", str(folder / "settings.yaml"))
    shown = owner("status", *settings)
    assert "sample data" in shown.out
    status = owner("status", *settings, "--json").data
    assert status["mode"] == "sample"
    assert [each["position"] for each in status["positions"]] == ["eth-loop"]
    assert len(status["predictions"]) == 2
    assert "PnlRecorded" in owner("history", *settings).out
    assert owner("db", "verify", *settings).code == 0
    assert owner("report", *settings).code == 0


def test_nothing_that_is_there_is_written_over(owner, folder):
    before = (folder / "journal.db").read_bytes()
    again = owner("db", "sample", "seen")
    assert again.code == 1
    assert "LVD-OWN-020" in again.err
    assert (folder / "journal.db").read_bytes() == before
    assert sorted(each.name for each in folder.iterdir()) == ["journal.db", "settings.yaml"]
    (owner.folder / "file").write_text("mine")
    assert owner("db", "sample", "file").code == 1
    assert (owner.folder / "file").read_text() == "mine"


def test_no_daemon_takes_its_journal(folder):
    journal = SqlJournal(folder / "journal.db", SteadyClock())
    try:
        for mode in ("devnet", "fork", "paper", "live"):
            with pytest.raises(JournalForeignError):
                journal.bind(Binding(mode, 31_337, "genesis"))
    finally:
        journal.close()


def test_it_holds_all_there_is_to_see(folder):
    with sqlite3.connect(folder / "journal.db") as base:
        kinds = Counter(kind for (kind,) in base.execute("SELECT kind FROM events"))
        days = base.execute(
            "SELECT count(DISTINCT chain_at / 86400) FROM events WHERE kind = 'PnlRecorded'"
        ).fetchone()[0]
    base.close()
    for kind in ("DecisionTaken", "PlanDenied", "PlanCompleted", "SlotFinal", "BreakerTurned",
                 "PredictionMade", "PredictionScored", "PnlRecorded"):  # fmt: skip
        assert kinds[kind], kind
    assert days >= 20


def test_the_same_day_gives_the_same_weeks_and_another_moves_them(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text(made_up.settings_text(tmp_path))
    settings = settings_of([file])
    bound, entries = made_up.sample(settings, "1", NOON)
    assert made_up.sample(settings, "1", NOON.replace(hour=23)) == (bound, entries)
    assert max(each.chain_at for each in entries) <= NOON.timestamp()
    assert min(each.chain_at for each in entries) >= NOON.timestamp() - 43 * 86_400
    _, later = made_up.sample(settings, "1", NOON.replace(day=11))
    moved = [replace(each, chain_at=each.chain_at + 86_400).chain_at for each in entries]
    assert [each.chain_at for each in later] == moved


def test_the_writer_refuses_a_journal_that_is_there(folder):
    ledger = SqlLedger(folder / "journal.db")
    with pytest.raises(OwnerError):
        write_journal(folder / "journal.db", Binding("sample", 0, ""), ledger.entries(limit=3))
    assert ledger.entries(limit=1)
    ledger.close()
