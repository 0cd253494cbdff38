"""A name is held by one process of the machine, wherever its temporary files are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from leverd.adapters import machine_name
from leverd.errors import JournalLockedError

pytestmark = pytest.mark.sockets

HOLDER = """
import sys, time
from leverd.adapters import machine_name
held = machine_name.claim(sys.argv[1], what="the key")
print("held", flush=True)
time.sleep(60)
"""


def test_another_process_with_another_temporary_folder_is_refused_until_it_is_gone(tmp_path):
    name = f"leverd-test-{tmp_path}"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, name],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(JournalLockedError, match=f"the key is held by process {other.pid}"):
            machine_name.claim(name, what="the key")
        other.send_signal(signal.SIGKILL)
        other.wait()
    with machine_name.claim(name, what="the key"):
        pass


def test_a_name_let_go_is_free_at_once(tmp_path):
    for _ in range(3):
        held = machine_name.claim(f"leverd-test-{tmp_path}", what="the key")
        held.release()
        held.release()


def test_where_the_system_knows_no_such_names_nothing_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_name.sys, "platform", "darwin")
    with (
        machine_name.claim(f"leverd-test-{tmp_path}", what="the key"),
        machine_name.claim(f"leverd-test-{tmp_path}", what="the key"),
    ):
        pass


def test_where_such_sockets_are_forbidden_the_file_s_lock_has_to_do(tmp_path):
    with machine_name.claim("x" * 500, what="the key"):  # longer than the kernel takes
        pass


def test_a_holder_in_another_container_has_no_number_here(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_name, "_holder", lambda _: 0)  # what the kernel says of it
    name = f"leverd-test-{tmp_path}"
    with (
        machine_name.claim(name, what="the key"),
        pytest.raises(JournalLockedError, match="held by a process that is not seen from here"),
    ):
        machine_name.claim(name, what="the key")
