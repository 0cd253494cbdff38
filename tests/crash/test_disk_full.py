"""A disk that really is full: a small file system of its own, filled to the last block."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from pathlib import Path
from leverd.adapters.sql_journal import SqlJournal
from leverd.errors import DiskFullError
from tests.journal_events import SteadyClock, decision

folder = Path(sys.argv[1])
path = folder / "journal.db"
journal = SqlJournal(path, SteadyClock())
reserve = journal._reserve.path
assert reserve.exists()
written = [decision(number) for number in range(1, 4)]
journal.append_now(*written)

with (folder / "filler").open("wb") as filler:
    try:
        while True:
            filler.write(bytes(65536))
            filler.flush()
    except OSError:
        pass

helped = False
try:
    for number in range(4, 100_000):
        journal.append_now(decision(f"{number}{'x' * 4000}"))
        written.append(decision(f"{number}{'x' * 4000}"))
        helped = helped or not reserve.exists()
except DiskFullError:
    pass
assert helped, "the reserve was never given back"
assert not reserve.exists()
assert len(written) > 100, len(written)  # what the reserve was for
assert [entry.event for entry in journal.replay()] == written

(folder / "filler").unlink()
journal.append_now(decision("room again"))
written.append(decision("room again"))
journal.close()
journal = SqlJournal(path, SteadyClock())
assert [entry.event for entry in journal.replay()] == written
assert reserve.exists()
journal.close()
print("HELD", len(written))
"""


@pytest.fixture
def small_disk(tmp_path):
    """Return the command prefix that runs a program on a 12 MB file system at `tmp_path`."""
    mount = f'mount -t tmpfs -o size=12m none "{tmp_path}" && exec "$@"'
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if shutil.which("unshare") is None:
        pytest.skip("no unshare on this machine to make a small file system with")
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let tests mount a small file system")
    return prefix


def test_on_a_full_disk_the_reserve_carries_on_and_nothing_acknowledged_is_lost(
    small_disk, tmp_path
):
    command = [*small_disk, sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("HELD")
