"""What looks for planted secrets finds them; and what hides them leaves nothing to find."""

from __future__ import annotations

import json
import stat
from base64 import b64encode

import pytest
from loguru import logger
from tests.hostile.planted import KEY, PASSWORD, PLACED, forms, found, leaks

from leverd.cli import edge, logs, main
from leverd.errors import OwnerError
from leverd.interfaces.secrets import Secret
from leverd.interfaces.veil import HIDDEN, VEIL, Veil, redacted
from leverd.settings.models import LogsSection

RAW = bytes.fromhex(KEY)
WORDS = (
    KEY, f"0x{KEY}", KEY.upper(), f"0X{KEY.upper()}", str(int(KEY, 16)), repr(RAW),
    f"HexBytes('0x{KEY}')", json.dumps(list(RAW)), str(bytearray(RAW)), f"{int(KEY, 16):#x}",
    b64encode(RAW).decode(), json.dumps({"key": f"0x{KEY}"}), f"{int(KEY, 16):,}",
    PASSWORD, repr(PASSWORD), json.dumps(PASSWORD), repr(PASSWORD.encode()),
    b64encode(PASSWORD.encode()).decode(), PASSWORD.encode().hex(), f"a {PASSWORD} b",
)  # fmt: skip


@pytest.fixture
def _log_restored():
    yield
    logger.remove()
    logger.configure(patcher=lambda _: None)


@pytest.mark.parametrize("name", sorted(forms()))
def test_each_form_planted_in_a_log_is_found(tmp_path, name):
    log = tmp_path / "logs" / "leverd.log"
    log.parent.mkdir()
    log.write_bytes(b"2026-01-01 INFO turn=1 " + forms()[name] + b" decision=Hold\n")
    ((file, seen),) = leaks(tmp_path)
    assert file == str(log)
    assert name in seen


@pytest.mark.parametrize("words", WORDS)
def test_what_a_program_would_print_of_them_is_found(words):
    assert found(f"INFO it is {words}, is it not\n".encode())


def test_what_holds_neither_is_no_leak_and_neither_is_their_own_file(tmp_path):
    for name, text in zip(PLACED, (PASSWORD, KEY), strict=True):
        (tmp_path / name).write_text(text)
    (tmp_path / "leverd.log").write_text(f"INFO sent 0x{KEY[::-1]} from 0x{'5e' * 20}\n")
    assert leaks(tmp_path) == []
    (tmp_path / f"{KEY}.txt").touch()
    assert len(leaks(tmp_path)) == 1


@pytest.mark.parametrize("words", WORDS)
def test_the_veil_leaves_nothing_of_them(words):
    veil = Veil()
    veil.cover(f"0x{KEY}")
    veil.cover(PASSWORD)
    assert found(veil.over(f"before {words} after").encode()) == []
    assert veil.over(f"before {words} after").startswith("before ")


def test_the_veil_hides_nothing_else_and_no_word_of_everyday():
    veil = Veil()
    text = f"sent 0x{KEY[::-1]}, the devnet is down"
    assert veil.over(text) == text
    veil.cover("devnet")
    veil.cover(KEY)
    assert veil.over(text) == text
    assert veil.over(KEY) == HIDDEN
    veil.cover("0" * 64)
    assert veil.over("LVD-KEY-005: 7 of 10") == "LVD-KEY-005: 7 of 10"
    assert veil.over("0" * 64) == HIDDEN


@pytest.mark.usefixtures("_log_restored")
@pytest.mark.parametrize("as_json", [False, True])
def test_a_log_line_that_holds_them_is_written_without(tmp_path, as_json):
    file = tmp_path / "leverd.log"
    Secret(PASSWORD).reveal()
    Secret(KEY).reveal()
    logs.set_up(LogsSection.model_validate({"console": False, "file": str(file), "json": as_json}))
    for words in WORDS:
        logger.info("it is {}", words)
    logger.remove()
    assert len(file.read_text().splitlines()) == len(WORDS)
    assert leaks(tmp_path) == []


@pytest.mark.parametrize("as_json", [False, True])
def test_an_error_that_quotes_them_is_shown_without(capsys, as_json):
    Secret(PASSWORD).reveal()
    Secret(KEY).reveal()

    def quoting() -> None:
        raise OwnerError(f"cannot use {KEY}", place=PASSWORD, remedy=repr(RAW))

    assert edge.guard(quoting, ["--json"] if as_json else []) == 1
    captured = capsys.readouterr()
    assert HIDDEN in captured.out + captured.err
    assert found((captured.out + captured.err).encode()) == []


