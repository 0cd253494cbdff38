"""Whatever goes wrong, an owner sees one screen with a code and a remedy, and no traceback."""

from __future__ import annotations

import errno
import json
import os
from functools import partial
from pathlib import Path

import pytest

from leverd.adapters.sql_journal import database
from leverd.cli import edge
from leverd.errors import (
    HaltedError,
    InfeasibleError,
    JournalDamagedError,
    OwnerError,
    SecretError,
    SettingsError,
    UnreachableError,
)

KEY = "4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d"


def failing(error):
    def action():
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError, 2),
        (SecretError, 2),
        (UnreachableError, 3),
        (HaltedError, 4),
        (JournalDamagedError, 5),
        (InfeasibleError, 6),
        (OwnerError, 1),
    ],
)
def test_each_error_has_its_exit_code_and_one_screen(capsys, error, code):
    raised = error("it broke", number=3, place="here:7", remedy="mend it")
    assert edge.guard(failing(raised), []) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    for part in (raised.code, "it broke", "here:7", "mend it"):
        assert part in captured.err


def test_with_json_the_error_is_data_on_stdout(capsys):
    edge.guard(failing(OwnerError("it broke", number=3, remedy="mend it")), ["--json"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["remedy"]) == ("LVD-OWN-003", "mend it")


def test_an_error_inside_groups_is_found(capsys):
    group = ExceptionGroup("tasks", [ExceptionGroup("more", [OwnerError("it broke")])])
    assert edge.guard(failing(group), []) == 1
    assert "it broke" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [ValueError("secret value"), ExceptionGroup("tasks", [KeyError("secret value")])]
)
def test_a_bug_is_named_with_the_file_that_holds_its_traceback(
    capsys, tmp_path, monkeypatch, error
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    assert edge.guard(failing(error), []) == 70
    shown = capsys.readouterr().err
    assert "LVD-BUG" in shown
    assert "Traceback" not in shown
    kept = next((tmp_path / "logs").glob("bug-*.txt"))
    assert str(kept.relative_to(tmp_path)) in shown
    assert "secret value" in kept.read_text()


def test_a_bug_without_a_logs_folder_is_kept_elsewhere(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert edge.guard(failing(ValueError("x")), []) == 70
    assert len(list(tmp_path.glob("bug-*.txt"))) == 1
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.ENOTDIR, errno.EISDIR, errno.EEXIST]
)
def test_a_file_that_the_system_refuses_is_named_and_no_bug(number, capsys):
    assert edge.guard(failing(OSError(number, os.strerror(number), "var/x")), []) == 1
    first, where, remedy = capsys.readouterr().err.splitlines()
    assert first.startswith("LVD-OWN-137")
    assert where.endswith("var/x")
    assert remedy.startswith("  remedy  ")
    assert len(remedy) > len("  remedy  ")


@pytest.mark.parametrize(
    "error", [OSError(errno.EACCES, "no file is named"), OSError(errno.EBADF, "closed", "var/x")]
)
def test_what_the_system_says_of_anything_else_is_a_bug(error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert edge.guard(failing(error), []) == 70


def test_a_journal_in_another_users_folder_is_named(capsys, monkeypatch, tmp_path):
    def refused(path, **_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refused)
    look = partial(database.check_exists, tmp_path / "journal.db")
    assert edge.guard(look, []) == 1
    assert "LVD-OWN-137" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
def test_a_time_to_wait_that_is_none_is_refused(seconds, owner):
    answer = owner("run", f"--wait={seconds}")
    assert answer.code == 2
    assert "--wait" in answer.err


def test_an_interruption_is_no_bug():
    assert edge.guard(failing(KeyboardInterrupt()), []) == 130


def test_success_is_zero_or_what_the_action_says():
    assert edge.guard(lambda: None, []) == 0
    assert edge.guard(lambda: 4, []) == 4


@pytest.mark.parametrize(
    "argument",
    [
        KEY,
        f"0x{KEY}",
        f"--key={KEY}",
        f"LEVERD_KEY=0x{KEY}",
        "--private-key",
        "--private_key=x",
        "--mnemonic",
        "--seed-phrase=a b c",
    ],
)
def test_a_key_as_an_argument_is_refused_unseen_with_the_right_way(capsys, argument):
    ran = []
    assert edge.guard(lambda: ran.append(1), ["keys", "import", argument]) == 2
    shown = capsys.readouterr().err
    assert "LVD-KEY-005" in shown
    assert "leverd keys import" in shown
    assert KEY not in shown
    assert not ran


@pytest.mark.parametrize("argument", [f"0x{'ab' * 20}", "--seed=7", KEY[:-1], "eth-loop"])
def test_an_address_or_a_name_is_no_key(argument):
    assert edge.guard(lambda: None, [argument]) == 0
