"""keys, db, doctor and logs, as an owner meets them."""

from __future__ import annotations

import contextlib
import json
import resource
import sqlite3
import subprocess
import sys

import pytest
from loguru import logger
from tests.journal_events import decision

from leverd.adapters.sql_journal.schema import HEAD
from leverd.cli import logs
from leverd.interfaces.veil import redacted
from leverd.settings.models import LogsSection

KEY = "4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d"
ADDRESS = "0x90F8bf6A479f320ead074411a4B0e7944Ea8c9C1"  # of KEY, by eth-account


@pytest.fixture
def password(owner):
    file = owner.folder / "password"
    file.write_text("correct horse")
    file.chmod(0o600)
    return str(file)


def test_a_new_key_is_encrypted_and_only_its_address_is_shown(owner, password):
    made = owner("keys", "new", "k.json", "--password-file", password, "--json")
    shown = owner("keys", "address", "k.json", "--json")
    assert made.data == shown.data
    assert (owner.folder / "k.json").stat().st_mode & 0o077 == 0
    assert "correct horse" not in (owner.folder / "k.json").read_text()
    again = owner("keys", "new", "k.json", "--password-file", password)
    assert again.code == 2
    assert "never overwritten" in again.err


def test_a_key_is_imported_from_a_file_only_its_owner_reads(owner, password):
    clear = owner.folder / "clear"
    clear.write_text(f"0x{KEY}\n")
    clear.chmod(0o644)
    arguments = ("keys", "import", "k.json", "--from-file", str(clear))
    refused = owner(*arguments, "--password-file", password)
    assert refused.code == 2
    assert "chmod 600" in refused.err
    clear.chmod(0o600)
    done = owner(*arguments, "--password-file", password)
    assert done.code == 0
    assert ADDRESS in done.out
    assert "now remove" in done.out
    assert KEY not in done.out + (owner.folder / "k.json").read_text()