def test_a_bug_report_that_would_quote_them_is_kept_without_and_for_its_owner_alone(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    Secret(PASSWORD).reveal()
    Secret(KEY).reveal()

    inner = KeyError(f"{KEY} at https://node.example/v3/providers-key-1")

    def quoting() -> None:
        raise ValueError("\n".join(WORDS)) from inner

    assert edge.guard(quoting, []) == 70
    (kept,) = (tmp_path / "logs").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert HIDDEN in kept.read_text()
    assert "providers-key-1" not in kept.read_text()
    assert leaks(tmp_path) == []
    captured = capsys.readouterr()
    assert found((captured.out + captured.err).encode()) == []


def test_a_bug_report_is_not_written_through_a_link_that_somebody_laid(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "none"))

    def buggy() -> None:
        raise ValueError("x")

    assert edge.guard(buggy, []) == 70
    (kept,) = (tmp_path / "logs").iterdir()
    before = kept.read_text()
    assert edge.guard(buggy, []) == 70  # the same bug, the same file
    assert str(kept.relative_to(tmp_path)) in capsys.readouterr().err.splitlines()[-2]
    kept.unlink()
    other = tmp_path / "precious"
    other.write_text("precious")
    kept.symlink_to(other)
    assert edge.guard(buggy, []) == 70
    assert other.read_text() == "precious" != before
    assert "nowhere" in capsys.readouterr().err


def test_a_url_in_a_report_is_shown_without_its_key():
    assert redacted("at https://u:p@host.example/v3/abc: no") == "at https://host.example/*** no"


@pytest.fixture(autouse=True)
def _bare():
    """Nothing is veiled for having been opened by an earlier test: errors hide it themselves."""
    kept = dict(vars(VEIL))
    vars(VEIL).update(vars(Veil()))
    yield
    vars(VEIL).update(kept)


PLACES = (
    "private_key: {}", "key: {{environment: {}}}", "key: {{keystore: {}}}", "key: {}",
    "key: {{keystore: x, password: {}}}", "key: {{keystore: x, password: {{file: {}}}}}",
    "limits: {{leverage_max: {}}}", "limits: {{'{}': 1}}", "'{}': 1", "mode: {}", "- {}",
    "chain: {{id: {}}}", "chain: {{devnet: null, id: 1, rpc: ['{}'], profile: ethereum}}",
    "positions: {{eth-loop: {{agents: {{leverage_loop: {{target: {}}}}}}}}}",
    "positions: {{eth-loop: {{agents: {{'{}': {{}}}}}}}}", "agents_path: {}", "x: [{}",
    "tokens: {{WETH: {{address: '{}', decimals: 18}}}}", "seed_phrase: {}", "x: &{} y",
    "x: *{}", "x: !{} y", "logs: {{level: {}}}", "logs: {{rotation_mb: {}}}", "{}", "\t{}",
)  # fmt: skip
SPELT = (KEY, f"0x{KEY}", KEY.upper(), f"'{KEY}'", f'"0x{KEY}"', f"  {KEY}  ")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("option", [(), ("--json",)])
def test_a_key_in_a_settings_file_is_refused_and_never_repeated(tmp_path, capsys, place, option):
    file = tmp_path / "settings.yaml"
    for spelt in SPELT:
        # quotes stand where the place has none of its own
        file.write_text(place.format(spelt.strip("'\" ") if "'{}'" in place else spelt) + "\n")
        for command in (("config", "check"), ("config", "show"), ("doctor",)):
            asked = [*command, *(option if command != ("config", "show") else ()), "-c", str(file)]
            assert _code(asked) == 2, (spelt, command)
            captured = capsys.readouterr()
            assert found((captured.out + captured.err).encode()) == [], (spelt, command)


@pytest.mark.parametrize("spelt", [*SPELT, f"--x={KEY}", f"-k={KEY}", f"'0x{KEY}' "])
@pytest.mark.parametrize("before", [(), ("keys", "import", "k.json"), ("status",), ("config",)])
def test_a_key_as_an_argument_is_never_repeated(capsys, spelt, before):
    assert _code([*before, spelt]) == 2
    captured = capsys.readouterr()
    assert found((captured.out + captured.err).encode()) == []


def _code(arguments: list[str]) -> int:
    try:
        return edge.guard(lambda: main.app(args=arguments, prog_name="leverd"), arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("not 'postgresql://me:geheim@h:5/x'", "not 'postgresql://***@h:5/x'"),
        (
            "postgresql://h/x?sslmode=require&password=geheim",
            "postgresql://h/x?sslmode=require&password=***",
        ),
        ("redis://:geheim@h", "redis://***@h"),
        ("postgresql://me@h/x", "postgresql://me@h/x"),
        ("at 12:30 me@h said http://h", "at 12:30 me@h said http://h"),
    ],
)
def test_a_password_in_a_url_of_any_kind_is_hidden_and_nothing_else(text, shown):
    assert redacted(text) == shown
