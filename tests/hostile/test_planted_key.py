"""A planted key and password are in nothing that the agent and the commands leave or say."""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from tests.e2e.children import Child, Nursery, moving
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.owner import Answer, Owner
from tests.e2e.stage import CONFIG, Stage
from tests.hostile.planted import KEY, PASSWORD, forms, found, leaks
from tests.prove.tally import tell

from leverd.adapters.sql_journal import Server, upkeep
from leverd.bootstrap.undumpable import undumpable
from leverd.cli import edge, main
from leverd.devnet.node import Node, NodeOptions

__all__ = ["agents", "devnet", "stage"]

pytestmark = [pytest.mark.chain, pytest.mark.told]

ADDRESS = str(Account.from_key(KEY).address)
NOWHERE = "http://127.0.0.1:9"
PR_GET_DUMPABLE = 3


@dataclass(frozen=True)
class Planted:
    """A stage whose operator is the planted key; it comes from `source`."""

    stage: Stage
    source: str

    @property
    def env(self) -> dict[str, str]:
        env = {"CREDENTIALS_DIRECTORY": str(self.stage.folder), "TMPDIR": str(self.stage.folder)}
        if self.source.endswith("environment"):
            env["PLANTED"] = PASSWORD if self.source.startswith("password") else f"0x{KEY}"
        return env

    @property
    def sections(self) -> dict[str, Any]:
        """The settings that name the source, and log all there is to log."""
        what, _, where = self.source.partition(" by ")
        file = self.stage.folder / f"planted.{what}"
        prints = ["/bin/cat", str(file)]
        places = {"environment": "PLANTED", "file": str(file), "credential": file.name}
        said = {**places, "command": prints}[where]
        sealed = str(self.stage.folder / "planted.json")
        named = {"keystore": sealed, "password": {"file": None, where: said}}
        key = named if what == "password" else {"keystore": None, "password": None, where: said}
        return {"key": key, "logs": {"level": "TRACE"}}

    def start(self, agents: Nursery, *arguments: str, env: Any = None, **order: Any) -> Child:
        folder = str(self.stage.folder)
        return agents.start(
            self.stage, self.stage.files(**self.sections), arguments=list(arguments),
            env={**self.env, **(env or {})}, folder=folder, **order,
        )  # fmt: skip


SOURCES = (
    "password by environment", "password by file", "password by credential",
    "password by command", "key by credential", "key by environment", "key by command",
)  # fmt: skip


@pytest.fixture(scope="module")
def sealed() -> bytes:
    """Return the planted key's keystore, one that opens fast."""
    return json.dumps(
        Account.encrypt(bytes.fromhex(KEY), PASSWORD, kdf="pbkdf2", iterations=4096)
    ).encode()


@pytest.fixture
def plant(stage, sealed) -> Callable[[str], Planted]:
    """Appoint the planted key, and write it and its password where each source looks."""
    chain, roles = stage.devnet.chain, stage.deployment.roles
    chain.send(roles.owner, stage.account, "set_operator(address)", ADDRESS, gas=200_000)
    for _ in range(20):  # some blocks leave a transaction out
        stage.devnet.step()
        if chain.read(stage.account, "operator()->(address)").lower() == ADDRESS.lower():
            break
    stage.devnet.node.rpc.ask("anvil_setBalance", ADDRESS, hex(10**21))
    (stage.folder / "logs").mkdir()
    texts = {"json": sealed, "password": PASSWORD.encode() + b"\n", "key": KEY.encode() + b"\n"}
    for name, text in texts.items():
        file = stage.folder / f"planted.{name}"
        file.write_bytes(text)
        file.chmod(0o600)
    return lambda source: Planted(stage, source)


def clean(stage: Stage) -> None:
    """Check that no file of the world holds them, and that the files are those one thinks of."""
    assert leaks(stage.folder) == []
    assert (stage.folder / "output.log").stat().st_size > 0
    files = sum(each.is_file() for each in stage.folder.rglob("*"))
    tell("planted key", forms=len(forms()), files=files, leaks=0)


@pytest.mark.parametrize("source", SOURCES)
def test_an_orderly_life_with_all_logs_tells_nobody(stage, agents, plant, source):
    planted = plant(source)
    as_json = {"LEVERD__LOGS__JSON": "true" if source == SOURCES[0] else "false"}
    with moving(stage):
        child = planted.start(agents, env=as_json)
        child.wait_calm()
        for name in ("cmdline", "maps", "status", "comm"):
            assert found(Path("/proc", str(child.pid), name).read_bytes()) == []
        assert (stage.folder / "journal.db-wal").stat().st_size > 0
        assert leaks(stage.folder) == []  # while it lives, with all it has open
        assert child.stop() == 0
    assert stage.truth().sequence == 1, "the planted key did sign"
    assert (stage.folder / "leverd.log").stat().st_size > 1_000
    assert "settings.yaml" in " ".join(each.name for each in stage.folder.glob("journal.db.*"))
    clean(stage)


