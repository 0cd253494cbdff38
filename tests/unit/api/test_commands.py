"""`leverd api` and `leverd keys token`, as they are called."""

from __future__ import annotations

import json
import socket

import pytest
from tests.unit.cli.owner import Owner

from leverd.adapters.token_file import TokenFile
from leverd.api.keyring import RecordedTokens, kept
from leverd.api.tokens import Scope, found
from leverd.cli import api, api_server
from leverd.cli.given import settings_of
from leverd.errors import ApiError, SecretError
from leverd.settings.changes import changes
from leverd.settings.models import ApiSection


@pytest.fixture
def owner(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Owner(tmp_path, capsys)


def test_a_token_is_shown_once_listed_without_itself_and_revoked(owner):
    made = owner("keys", "token", "new", "my phone", "--scope", "control", "--json")
    assert made.code == 0, made.err
    token = made.data["token"]
    listed = owner("keys", "token", "list", "--json")
    assert listed.data == [
        {"id": made.data["id"], "name": "my phone", "scopes": ["control"],
         "made_at": listed.data[0]["made_at"]}
    ]  # fmt: skip
    file = owner.journal.with_name("api-tokens.json")
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    records = json.loads(file.read_text())
    assert found(token, [kept(each) for each in records]).may(Scope.READ)
    assert owner("keys", "token", "revoke", made.data["id"]).code == 0
    assert owner("keys", "token", "list", "--json").data == []


def test_a_token_is_to_read_unless_said_otherwise(owner):
    said = owner("keys", "token", "new", "grafana")
    assert "good for read" in said.out
    assert owner("keys", "token", "list").out.count("grafana") == 1


def test_what_cannot_be_done_with_tokens_is_said(owner):
    assert "LVD-OWN-025" in owner("keys", "token", "new", "x", "--scope", "resume").err
    assert "LVD-API-022" in owner("keys", "token", "revoke", "nobody").err
    file = owner.journal.with_name("api-tokens.json")
    owner("keys", "token", "new", "x")
    file.write_text("[5]")
    assert "LVD-KEY-021" in owner("keys", "token", "list").err
    file.write_text("{")
    assert "LVD-KEY-021" in owner("keys", "token", "new", "y").err


@pytest.mark.parametrize("record", [{}, {"id": "x", "name": "y", "scopes": ["all"]}, {"id": 1}])
def test_a_malformed_record_lets_nobody_in(record):
    with pytest.raises(ApiError) as refused:
        RecordedTokens(lambda: [record]).tokens()
    assert refused.value.number == 23


def test_a_folder_nobody_may_write_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretError) as refused:
        TokenFile(tmp_path / "file" / "tokens.json").change(lambda records: records)
    assert refused.value.number == 22


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.5", "::"])
def test_beyond_loopback_only_with_tls_or_a_word_for_it(address):
    with pytest.raises(ApiError) as refused:
        api.check_address(ApiSection(address=address), without_tls=False)
    assert refused.value.number == 20
    api.check_address(ApiSection(address=address), without_tls=True)
    api.check_address(ApiSection(address=address, certificate="c.pem"), without_tls=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_neither(address):
    api.check_address(ApiSection(address=address), without_tls=False)


@pytest.mark.parametrize("private", [False, True])
def test_a_certificate_that_cannot_be_served_with_is_said_before_it_listens(owner, private):
    (owner.folder / "cert.pem").write_text("no PEM")
    named = "cert.pem\n  certificate_private: missing.pem" if private else "missing.pem"
    owner.edit("  # certificate: FILE", f"  certificate: {named}\n  #")
    answer = owner("api")
    assert (answer.code, answer.err.split()[0]) == (1, "LVD-API-026")
    assert "missing.pem: No such file" in answer.err
    assert "api.certificate" in answer.err
    with pytest.raises(ApiError, match="certificate cannot be served"):
        api.check_certificate(ApiSection(certificate=str(owner.folder / "cert.pem")))
    api.check_certificate(ApiSection())


def test_a_port_that_is_taken_is_said_before_a_page_is_promised(owner):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        answer = owner("api", "--port", str(port))
    assert (answer.code, answer.err.split()[0]) == (1, "LVD-API-027")
    assert str(port) in answer.err
    assert "--port" in answer.err
    assert answer.out == ""
    api.check_port(ApiSection(port=port))  # free again


def test_an_address_of_another_machine_is_said(owner):
    answer = owner("api", "--address", "192.0.2.1", "--without-tls")
    assert (answer.code, answer.err.split()[0]) == (1, "LVD-API-027")


def test_the_command_refuses_before_it_listens(owner):
    assert "LVD-API-020" in owner("api", "--address", "0.0.0.0").err
    assert "LVD-OWN-025" in owner("api", "--link", "all").err


def test_the_command_says_where_it_serves_and_hands_out_a_token_of_its_own(owner, monkeypatch):
    served = []
    monkeypatch.setattr(api, "check_port", lambda _: None)  # another's API may be there
    monkeypatch.setattr(api_server.Server, "run", lambda server: [served.append(server)])
    plain = owner("api", "--port", "9123")
    assert "http://127.0.0.1:9123/" in plain.out
    assert "token=" not in plain.out
    linked = owner("api", "--link", "read")
    token = linked.out.strip().rpartition("#token=")[2]
    keyring = served[-1]._app.state.desk.keyring
    assert found(token, keyring.tokens()).scopes == (Scope.READ,)
    assert not owner.journal.with_name("api-tokens.json").exists()


def test_help_tells_of_the_api(owner):
    assert "Serve the page, the REST API" in owner("--help").out


def test_tokens_are_where_the_settings_say(owner):
    assert api_server.tokens_path(settings_of(None)).name == "api-tokens.json"
    owner.edit("  # tokens: FILE ", "  tokens: elsewhere.json # ")
    assert str(api_server.tokens_path(settings_of(None))) == "elsewhere.json"


def test_what_the_api_is_told_is_not_the_daemons_settings(owner):
    before = settings_of(None)
    owner.edit("  port: 8420", "  port: 8421")
    after = settings_of(None)
    assert before.fingerprint() == after.fingerprint()
    assert changes(before, after) == ()
