"""What was pruned is counted once, wherever the copy stood then, and whoever takes it on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import worlds
from tests.journal_events import SteadyClock, snapshot
from tests.standby import BINDING, prepared
from tests.unit.bootstrap.test_paper_memory import PAPER, places
from tests.unit.settings.owner_file import load, write

from leverd.adapters.sql_journal import (
    Server,
    SqlJournal,
    SqlLedger,
    copier,
    doors,
    restoring,
    rows,
    upkeep,
)
from leverd.adapters.sql_journal.copier import Copier
from leverd.adapters.sql_journal.following import follow
from leverd.adapters.sql_journal.prune import prune
from leverd.backtest.report.books import books_of
from leverd.backtest.report.journal_record import journal_record
from leverd.bootstrap.paper_memory import begun
from leverd.domain import units
from leverd.domain.events import PnlRecorded
from leverd.domain.money import USD, Asset
from leverd.domain.pnl import Attribution
from leverd.domain.slot_events import AttemptSigned, SlotFinal, SlotIncluded
from leverd.execution import recovery

DAY = 86_400
START = 1_700_006_400
DAYS = 40
NAMED = replace(worlds.mandate(), collateral=Asset("WETH", 0), debt=Asset("USDC", 0))


class Life:
    """Forty days of a position: a mark each day, and every third day an act and its gas."""

    def __init__(self, path):
        self.path, self.day, self.equity = path, 0, 30_000 * 10**8
        self.book = units.marked(units.flowed(units.UnitBook(), 0, self.equity, USD), self.equity)
        journal = SqlJournal(path, SteadyClock())
        journal.bind(BINDING)
        first = snapshot(0, at=START, equity=self.equity)
        told = PnlRecorded("loop", first, {}, self.book.units, self.book.price, self.equity)
        journal.append_now(told, chain_at=START)
        journal.close()

    def goes_on(self, days):
        journal = SqlJournal(self.path, SteadyClock())
        for _ in range(days):
            self.day += 1
            at = START + self.day * DAY
            if self.day % 3 == 0:
                journal.append_now(*self.act(at), chain_at=at)
            journal.append_now(self.mark(at), chain_at=at)
        journal.close()

    def act(self, at):
        slot = self.day // 3
        tx = f"0x{slot:064x}"
        yield AttemptSigned(slot, "0xme", f"x{slot}", "loop", slot, "act", tx, "00", 1, 1, 1, 1)
        yield SlotIncluded(slot, "0xme", tx, self.day, "0xb", at, True, "", 10**5, 10**9 + slot)
        yield SlotFinal(slot, "0xme", self.day, "0xb")

    def mark(self, at):
        gained = (self.day * 37 % 11 - 5) * 10**8
        self.equity += gained
        lines = {"price": gained}
        self.book = units.advance(self.book, Attribution(**lines), 0, self.equity, USD)
        seen = snapshot(self.day, at=at, equity=self.equity)
        return PnlRecorded("loop", seen, lines, self.book.units, self.book.price)


def shipped(path, server):
    copier = Copier(path, server)
    copier.ship()
    copier.close()


def known(path, settings):
    """Return what is left of a purse, what the position made, and what waits for the chain."""
    ledger = SqlLedger(path)
    entries = ledger.entries(limit=10_000)
    ledger.close()
    record = journal_record(entries, NAMED, "paper")
    books = books_of(record.entries, record.mandate)
    purse = begun(settings, places(), entries)
    return books.pnl, books.equity, purse.native, purse.nonce, recovery.restored(entries, "0xme")


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "paper.yaml").write_text(PAPER)
    return load(write(tmp_path), tmp_path / "paper.yaml")


@pytest.fixture
def server(cluster):
    return Server(prepared(cluster))


@pytest.mark.parametrize("copied", [0, 4, 5, 17, 27, DAYS])
def test_wherever_the_copy_stood_when_the_file_was_pruned(tmp_path, server, settings, copied):
    path, behind = tmp_path / "journal.db", tmp_path / "behind" / "journal.db"
    life = Life(path)
    life.goes_on(copied)
    shipped(path, server)
    follow(behind, server)
    life.goes_on(DAYS - copied)
    before = known(path, settings)
    assert prune(path, SteadyClock(), keep_days=5).dropped > 30
    assert known(path, settings) == before
    shipped(path, server)
    upkeep.verify_copy(server)
    restoring.restore_copy(server, tmp_path / "back.db")
    assert known(tmp_path / "back.db", settings) == before
    follow(behind, server)
    upkeep.verify(behind)
    assert known(behind, settings) == before


def test_a_copy_that_had_all_of_it_keeps_its_years(tmp_path, server):
    path = tmp_path / "journal.db"
    life = Life(path)
    life.goes_on(DAYS)
    shipped(path, server)
    whole = upkeep.verify_copy(server).entries
    prune(path, SteadyClock(), keep_days=5)
    shipped(path, server)
    assert upkeep.verify_copy(server).entries == whole + 1


@pytest.mark.parametrize("copied", [0, 4, 17])
def test_who_reads_a_copy_while_it_is_shipped_finds_it_whole(tmp_path, server, monkeypatch, copied):
    path, behind = tmp_path / "journal.db", tmp_path / "behind" / "journal.db"
    life = Life(path)
    life.goes_on(copied)
    if copied:
        shipped(path, server)
    life.goes_on(DAYS - copied)
    prune(path, SteadyClock(), keep_days=5)
    found = []

    def looked_before(table):
        """Look at the copy before each of the statements that fill it."""
        found.append(upkeep.verify_copy(server).entries)
        follow(behind, server)
        return insert(table)

    insert = copier.insert
    monkeypatch.setattr(copier, "insert", looked_before)
    monkeypatch.setattr(copier, "_BATCH", 1)
    shipped(path, server)
    assert len(found) > 5
    assert upkeep.verify_copy(server).entries > found[-1]
    upkeep.verify(behind)


def read_on(place):
    """Yield a copy's or a file's entries, the first three before anything else happens."""
    door = doors.reading(place)
    with door.begin() as connection:
        for row in rows.scan(connection):
            yield rows.entry_of(row).seq
    door.close()


def test_who_reads_a_file_while_it_is_pruned_finds_it_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "_FETCH", 3)
    life = Life(tmp_path / "journal.db")
    life.goes_on(DAYS)
    last = upkeep.newest(life.path)
    reading = read_on(life.path)
    first = next(reading)
    assert prune(life.path, SteadyClock(), keep_days=5).dropped > 30
    assert [first, *reading] == list(range(1, last + 1))


def test_who_reads_a_copy_while_what_was_pruned_is_taken_back_finds_it_whole(
    tmp_path, server, monkeypatch
):
    monkeypatch.setattr(rows, "_FETCH", 3)
    life = Life(tmp_path / "journal.db")
    life.goes_on(17)
    shipped(life.path, server)
    life.goes_on(DAYS - 17)
    last = upkeep.newest(server)
    prune(life.path, SteadyClock(), keep_days=5)
    reading = read_on(server)
    first = next(reading)
    shipped(life.path, server)
    assert [first, *reading] == list(range(1, last + 1))