@pytest.mark.parametrize("source", [each for each in SOURCES if each.startswith("password")])
def test_a_wrong_password_is_not_repeated_and_nor_is_the_right_one(stage, agents, plant, source):
    planted = plant(source)
    with_typo = PASSWORD[:-1] + "x"
    (stage.folder / "planted.password").write_text(with_typo)
    child = planted.start(agents, env={"PLANTED": with_typo})
    assert child.ended() == 2
    assert "LVD-KEY" in child.said()
    assert with_typo not in (stage.folder / "output.log").read_text()
    clean(stage)


@pytest.mark.parametrize("ends", ["exit 1", "sleep 60", "exit 0"])
def test_a_command_that_tells_it_where_it_should_not_is_not_repeated(stage, agents, plant, ends):
    """It writes the password to its errors, and then fails, hangs, or says something else."""
    plant("password by command")
    password = stage.folder / "planted.password"
    script = stage.folder / "vault.sh"
    script.write_text(f"cat '{password}' >&2\nprintf 'no such entry'\n{ends}\n")
    source = {"file": None, "command": ["/bin/sh", str(script)], "command_s_max": 1}
    key = {"keystore": str(stage.folder / "planted.json"), "password": source}
    files = stage.files(key=key, logs={"level": "TRACE"})
    child = agents.start(stage, files, folder=str(stage.folder), arguments=["--wait", "1"])
    assert child.ended() in {2, 3}
    assert "LVD-" in child.said()
    clean(stage)


def test_a_servers_password_by_command_is_in_neither_files_nor_the_copy(
    stage, agents, plant, cluster
):
    planted = plant("password by command")
    url = cluster.database()
    command = ["/bin/cat", str(stage.folder / "planted.password")]
    journal = {"copy_to": url, "copy_password": {"command": command}}
    files = stage.files(**planted.sections, journal=journal)
    with moving(stage):
        child = agents.start(stage, files, env=planted.env, folder=str(stage.folder))
        child.wait_calm()
        assert child.stop() == 0
    told = io.StringIO()
    assert upkeep.export(Server(url), told) == len(stage.events())
    assert found(told.getvalue().encode()) == []
    clean(stage)


@pytest.mark.parametrize("spoil", [KEY[:-1], KEY + "00", f"0x{KEY}g", f"{KEY} {KEY}"])
def test_what_is_nearly_a_key_is_refused_without_repeating_it(stage, agents, plant, spoil):
    planted = plant("key by environment")
    child = planted.start(agents, env={"PLANTED": spoil})
    assert child.ended() == 2
    assert "LVD-KEY" in child.said()
    assert spoil not in child.said()
    clean(stage)


def test_a_node_that_is_dead_and_one_that_dies_tell_nobody(stage, agents, plant):
    planted = plant("password by environment")
    there = stage.devnet.url
    stage.announce(NOWHERE)
    child = planted.start(agents, "--wait", "1")
    assert child.ended() == 3
    stage.announce(there)
    child = planted.start(agents)
    with moving(stage) as market:
        child.wait_calm()
        with market.holding():
            os.kill(stage.devnet.node.pid, signal.SIGSTOP)
            try:
                child.wait_said("turn failed")
            finally:
                os.kill(stage.devnet.node.pid, signal.SIGCONT)
        assert child.stop() == 0
    clean(stage)


@pytest.mark.parametrize(
    "source", ["password by credential", "password by command", "key by environment"]
)
def test_a_bug_that_quotes_the_key_leaves_a_report_without_it(stage, agents, plant, source):
    planted = plant(source)
    raw = bytes.fromhex(KEY)
    quotes = [f"0x{KEY}", repr(raw), str(int(KEY, 16)), str(list(raw))]
    if source.startswith("password"):
        quotes.append(PASSWORD)
    child = planted.start(agents, bug=" and ".join(quotes))
    with moving(stage):
        assert child.ended() == 70
    (report,) = (stage.folder / "logs").glob("bug-*.txt")
    assert str(report.relative_to(stage.folder)) in child.said()
    assert report.stat().st_mode & 0o077 == 0
    assert "RuntimeError" in report.read_text()
    assert "***" in report.read_text()
    clean(stage)


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV])
def test_a_process_that_is_made_to_dump_its_core_leaves_none(stage, agents, plant, number):
    planted = plant("key by environment")
    child = planted.start(agents, cores=True)
    with moving(stage):
        child.wait_calm()
        before = set(stage.folder.rglob("*"))
        assert child.stop(number) == -number
    left = {each.name for each in set(stage.folder.rglob("*")) - before}
    assert not any("core" in each for each in left), left
    assert not list(stage.folder.rglob("*core*"))
    clean(stage)


# --- cores -----------------------------------------------------------------------------------


