"""SIGKILL while appending, and files cut off anywhere: nothing acknowledged is ever lost."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import threading

import pytest
from tests.journal_events import SteadyClock, decision

from leverd.adapters.sql_journal import SqlJournal, holder, lock_path
from leverd.adapters.sql_journal.database import wal_path
from leverd.adapters.sql_journal.salvaging import salvage
from leverd.domain.events import AlertRaised
from leverd.errors import JournalDamagedError

WRITER = """
import asyncio, sys
from pathlib import Path
from leverd.adapters.sql_journal import SqlJournal
from leverd.adapters.system_clock import SystemClock
from tests.journal_events import decision

async def main():
    journal = SqlJournal(Path(sys.argv[1]), SystemClock())
    last = sum(1 for _ in journal.replay())
    print("ready", flush=True)
    while True:
        pair = decision(last + 1), decision(last + 2)
        last = await journal.append(*pair)
        print(last, flush=True)

asyncio.run(main())
"""


def killed_while_appending(path, after_s):
    """Run a writer, SIGKILL it, and return the last seq it acknowledged."""
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        timer = threading.Timer(after_s, process.kill)
        timer.start()
        lines = process.stdout.readlines()
        assert process.wait() == -signal.SIGKILL
    whole = [line for line in lines if line.endswith("\n")]
    return int(whole[-1]) if whole else 0


def events_of(path):
    journal = SqlJournal(path, SteadyClock())
    try:
        return [entry.event for entry in journal.replay()]
    finally:
        journal.close()


def test_every_acknowledged_append_survives_sigkill_and_none_is_torn(tmp_path):
    path, delays = tmp_path / "journal.db", random.Random(11)
    acknowledged = rounds = 0
    while rounds < 5 or acknowledged <= 20:
        rounds += 1
        assert rounds < 200, "it never comes to write"
        acknowledged = max(acknowledged, killed_while_appending(path, delays.uniform(0.005, 0.1)))
        assert holder(lock_path(path)) is None  # the kernel let go with the process
        events = events_of(path)
        assert len(events) >= acknowledged
        assert len(events) - acknowledged <= 2  # at most the one append nobody heard of
        assert len(events) % 2 == 0  # an append of two is never half there
        assert events == [decision(number) for number in range(1, len(events) + 1)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a folder with a database and a log of a writer that was killed, and its events."""
    folder = tmp_path_factory.mktemp("written")
    path = folder / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    journal.append_now(*(decision(number) for number in range(1, 21)))
    journal.close()  # these are in the database file
    journal = SqlJournal(path, SteadyClock())
    for number in range(21, 31):
        journal.append_now(decision(number))  # these are in the log
    copy = folder / "copy"
    copy.mkdir()
    for each in (path, wal_path(path)):
        shutil.copy(each, copy / each.name)
    journal.close()
    return copy


def cut_to(written, folder, name, length):
    folder.mkdir()
    for each in written.iterdir():
        shutil.copy(each, folder / each.name)
    with (folder / name).open("r+b") as file:
        file.truncate(length)
    return folder / "journal.db"


def lengths(file, *, step):
    """Return where to cut: around every page and every frame, and in between."""
    size = file.stat().st_size
    edges = {edge + side for edge in range(0, size, 4096) for side in (-1, 0, 1, 32, 100)}
    frames = {32 + n * (24 + 4096) + side for n in range(size // 4120 + 1) for side in (-1, 0, 1)}
    return sorted(cut for cut in edges | frames | set(range(0, size, step)) if 0 <= cut < size)


def test_a_log_cut_anywhere_opens_with_a_prefix(written, tmp_path):
    whole = [decision(number) for number in range(1, 31)]
    seen = set()
    for length in lengths(written / "journal.db-wal", step=1999):
        path = cut_to(written, tmp_path / str(length), "journal.db-wal", length)
        events = events_of(path)
        assert events == whole[: len(events)]
        assert len(events) >= 20
        seen.add(len(events))
        shutil.rmtree(path.parent)
    assert seen == set(range(20, 30))  # each commit in the log was cut off once


def test_a_database_cut_anywhere_opens_whole_or_says_damaged_and_salvages_a_prefix(
    written, tmp_path
):
    whole = [decision(number) for number in range(1, 31)]
    salvaged = set()
    for length in lengths(written / "journal.db", step=1999):
        path = cut_to(written, tmp_path / str(length), "journal.db", length)
        try:
            assert events_of(path) == whole
        except JournalDamagedError:
            found = path.read_bytes()
            done = salvage(path, SteadyClock())
            assert done is not None
            events = events_of(path)
            assert events[:-1] == whole[: done.kept]
            assert isinstance(events[-1], AlertRaised)
            assert (done.quarantine / "journal.db").read_bytes() == found
            salvaged.add(done.kept)
        shutil.rmtree(path.parent)
    assert salvaged  # else the test proved nothing


def test_a_database_without_its_log_is_the_prefix_that_was_checkpointed(written, tmp_path):
    path = cut_to(written, tmp_path / "cut", "journal.db-wal", 0)
    assert events_of(path) == [decision(number) for number in range(1, 21)]


def test_noise_over_any_page_is_found_and_the_prefix_is_kept(written, tmp_path):
    whole = [decision(number) for number in range(1, 31)]
    noise = random.Random(3)
    damaged = 0
    pages = (written / "journal.db").stat().st_size // 4096
    for page in range(pages):
        path = cut_to(written, tmp_path / str(page), "journal.db-wal", 0)
        with path.open("r+b") as file:
            file.seek(page * 4096 + (100 if page == 0 else 0))
            file.write(noise.randbytes(3000))
        try:
            events = events_of(path)
            assert events == whole[:20]  # an index or another table was hit, no entry
        except JournalDamagedError:
            damaged += 1
            done = salvage(path, SteadyClock())
            assert events_of(path)[: done.kept] == whole[: done.kept]
        shutil.rmtree(path.parent)
    assert damaged >= 3
