"""Put a whole journal aside: the chain it tells of is gone, or another daemon's story goes on."""

from __future__ import annotations

from pathlib import Path

from leverd.adapters.sql_journal import database
from leverd.adapters.sql_journal.lock import acquire_lock, lock_path


def put_aside(path: Path) -> Path | None:
    """Return the folder the journal at `path` was moved into, None if there is no journal.

    The log goes before the file it belongs to: a process that dies between the two leaves a
    journal without its newest entries, and a copied chain's journal is worth no more.

    Raises:
        JournalLockedError: a daemon has it open.
    """
    with acquire_lock(lock_path(path), what=f"the journal {path}"):
        return moved_aside(path) if path.exists() else None


def moved_aside(path: Path) -> Path:
    """Return the folder that the journal at `path` was moved into. The caller holds its lock."""
    number = 1
    while (folder := path.with_name(f"{path.name}.earlier-{number}")).exists():
        number += 1
    folder.mkdir(mode=0o700)
    database.shm_path(path).unlink(missing_ok=True)
    for each in (database.wal_path(path), path):
        if each.exists():
            each.rename(folder / each.name)
    database.sync_folder(path.parent)
    return folder