def _abort(folder: Path, *, protected: bool) -> tuple[int, int]:
    """Return the flag of a child that holds the key, and its end's status; its core is there."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chdir(folder)
            libc = ctypes.CDLL(None)
            libc.prctl(4, 1, 0, 0, 0)  # an earlier test of this process may have protected it
            hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
            if protected:
                undumpable()
            os.write(writer, bytes([libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)]))
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGQUIT)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    flag = os.read(reader, 1)[0]
    os.close(reader)
    os.close(writer)
    return flag, status


def test_a_protected_process_dumps_no_core_and_an_unprotected_one_does(tmp_path):
    flag, status = _abort(tmp_path, protected=True)
    assert (flag, os.WTERMSIG(status), os.WCOREDUMP(status)) == (0, signal.SIGQUIT, False)
    assert list(tmp_path.iterdir()) == []
    flag, status = _abort(tmp_path, protected=False)
    assert (flag, os.WTERMSIG(status)) == (1, signal.SIGQUIT)
    for core in tmp_path.iterdir():  # where this machine writes them here: the search sees into it
        assert "key, hex" in found(core.read_bytes())


def test_the_unit_limits_cores_too():
    unit = (CONFIG.parents[1] / "deploy" / "leverd.service").read_text()
    assert "\nLimitCORE=0\n" in unit


# --- commands --------------------------------------------------------------------------------

COMMANDS = (
    ("status",), ("status", "--json"), ("positions",), ("history",), ("history", "--json"),
    ("plan",), ("plan", "--json"), ("plan", "--target", "2"), ("reconcile",),
    ("account", "show"), ("account", "show", "--json"), ("doctor",), ("doctor", "--json"),
    ("config", "check"), ("config", "show"), ("db", "verify"), ("db", "export"), ("pause",),
    ("resume",),
)  # fmt: skip


@pytest.fixture
def typed(stage, capsys, monkeypatch, tmp_path) -> Callable[..., Answer]:
    """Return a way to type commands, each of whose answers is searched."""
    monkeypatch.chdir(tmp_path)
    owner = Owner(stage, capsys)

    def ask(planted: Planted, *arguments: str, mining: bool = True) -> Answer:
        for name, value in planted.env.items():
            monkeypatch.setenv(name, value)
        owner.sections = planted.sections
        answer = owner(*arguments, mining=mining)
        assert found((answer.out + answer.err).encode()) == [], arguments
        return answer

    return ask


def test_the_commands_of_a_day_tell_nobody(stage, agents, plant, typed):
    planted = plant("password by file")
    with moving(stage):
        child = planted.start(agents)
        child.wait_calm()
        assert child.stop() == 0
    for command in COMMANDS:
        answer = typed(planted, *command, mining=command[0] in {"plan", "account", "reconcile"})
        assert answer.code in {0, 1}, (command, answer)
        assert answer.out, command
    assert typed(planted, "unwind", "--yes", "--for", "36000").code == 0
    assert stage.truth().debt == 0, "the planted key did sign"
    for command in (("db", "backup", "copy.db"), ("db", "export", "copy.jsonl")):
        assert typed(planted, *command).code == 0
    clean(stage)


@pytest.mark.parametrize("source", ["key by environment", "password by credential"])
def test_a_rehearsal_shows_neither_and_its_chain_is_told_neither(
    stage, plant, typed, source, monkeypatch
):
    planted = plant(source)
    told = []
    start = Node.start.__func__

    def start_and_look(kind: type[Node], options: NodeOptions) -> Node:
        node: Node = start(kind, options)
        process = Path("/proc", str(node.pid))
        told.extend((process / name).read_bytes() for name in ("environ", "cmdline"))
        return node

    monkeypatch.setattr(Node, "start", classmethod(start_and_look))
    answer = typed(planted, "plan", "--rehearse", mining=False)  # else it forgets what is copied
    assert answer.code == 0, answer
    (stage.folder / "output.log").write_text(answer.out)
    assert len(told) == 2
    assert b"PATH=" in told[0]
    assert [found(each) for each in told] == [[], []]
    clean(stage)


def test_keys_are_made_imported_and_shown_without_a_word_of_them(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("planted.password", PASSWORD), ("planted.key", f"0x{KEY}")):
        Path(name).write_text(text)
        Path(name).chmod(0o600)
    given = ("--password-file", "planted.password")
    commands: tuple[tuple[str, ...], ...] = (
        ("import", "k.json", "--from-file", "planted.key", *given),
        ("import", "k.json", "--from-file", "planted.key", *given),  # it is there already
        ("import", "x.json", "--from-file", "planted.password", *given),  # that is no key
        ("new", "n.json", *given, "--json"), ("address", "k.json"), ("address", "k.json", "--json"),
        ("address", "planted.key"), ("address", "planted.password", "--json"),
    )  # fmt: skip
    codes = []
    for command in commands:
        codes.append(_code(["keys", *command]))
        captured = capsys.readouterr()
        assert found((captured.out + captured.err).encode()) == [], command
    assert codes == [0, 2, 2, 0, 0, 0, 2, 2]
    assert json.loads(Path("k.json").read_text())["address"].lower() == ADDRESS[2:].lower()
    assert leaks(tmp_path) == []


def _code(arguments: list[str]) -> int:
    try:
        return edge.guard(lambda: main.app(args=arguments, prog_name="leverd"), arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
