"""Days are the same before and after pruning, whatever is cut, on a file and on a server."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.journal_events import WAD, SteadyClock, snapshot
from tests.unit.sql_journal.test_upkeep import chapters

from leverd.adapters.sql_journal import (
    Server,
    SqlJournal,
    SqlLedger,
    restoring,
    salvage,
    upkeep,
)
from leverd.adapters.sql_journal.copier import Copier
from leverd.adapters.sql_journal.prune import prune
from leverd.api.chronicle import Chronicle
from leverd.api.routes.money import days_page
from leverd.cli import picture
from leverd.domain.events import PnlRecorded
from leverd.errors import JournalDamagedError
from leverd.interfaces.journal import Binding

DAY = 86_400
START = 1_700_006_400
BINDING = Binding("devnet", 31337, "0xgenesis")


def chronicle_of(place):
    ledger = SqlLedger(place)
    try:
        chronicle = Chronicle(*ledger.pruned_days())
        picture.read_on(picture.Story(), ledger, chronicle.note)
        return chronicle
    finally:
        ledger.close()


def days_of(place, position=""):
    return days_page(chronicle_of(place), position)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_cut_changes_a_day(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("days") / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    for event, at in chapters(data.draw):
        journal.append_now(event, chain_at=at)
    before, mine = days_of(path).items, days_of(path, "p").items
    journal.close()
    for keep_days in sorted(data.draw(st.sets(st.integers(2, 20), max_size=3)), reverse=True):
        prune(path, SteadyClock(), keep_days=keep_days)
        assert days_of(path).items == before
        assert days_of(path, "p").items == mine
    assert {each.position for each in mine} <= {"p"}
    journal = SqlJournal(path, SteadyClock())
    for event, at in chapters(data.draw):
        journal.append_now(event, chain_at=at + 50 * DAY if at else 0)
    journal.close()
    more = days_of(path).items
    prune(path, SteadyClock(), keep_days=2)
    assert days_of(path).items == more


@pytest.fixture
def lived(tmp_path):
    """Yield the path of a journal of 30 days with three marks a day."""
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    journal.bind(BINDING)
    for number in range(90):
        at = START + number * DAY // 3
        seen = snapshot(number, at=at)
        journal.append_now(
            PnlRecorded("p", seen, {"price": number, "gas": -1}, WAD, 100 + number % 7), chain_at=at
        )
    journal.close()
    return path


def test_pruned_days_are_said_to_be_all_that_is_known(lived):
    assert days_of(lived).pruned_until is None
    before = days_of(lived)
    assert prune(lived, SteadyClock(), keep_days=10).dropped > 0
    after = days_of(lived)
    assert after.items == before.items
    assert after.pruned_until is not None
    assert before.items[0].day < after.pruned_until < before.items[-1].day
    first = after.items[1]
    assert first.lines["price"].amount == "0.00000012"  # 3 + 4 + 5
    assert first.leverage_min.startswith("2.50000")
    assert first.health_min.startswith("1.38300")


def test_lines_to_draw_keep_the_end_of_every_pruned_day(lived):
    prune(lived, SteadyClock(), keep_days=10)
    ledger = SqlLedger(lived)
    through, pruned = ledger.pruned_days("p")
    assert ledger.pruned_days("q") == (through, [])
    ledger.close()
    chronicle = chronicle_of(lived)
    assert (chronicle.through, chronicle.closings("q")) == (through, [])
    ends = [look.at for look in chronicle.closings("p")]
    assert len(ends) == len(pruned)
    assert len(ends) >= 19
    assert ends == sorted(ends)
    assert len({at // DAY for at in ends}) == len(ends)


def test_a_copy_that_never_had_the_entries_has_their_days(lived, cluster, tmp_path):
    server = Server(cluster.database())
    before = days_of(lived).items
    prune(lived, SteadyClock(), keep_days=10)
    copier = Copier(lived, server)
    copier.ship()
    copier.close()
    assert days_of(server).items == before
    restoring.restore_copy(server, tmp_path / "back.db")
    assert days_of(tmp_path / "back.db").items == before


def test_a_copy_that_has_the_entries_counts_from_them(lived, cluster):
    server = Server(cluster.database())
    copier = Copier(lived, server)
    copier.ship()
    before = days_of(lived).items
    copier.close()
    prune(lived, SteadyClock(), keep_days=10)
    again = Copier(lived, server)
    again.ship()
    again.close()
    assert days_of(server).items == before
    assert days_of(server).pruned_until is None


def test_a_salvaged_journal_keeps_its_days(lived):
    prune(lived, SteadyClock(), keep_days=10)
    before = days_of(lived).items
    with sqlite3.connect(lived) as base:
        base.execute("UPDATE events SET body = '{}' WHERE seq = (SELECT max(seq) FROM events)")
    base.close()
    assert salvage(lived, SteadyClock()) is not None
    assert days_of(lived).items == before


def test_a_day_that_cannot_be_read_is_found_and_salvage_leaves_the_others(lived, tmp_path):
    prune(lived, SteadyClock(), keep_days=10)
    before, entries = days_of(lived).items, upkeep.verify(lived).entries
    with sqlite3.connect(lived) as base:
        base.execute("UPDATE days SET body = '{' WHERE day = (SELECT min(day) FROM days)")
    base.close()
    with pytest.raises(JournalDamagedError, match="Day does not parse"):
        upkeep.verify(lived)
    upkeep.backup(lived, tmp_path / "backup.db")
    done = salvage(lived, SteadyClock())
    assert done is not None
    assert done.kept == entries
    assert upkeep.verify(lived).entries == entries + 1
    left = [(each.day, each.lines, each.equity) for each in days_of(lived).items]
    assert left == [(each.day, each.lines, each.equity) for each in before[1:]]


def test_a_day_of_a_newer_leverd_outlives_a_salvage(lived):
    prune(lived, SteadyClock(), keep_days=10)
    with sqlite3.connect(lived) as base:
        base.execute("UPDATE days SET body = json_set(body, '$.mood', 1)")
        base.execute("UPDATE events SET body = '{}' WHERE seq = (SELECT max(seq) FROM events)")
        kept = base.execute("SELECT count(*) FROM days").fetchone()
    base.close()
    assert salvage(lived, SteadyClock()) is not None
    with sqlite3.connect(lived) as base:
        assert base.execute("SELECT count(*) FROM days").fetchone() == kept
    base.close()
