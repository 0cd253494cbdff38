"""The journal's file: what outlives a process, and what a power cut makes of it.

In memory it is the shipped memory journal, which passes the same contract suite. On SQLite it
is the shipped journal itself, its commits run in the one thread there is. A death copies the
files as a power cut would find them, so that nothing a dying connection does reaches them.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from tests.simulation.draws import Fault
from tests.simulation.life import Death
from tests.simulation.loop import Inline

from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.adapters.sql_journal import SqlJournal
from leverd.adapters.sql_journal.database import wal_path
from leverd.adapters.sql_journal.reserve import Reserve
from leverd.adapters.sql_journal.salvaging import salvage
from leverd.errors import DiskFullError

_HEADER, _FRAME = 32, 24 + 4096
"""Bytes: the head of SQLite's log, and each frame of it."""


class Pages(Reserve):
    """A reserve whose return is room in the database, full or not."""

    full = False
    connection = None
    spare = 0

    def fill(self):
        """Let the disk be full."""
        self.full = True
        if self.connection is not None:
            self._limit(self._count())

    def empty(self):
        """Let the disk have room again."""
        self.full = False
        if self.connection is not None:
            self._limit(1 << 30)

    def free(self):
        freed = super().free()
        if freed and self.full:
            self._limit(self._count() + self.spare)
        return freed

    def _count(self):
        return self.connection.execute("PRAGMA page_count").fetchone()[0]

    def _limit(self, pages):
        self.connection.execute(f"PRAGMA max_page_count = {pages}")


class MemoryDisk:
    """A list that outlives its journal."""

    def __init__(self, stage):
        self._stage, self._entries = stage, []

    def open(self):
        journal = MemoryJournal(self._stage.clock)
        journal._entries = self._entries
        return journal

    def fill(self):
        self._stage.full = True

    def empty(self):
        self._stage.full = False

    def mark(self):
        return 0

    def crash(self, _journal, _began):
        """Lose nothing: what was appended is there."""

    def let_go(self, journal):
        journal.close()

    def mend(self):
        raise AssertionError("a list is never damaged")

    def close(self):
        """Do nothing."""


class SqlDisk:
    """A folder for each life, begun with what the life before left."""

    def __init__(self, stage, folder: Path, template: Path):
        self._stage, self._root, self._lives = stage, folder, 0
        self._folder = folder / "0"
        self._folder.mkdir(parents=True)
        shutil.copyfile(template, self._path)
        self._reserve = None

    @property
    def _path(self):
        return self._folder / "journal.db"

    def open(self):
        self._reserve = Pages(self._path, 4096)
        self._reserve.spare = self._stage.draw.spare_pages
        journal = SqlJournal(self._path, self._stage.clock, reserve=self._reserve, writer=Inline())
        self._reserve.connection = journal._connection.connection.dbapi_connection
        if self._stage.full:
            self._reserve.fill()
        return journal

    def fill(self):
        self._stage.full = True
        if self._reserve is not None:
            self._reserve.fill()

    def empty(self):
        self._stage.full = False
        if self._reserve is not None:
            self._reserve.empty()

    def mark(self):
        """Return how long the log is."""
        log = wal_path(self._path)
        return log.stat().st_size if log.exists() else 0

    def crash(self, journal, began):
        """Go on with the files as they are, torn in what was written after `began`."""
        old, self._lives = self._folder, self._lives + 1
        self._folder = self._root / str(self._lives)
        self._folder.mkdir()
        for name in ("journal.db", "journal.db-wal"):
            if (old / name).exists():
                shutil.copyfile(old / name, self._folder / name)
        self.let_go(journal)
        shutil.rmtree(old)
        self._spoil(began)

    def let_go(self, journal):
        """Close the file."""
        self._reserve = None
        journal.close()

    def mend(self):
        """Do what exit code 5 asks of the owner."""
        done = salvage(self._path, self._stage.clock)
        self._stage.story(f"the owner salvages the journal: {done}")

    def close(self):
        shutil.rmtree(self._root, ignore_errors=True)

    def _spoil(self, began):
        stage, log = self._stage, wal_path(self._path)
        length, dice = self.mark(), stage.dice
        if began is not None and length > began:
            cut = dice.randrange(began, length)
            _cut(log, cut if dice.random() < 0.5 else _frame(cut, began))
            stage.count(Fault.TORN, f"the log is cut at {self.mark()} of {length}")
        forgets = stage.forgets
        length = self.mark()
        if forgets is Fault.TAIL_LOST and length > _HEADER:
            at = dice.randrange(_HEADER, length)
            _flip(log, at)
            stage.count(forgets, f"a bit of the log is flipped at {at} of {length}")
            stage.referee.forget()
        elif forgets is Fault.DAMAGED:
            at = dice.randrange(1, self._path.stat().st_size // 4096) * 4096
            _write_noise(self._path, at, dice.randbytes(3000))
            stage.count(forgets, f"noise over the database at {at}")
            stage.referee.forget()


def _frame(cut, began):
    return max(began, _HEADER + (cut - _HEADER) // _FRAME * _FRAME)


def _cut(path, length):
    with path.open("r+b") as file:
        file.truncate(length)


def _flip(path, at):
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def _write_noise(path, at, noise):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(noise)


class DiskJournal:
    """The `Journal` of one life: the disk's, with deaths and faults around each append."""

    def __init__(self, stage, life, disk):
        self._stage, self._life, self._disk = stage, life, disk
        self.inner = disk.open()
        self.torn_from = None

    def bind(self, binding):
        self.inner.bind(binding)

    async def append(self, *events, chain_at=0):
        stage = self._stage
        if stage.disk_slow:
            stage.count(Fault.DISK_SLOW, "append")
            await asyncio.sleep(stage.dice.uniform(0.5, 8))
        try:
            self._life.step("append")
        except Death:
            if stage.draw.tears and stage.draw.sql and not stage.full:
                self.torn_from = self._disk.mark()
                stage.referee.may_hold(events, chain_at)
                await self.inner.append(*events, chain_at=chain_at)
            raise
        if stage.full:
            stage.count(Fault.DISK_FULL, "append")
            if not stage.draw.sql:
                raise DiskFullError("the disk is full", number=5)
        stage.referee.may_hold(events, chain_at)
        seq = await self.inner.append(*events, chain_at=chain_at)
        stage.referee.recorded(events, chain_at)
        self._life.step("appended")
        return seq

    def replay(self, *, after=0):
        self._life.step("replay")
        return self.inner.replay(after=after)

    def close(self):
        self.inner.close()