def test_keys_are_asked_for_without_echo(owner, monkeypatch):
    typed = iter([KEY, "pass", "pass", KEY, "pass", "other"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    assert ADDRESS in owner("keys", "import", "k.json").out
    differs = owner("keys", "import", "k2.json")
    assert differs.code == 2
    assert "differ" in differs.err
    assert not (owner.folder / "k2.json").exists()


def test_where_nobody_can_be_asked_it_says_so(owner, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    answer = owner("keys", "new", "k.json")
    assert answer.code == 2
    assert "--password-file" in answer.err


def test_a_key_in_the_arguments_is_refused_and_nothing_is_written(owner, password):
    answer = owner("keys", "import", "k.json", KEY, "--password-file", password)
    assert answer.code == 2
    assert "must not be an argument" in answer.err
    assert KEY not in answer.err
    assert not (owner.folder / "k.json").exists()


def test_the_journal_is_verified_backed_up_and_exported(owner):
    owner.with_history()
    assert owner("db", "verify", "--json").data["entries"] == 6
    assert owner("db", "backup", "b.db", "--json").data["last_seq"] == 6
    assert owner("db", "verify", "--journal", "b.db").code == 0
    lines = owner("db", "export").out.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4, 5, 6]
    owner("db", "export", "out.jsonl")
    assert (owner.folder / "out.jsonl").read_text().splitlines() == lines
    assert owner("db", "export", "out.jsonl").code == 1  # never over what is there
    assert owner("db", "export", "more.jsonl", "--json").data["entries"] == 6
    assert owner("db", "upgrade").code == 0
    assert owner("db", "upgrade", "--json").data["tables"] == HEAD


@pytest.fixture
def lived(owner):
    """Return an owner whose journal is larger than a pipe holds."""
    owner.with_history()
    journal = owner.open_journal()
    journal.append_now(*map(decision, range(400)))
    journal.close()
    return owner


def test_who_reads_only_the_beginning_of_an_export_ends_it_quietly(lived):
    program = "import sys; from leverd.cli.main import main; sys.argv[0] = 'leverd'; main()"
    command = [sys.executable, "-c", program, "db", "export"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["seq"] == 1
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait() == 1
    assert said == b""
    assert lived("db", "verify").code == 0


@pytest.fixture
def small_files(lived):
    """Let no file grow beyond 64 KiB, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_an_export_that_finds_no_room_says_where_and_leaves_nothing(lived):
    answer = lived("db", "export", "out.jsonl")
    assert answer.code == 1, answer.err
    assert "LVD-OWN-099  cannot be written: File too large" in answer.err
    assert "out.jsonl" in answer.err
    assert not (lived.folder / "out.jsonl").exists()


def test_an_export_to_a_full_disk_by_way_of_the_shell_does_not_blame_the_journal(
    lived, monkeypatch
):
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 -- a device
        monkeypatch.setattr("sys.stdout", full)
        answer = lived("db", "export")
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()
    assert (answer.code, answer.err.startswith("LVD-OWN-099")) == (1, True)
    assert "No space left" in answer.err


@pytest.mark.parametrize("command", ["export", "backup"])
@pytest.mark.parametrize("to", ["file/x", "/proc/nowhere/x"])
def test_a_place_where_nothing_can_be_written_is_the_owners_mistake(owner, command, to):
    owner.with_history()
    (owner.folder / "file").touch()
    answer = owner("db", command, to)
    assert (answer.code, answer.err.split()[0]) == (1, "LVD-OWN-099")
    assert to in answer.err
    assert "name another" in answer.err
    assert owner("db", command, "new/folder/x").code == 0


def test_a_backup_into_a_folder_of_others_is_refused_before_it_begins(owner, monkeypatch):
    owner.with_history()
    monkeypatch.setattr("os.access", lambda *_: False)  # no mode stops the machine's owner
    answer = owner("db", "backup", "b.db")
    assert (answer.code, answer.err.split()[0]) == (1, "LVD-OWN-099")
    assert not list(owner.folder.glob("b.db*"))


def test_a_devnets_price_that_is_none_is_said(owner):
    for price in ("abc", "nan", "-5", "0"):
        answer = owner("devnet", "up", "--price", price)
        assert (answer.code, answer.err.split()[0]) == (1, "LVD-OWN-084")
        assert "--price" in answer.err


def test_a_damaged_journal_is_exit_5_until_it_is_salvaged(owner):
    owner.with_history()
    with sqlite3.connect(owner.journal) as connection:
        connection.execute("DELETE FROM events WHERE seq = 3")
    connection.close()
    found = owner("db", "verify")
    assert found.code == 5
    assert "leverd db salvage" in found.err or "entry 3 is missing" in found.err
    done = owner("db", "salvage", "--json").data
    assert (done["damaged"], done["kept"]) == (True, 2)
    assert owner("db", "verify").code == 0
    assert owner("db", "salvage", "--json").data["damaged"] is False


def test_pruning_waits_until_no_daemon_runs(owner):
    owner.with_history()
    daemon = owner.open_journal()
    assert owner("db", "prune").code == 5
    assert owner("db", "salvage").code == 5
    daemon.close()
    assert owner("db", "prune", "--json").data["dropped"] == 0


def test_the_doctor_finds_what_is_missing_and_says_what_to_do(owner):
    answer = owner("doctor", "--json")
    assert answer.code == 1
    found = {(each["code"], each["status"]) for each in answer.data}
    assert ("settings", "good") in found
    assert ("journal", "note") in found
    assert ("key", "bad") in found
    assert any(code.startswith("LVD-NET") and status == "bad" for code, status in found)
    assert all(each["remedy"] for each in answer.data if each["status"] == "bad")


def test_the_doctor_sees_a_key_that_others_may_read(owner):
    folder = owner.folder / "var" / "devnet"
    folder.mkdir(parents=True)
    for name in ("operator.json", "operator.password"):
        (folder / name).write_text("{}")
    (folder / "operator.json").chmod(0o600)
    (folder / "operator.password").chmod(0o644)
    found = [(each["status"], each["message"]) for each in owner("doctor", "--json").data]
    assert ("bad", "others may read var/devnet/operator.password") in found
    assert any(status == "good" and "operator.json" in message for status, message in found)


def test_the_doctor_leaves_to_systemd_what_it_hands_over(owner):
    handed = "/run/credentials/leverd.service/keystore"
    owner.edit("keystore: var/devnet/operator.json", f"keystore: {handed}")
    found = [(each["status"], each["message"]) for each in owner("doctor", "--json").data]
    assert ("note", f"{handed} is systemd's to hand to the service") in found


@pytest.fixture
def _log_restored():
    yield
    logger.remove()
    logger.configure(patcher=None)


@pytest.mark.usefixtures("_log_restored")
def test_logs_rotate_into_a_private_file_without_providers_keys(tmp_path):
    file = tmp_path / "logs" / "leverd.log"
    logs.set_up(LogsSection(file=str(file), console=False))
    logger.info("asked https://mainnet.example.com/v3/abc123?x=1 for block {}", 5)
    logger.debug("not at this level")
    logger.remove()
    text = file.read_text()
    assert "https://mainnet.example.com/***" in text
    assert "abc123" not in text
    assert "not at this level" not in text
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("_log_restored")
def test_logs_can_be_json_on_the_console(capsys):
    logs.set_up(LogsSection.model_validate({"file": None, "json": True}))
    logger.info("turn=1")
    assert json.loads(capsys.readouterr().err)["record"]["message"] == "turn=1"


@pytest.mark.usefixtures("_log_restored")
@pytest.mark.parametrize("console", [True, False])
def test_a_log_file_that_cannot_be_written_is_said_and_lines_go_to_the_console(
    console, tmp_path, capsys
):
    (tmp_path / "logs").write_text("a file where the folder should be")
    file = tmp_path / "logs" / "leverd.log"
    logs.set_up(LogsSection(file=str(file), console=console))
    logger.info("turn=1")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "LVD-OWN-136" in said[0]
    assert str(file) in said[0]
    assert "Remedy" in said[0]
    assert said[1].endswith("turn=1")


def test_a_url_without_a_path_stays_readable():
    assert redacted("at http://127.0.0.1:8545 now") == "at http://127.0.0.1:8545 now"
    assert redacted("https://user:pw@node.example:1/x") == "https://node.example:1/***"


def test_the_journal_is_copied_to_a_server_and_brought_back_from_it(owner, cluster):
    owner.with_history()
    url = cluster.database()
    owner.edit("  copy_to:  ", f"  copy_to: {url}")
    answer = owner("db", "copy")
    assert answer.code == 0
    assert "entries shipped" in answer.out
    entries = json.loads(owner("db", "verify", "--json").out)["entries"]
    assert json.loads(owner("db", "copy", "--json").out) == {
        "shipped": 0,
        "entries": entries,
        "last_seq": entries,
    }
    refused = owner("db", "restore", "copy")
    assert refused.code != 0
    assert "a journal is there already" in refused.err
    lose(owner.journal)
    assert owner("db", "restore", "copy").code == 0
    assert json.loads(owner("db", "verify", "--json").out)["entries"] == entries


def lose(journal):
    for each in journal.parent.glob(f"{journal.name}*"):
        each.unlink()


def test_a_backup_is_brought_back(owner):
    owner.with_history()
    assert owner("db", "backup", "b.db").code == 0
    assert "LVD-OWN-020" in owner("db", "backup", "b.db").err
    assert "LVD-OWN-026" in owner("db", "restore", "b.db").err
    lose(owner.journal)
    answer = owner("db", "restore", "b.db", "--json")
    assert json.loads(answer.out)["entries"] > 5
    assert owner("status").code == 0


def test_without_a_copy_in_the_settings_there_is_none(owner):
    owner.with_history()
    for arguments in (("copy",), ("restore", "copy")):
        answer = owner("db", *arguments)
        assert answer.code != 0
        assert "LVD-OWN-112" in answer.err


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://me:verysecret@h/x", "no password stands in settings"),
        ("mysql://h/x", "postgresql:// is needed"),
        ("postgresql://h", "names a database"),
        ("postgresql://h:99999999/x", "names a database"),
    ],
)
def test_a_copy_that_is_none_is_refused_by_the_settings_and_repeats_no_password(owner, url, why):
    owner.edit("  copy_to:  ", f"  copy_to: {url}")
    answer = owner("db", "copy")
    assert answer.code == 2
    assert why in answer.err
    assert "verysecret" not in answer.err + answer.out


def test_a_server_that_is_away_is_said_with_what_to_look_at(owner):
    owner.with_history()
    owner.edit("  copy_to:  ", "  copy_to: postgresql://leverd@127.0.0.1:1/x")
    answer = owner("db", "copy")
    assert answer.code == 3
    assert "LVD-NET-050" in answer.err
    assert "pg_isready" in answer.err
