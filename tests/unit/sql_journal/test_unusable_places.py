"""A place that cannot be written is said with a code and a remedy, whichever file it is about."""

from __future__ import annotations

import errno
import os

import pytest
from tests.journal_events import SteadyClock

from leverd.adapters.sql_journal import Heartbeat, SqlJournal, acquire_lock, lock, lock_path
from leverd.errors import DiskFullError, JournalError

SAYS = {
    errno.EACCES: "shows whose it is",
    errno.EROFS: "read-only",
    errno.EIO: "can be written",
}


def refusing(number):
    def refuse(path, *_, **__):
        raise OSError(number, os.strerror(number), str(path))

    return refuse


@pytest.mark.parametrize("number", SAYS)
def test_a_lock_that_cannot_be_made_names_place_and_remedy(number, tmp_path, monkeypatch):
    monkeypatch.setattr(lock.os, "open", refusing(number))
    with pytest.raises(JournalError) as refused:
        acquire_lock(tmp_path / "a.lock", what="the key 0x1")
    assert refused.value.code == "LVD-JRN-007"
    assert "the key 0x1" in refused.value.message
    assert refused.value.place == str(tmp_path / "a.lock")
    assert SAYS[number] in refused.value.remedy
    if number == errno.EACCES:  # the lock may not be there yet: it is the folder that keeps us out
        assert f"ls -ld {tmp_path} " in refused.value.remedy


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_lock_on_a_full_disk_is_a_full_disk(number, tmp_path, monkeypatch):
    monkeypatch.setattr(lock.os, "pwrite", refusing(number))
    with pytest.raises(DiskFullError, match="disk is full"):
        acquire_lock(tmp_path / "a.lock")
    monkeypatch.undo()
    acquire_lock(tmp_path / "a.lock").release()  # nothing holds it, in this process neither


def test_who_held_a_lock_before_is_written_over_without_another_block(tmp_path):
    path = tmp_path / "a.lock"
    path.write_text("4294967295\n")
    with acquire_lock(path):
        assert path.read_text() == f"{os.getpid()}\n"


@pytest.mark.parametrize("under", ["journal.db", "deep/er/journal.db"])
def test_a_file_where_the_folder_should_be_is_named(under, tmp_path):
    (tmp_path / "var").write_text("not a folder")
    with pytest.raises(JournalError, match="var") as refused:
        SqlJournal(tmp_path / "var" / under, SteadyClock())
    assert refused.value.code == "LVD-JRN-007"
    assert "wants a folder" in refused.value.remedy


@pytest.mark.parametrize("which", [lambda path: path, lock_path])
def test_a_folder_where_the_file_should_be_is_named(which, tmp_path):
    path = tmp_path / "journal.db"
    which(path).mkdir()
    with pytest.raises(JournalError) as refused:
        SqlJournal(path, SteadyClock())
    assert refused.value.code == "LVD-JRN-007"
    assert "a folder stands" in refused.value.remedy


def test_a_sign_of_life_that_cannot_be_given_ends_no_turn(tmp_path):
    (tmp_path / "gone").write_text("a file, so that nothing can be made under it")
    beats = Heartbeat(tmp_path / "gone" / "journal.db")
    beats.beat(SteadyClock().now())
    assert beats.last() is None
