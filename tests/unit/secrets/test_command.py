"""A program that prints a secret: real small programs, good ones and bad ones."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from leverd.adapters.secrets import CommandSecret
from leverd.adapters.secrets.command import BYTES_MAX
from leverd.errors import LeverdError, SecretError, UnreachableError

WORD = "Nachtigall-42-im-Garten"
LONG_S = 60.0
"""A deadline that no test waits for."""


@pytest.fixture
def program(tmp_path):
    """Return a way to write a small program, in a folder of PATH."""

    def write(text, name="tell", *, head="#!/bin/sh\n"):
        file = tmp_path / name
        file.write_text(head + text)
        file.chmod(0o700)
        return file

    return write


def asked(file: Path, *arguments: str, sees=(), deadline_s=LONG_S, **env: str):
    env = {"PATH": f"{file.parent}:{os.environ['PATH']}", **env}
    return CommandSecret((str(file), *arguments), env, sees=sees, deadline_s=deadline_s).get()


def refused(kind: type[LeverdError], *given, **more) -> LeverdError:
    with pytest.raises(kind) as caught:
        asked(*given, **more)
    error = caught.value
    assert WORD not in f"{error!r} {error} {error.__cause__} {error.place} {error.remedy}"
    assert error.remedy
    assert error.place.startswith("command ")
    return error


def test_what_it_prints_is_the_secret_without_the_end_of_the_line(program):
    assert asked(program(f"echo '{WORD}'")).reveal() == WORD
    assert asked(program(f"printf ' {WORD} '")).reveal() == f" {WORD} "
    assert asked(program("printf 'two\\nlines\\n'")).reveal() == "two\nlines"


def test_its_arguments_come_as_they_are_and_no_shell_reads_them(program, tmp_path):
    file = program('printf "%s" "$1"')
    hostile = f"$(touch {tmp_path}/made); `id` > {tmp_path}/made"
    assert asked(file, hostile).reveal() == hostile
    assert not (tmp_path / "made").exists()


def test_it_is_looked_up_in_path_by_its_name(program):
    file = program(f"echo {WORD}", "my-vault")
    assert CommandSecret(("my-vault",), {"PATH": str(file.parent)}).get().reveal() == WORD


def test_a_program_that_is_nowhere_is_said_with_where_was_looked(program, tmp_path):
    with pytest.raises(SecretError, match="LVD-KEY-030") as caught:
        CommandSecret(("my-vault", WORD), {"PATH": "/nowhere:/else"}).get()
    assert "/nowhere:/else" in caught.value.message
    assert WORD not in str(caught.value)
    assert refused(SecretError, tmp_path / "none").code == "LVD-KEY-030"
    plain = tmp_path / "plain"
    plain.write_text("no program")
    assert refused(SecretError, plain).code == "LVD-KEY-030"


def test_a_file_that_cannot_be_run_is_said(program):
    file = program("", head="#!/no/such/interpreter\n")
    assert refused(SecretError, file).code == "LVD-KEY-030"


def test_a_path_entry_that_is_relative_is_not_followed(program, tmp_path, monkeypatch):
    program(f"echo {WORD}", "my-vault")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SecretError, match="no program my-vault"):
        CommandSecret(("my-vault",), {"PATH": "."}).get()


def test_a_program_that_others_may_change_is_not_run(program, tmp_path):
    file = program(f"touch {tmp_path}/ran; echo {WORD}")
    file.chmod(0o707)
    error = refused(SecretError, file)
    assert error.code == "LVD-KEY-034"
    assert "chmod o-w" in error.remedy
    assert not (tmp_path / "ran").exists()
    file.chmod(0o755)
    assert asked(file).reveal() == WORD


def test_one_that_hangs_is_ended_with_all_it_started(program, tmp_path):
    pid = tmp_path / "pid"
    file = program(f"sleep 600 &\necho $! > {pid}.half\nmv {pid}.half {pid}\nwait")
    error = refused(UnreachableError, file, deadline_s=2.0)
    assert error.code == "LVD-NET-060"
    assert "2 s" in error.message
    if pid.exists():  # on a machine so slow that it had not begun, there is nothing to end
        _ends(int(pid.read_text()))


def test_one_that_closes_its_output_and_stays_is_ended(program):
    assert refused(UnreachableError, program("exec >&-\nsleep 600")).code == "LVD-NET-060"


def test_one_whose_child_keeps_the_output_open_elsewhere_holds_nobody_up(program, tmp_path):
    pid = tmp_path / "pid"
    file = program(
        "import os, pathlib, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        f"    pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
        "    time.sleep(30)\n"
        "    os._exit(0)\n"
        f"print({WORD!r})\n",
        head="#!/usr/bin/env python3\n",
    )
    assert refused(UnreachableError, file, deadline_s=3.0).code == "LVD-NET-060"
    if pid.exists() and (text := pid.read_text()):
        os.kill(int(text), 9)


def test_one_that_floods_is_ended_and_little_of_it_is_kept(program):
    error = refused(SecretError, program(f"while :; do echo {WORD}{WORD}{WORD}; done"))
    assert error.code == "LVD-KEY-033"
    assert str(BYTES_MAX) in error.message


def test_as_much_as_a_secret_may_be_is_not_a_flood(program):
    file = program(f"head -c {BYTES_MAX} /dev/zero | tr '\\0' x")
    assert asked(file).reveal() == "x" * BYTES_MAX


@pytest.mark.parametrize("end", ["exit 2", "kill -9 $$"])
def test_one_that_fails_is_not_believed_whatever_it_printed(program, end):
    error = refused(SecretError, program(f"echo {WORD}; echo {WORD} >&2; {end}"), WORD)
    assert error.code == "LVD-KEY-031"
    assert "exit code 2" in error.message or "signal 9" in error.message


@pytest.mark.parametrize("text", ["exit 0", "echo", "printf '\\r\\n\\n'", "printf '\\377\\376x'"])
def test_one_that_prints_nothing_or_no_text_gives_no_secret(program, text):
    assert refused(SecretError, program(text)).code == "LVD-KEY-032"


def test_what_it_complains_of_is_nobodys_and_stops_nothing(program, capfd):
    file = program(f"i=0; while [ $i -lt 20000 ]; do echo {WORD} >&2; i=$((i+1)); done; echo a-b-c")
    assert asked(file).reveal() == "a-b-c"
    assert WORD not in "".join(capfd.readouterr())


def test_it_sees_little_of_our_environment_and_what_is_named(program):
    file = program("env | cut -d= -f1 | sort | tr '\\n' ' '")
    env = {"HOME": "/", "AWS_SECRET_ACCESS_KEY": WORD, "VAULT_TOKEN": WORD, "VAULT_ADDR": "x"}
    seen = set(asked(file, sees=("VAULT_ADDR", "UNSET"), **env).reveal().split())
    assert {"HOME", "PATH", "VAULT_ADDR"} <= seen
    assert not seen & {"AWS_SECRET_ACCESS_KEY", "VAULT_TOKEN", "UNSET"}


def test_it_is_asked_nothing_and_stands_nowhere(program):
    assert asked(program("cat; pwd")).reveal() == "/"


def test_a_quick_one_is_not_waited_for_to_its_deadline(program):
    began = time.monotonic()  # noqa: TID251 -- how long it took is what is asked
    asked(program(f"echo {WORD}"))
    assert time.monotonic() - began < LONG_S / 2  # noqa: TID251 -- as above


def _ends(pid: int) -> None:
    """Check that a process is gone, or is dead and not yet reaped."""
    for _ in range(600):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.05)  # noqa: TID251 -- a test's patience
    raise AssertionError(f"{pid} lives")
