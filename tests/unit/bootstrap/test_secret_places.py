"""Every secret from every place, where it is used: key, password, copy, alerts."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import psycopg
import pytest
from eth_account import Account
from loguru import logger
from tests.unit.alerts.services import Service
from tests.unit.secrets.manager import ENV, REGION, managed

from leverd.adapters.sql_journal import Server
from leverd.adapters.sql_journal.copier import Copier
from leverd.adapters.sql_journal.journal import SqlJournal
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap.alerting import notifier_of
from leverd.bootstrap.beside import beside_of, server_of
from leverd.bootstrap.chain import key_of
from leverd.bootstrap.secret_places import secret_of
from leverd.domain.events import AlertRaised
from leverd.errors import SecretError, UnreachableError
from leverd.interfaces.secrets import Secret
from leverd.settings import Key, Password
from leverd.settings.alerts import AlertsSection
from leverd.settings.models import JournalSection

KEY = "8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"
WORD = "Nachtigall-42-im-Garten"
ADDRESS = Account.from_key(KEY).address


@pytest.fixture
def tells(tmp_path):
    """Return a way to make a program that prints a text, for a `command`."""

    def make(text: str, *, fails: bool = False) -> list[str]:
        held = tmp_path / f"held-{len(list(tmp_path.iterdir()))}"
        held.write_text(text)
        code = f"print(open({str(held)!r}).read()); raise SystemExit({int(fails)})"
        return [sys.executable, "-c", code]

    return make


@pytest.fixture
def keystore(tmp_path):
    file = tmp_path / "operator.json"
    sealed = Account.encrypt(bytes.fromhex(KEY), WORD, kdf="pbkdf2", iterations=1024)
    file.write_text(json.dumps(sealed))
    file.chmod(0o600)
    return str(file)


def test_a_keystores_password_comes_from_a_command(keystore, tells):
    key = Key(keystore=keystore, password=Password(command=tells(WORD)))
    assert key_of(key, os.environ).address == ADDRESS


def test_the_key_itself_comes_from_a_command(tells):
    assert key_of(Key(command=tells(f"0x{KEY}")), os.environ).address == ADDRESS
    with pytest.raises(SecretError, match="LVD-KEY-031"):
        key_of(Key(command=tells(KEY, fails=True)), os.environ)


@pytest.mark.sockets
def test_key_and_password_come_from_aws(keystore, monkeypatch):
    import boto3  # noqa: PLC0415 -- heavy

    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    with managed() as url:
        client = boto3.client("secretsmanager", endpoint_url=url, region_name=REGION)
        client.create_secret(Name="leverd", SecretString=json.dumps({"key": KEY, "word": WORD}))
        client.close()
        aws = {"id": "leverd", "endpoint": url}
        sealed = Key(keystore=keystore, password=Password(aws={**aws, "field": "word"}))
        assert key_of(sealed, os.environ).address == ADDRESS
        bare = Key(aws={**aws, "field": "key"})
        assert key_of(bare, os.environ).address == ADDRESS


def test_each_place_is_opened_by_its_own_name(tmp_path, tells):
    held = tmp_path / "word"
    held.write_text(WORD)
    held.chmod(0o600)
    env = {"WORD": WORD, "CREDENTIALS_DIRECTORY": str(tmp_path), "PATH": os.environ["PATH"]}
    for place in ({"file": str(held)}, {"credential": "word"}, {"environment": "WORD"}):
        assert secret_of(Password(**place), env).reveal() == WORD
    code = "import os; print(os.environ['WORD'])"
    told = Password(command=[sys.executable, "-c", code], command_sees=["WORD"])
    assert secret_of(told, env).reveal() == WORD
    with pytest.raises(SecretError):
        secret_of(Password(command=told.command), env)


@pytest.mark.sockets
def test_the_copys_password_opens_a_server_that_wants_one(guarded, tmp_path, tells):
    url = guarded
    journal = tmp_path / "journal.db"
    SqlJournal(journal, SystemClock()).close()
    settings = _Settings(JournalSection(path=str(journal), copy_to=url,
                                        copy_password=Password(command=tells(WORD))))  # fmt: skip
    server = server_of(settings)
    assert server is not None
    copier = Copier(journal, server)
    assert copier.ship().entries == 0
    copier.close()
    for wrong in (None, Secret("another-word")):
        with pytest.raises(UnreachableError) as caught:
            _connect(Server(url, wrong))
        assert WORD not in str(caught.value)
        assert "another-word" not in str(caught.value)


@pytest.mark.sockets
def test_a_new_password_counts_from_the_next_connection_on(guarded):
    server = Server(guarded, Secret("another-word"))
    with pytest.raises(UnreachableError):
        _connect(server)
    server.renew(Secret(WORD))
    _connect(server)


@pytest.mark.sockets
def test_alerts_go_where_a_command_says(tells):
    service = Service()
    try:
        section = AlertsSection(to={"command": tells(service.url)}, group_s=0)
        notifier = notifier_of(section, SystemClock())
        assert notifier is not None
        notifier.start()
        notifier.notify(AlertRaised("eth-loop", "LVD-REC-001", "a test"))
        notifier.close(wait_s=60)
    finally:
        service.close()
    assert service.heard[0]["title"] == "leverd: LVD-REC-001"


def test_what_only_accompanies_does_not_hold_a_start_up(tmp_path, tells):
    """A place that is late for alerts or the copy leaves them without, and the guard begins."""
    late = {"command": ["/bin/sleep", "60"], "command_s_max": 1}
    journal = JournalSection(path="x", copy_to="postgresql://me@127.0.0.1:9/it",
                             copy_password=Password(**late))  # fmt: skip
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    try:
        beside = beside_of(
            _Settings(journal, AlertsSection(to=late)), tmp_path / "journal.db", SystemClock()
        )
    finally:
        logger.remove(sink)
    assert beside.copying is not None
    assert beside.services is not None
    assert sum("until a reload" in line for line in lines) == 2
    failing = journal.model_copy(update={"copy_password": Password(command=tells("", fails=True))})
    with pytest.raises(SecretError):
        beside_of(_Settings(failing), tmp_path / "journal.db", SystemClock())


class _Settings:
    """The parts of settings that name what runs beside a daemon."""

    def __init__(self, journal, alerts=None):
        self.journal, self.alerts = journal, alerts


def _connect(server: Server) -> None:
    engine = server.engine(writes=False)
    try:
        with server.translated(), engine.connect():
            pass
    finally:
        engine.dispose()


@pytest.fixture
def guarded(cluster):
    """Return the URL of a database whose user has to say the password, as SCRAM has it."""
    url = cluster.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN CREATE ROLE guarded LOGIN SUPERUSER; "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        connection.execute(f"ALTER ROLE guarded PASSWORD '{WORD}'")
        (path,) = connection.execute("SHOW hba_file").fetchone() or ()
        file = Path(path)
        rule = "host all guarded 127.0.0.1/32 scram-sha-256\n"
        if rule not in (text := file.read_text()):
            file.write_text(rule + text)
        connection.execute("SELECT pg_reload_conf()")
    made = url.replace("leverd@", "guarded@")
    for _ in range(600):  # it reads its rules when it comes to it
        try:
            _connect(Server(made, Secret("another-word")))
        except UnreachableError as error:
            if "password authentication failed" in str(error):
                return made
        time.sleep(0.05)  # noqa: TID251 -- a test's patience
    raise AssertionError("the server never took its new rules")
