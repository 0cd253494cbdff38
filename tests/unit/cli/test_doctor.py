"""leverd doctor over what an operator deploys: each finding with its code, place and remedy."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.alerts.services import Service
from tests.unit.settings.test_spot_settings import COMMENTED, section

from leverd.adapters.evm import keystore
from leverd.adapters.sql_journal import Heartbeat, SqlJournal, copier
from leverd.adapters.sql_journal.server import Server
from leverd.adapters.system_clock import SystemClock
from leverd.adapters.token_file import TokenFile
from leverd.bootstrap import spot_preflight
from leverd.bootstrap.checks import Status
from leverd.cli import doctor, doctor_api, doctor_beside, doctor_systemd
from leverd.domain.events import AlertRaised
from leverd.settings import Key, Password
from leverd.settings.alerts import AlertsSection
from leverd.settings.models import ApiSection, JournalSection
from leverd.settings.predictions import PredictionsSection


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def said(tmp_path):
    """Return a way to make the parts of settings that a check reads."""

    def make(**given):
        parts = {
            "api": ApiSection(port=free_port()),
            "journal": JournalSection(path=str(tmp_path / "journal.db")),
            "key": Key(keystore="k", password=Password(file="p")),
            "alerts": None, "predictions": None, "spot": None,
            "engine": SimpleNamespace(heartbeat_url=None),
        }  # fmt: skip
        return SimpleNamespace(**{**parts, **given})

    return make


def by_code(checks, code):
    found = [each for each in checks if each.code == code]
    assert found, [each.code for each in checks]
    for each in found:
        assert each.place
        assert each.remedy or each.status is not Status.BAD
    return found[0]


# --- the API ---------------------------------------------------------------------------------


class Listener:
    """A program that has a port: it answers like the API, like another, or not at all."""

    def __init__(self, body: bytes | None) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._socket = None
        if body is None:
            self._socket = socket.create_server(("127.0.0.1", 0))
            self.port = self._socket.getsockname()[1]
            return
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        else:
            self._server.shutdown()
            self._server.server_close()


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"pong": true}', Status.GOOD),
        (b"<html>hello</html>", Status.BAD),
        (b"[1]", Status.BAD),
        (None, Status.NOTE),
    ],
)
def test_a_port_that_is_taken_is_ours_or_anothers_or_silent(said, body, status, monkeypatch):
    monkeypatch.setattr(doctor_api, "_PATIENCE_S", 20.0 if body else 0.5)
    listener = Listener(body)
    try:
        checks = list(doctor_api.examined(said(api=ApiSection(port=listener.port))))
    finally:
        listener.close()
    assert by_code(checks, "api-port").status is status


@pytest.mark.sockets
def test_a_free_port_and_a_loopback_address_are_good(said):
    checks = list(doctor_api.examined(said()))
    assert by_code(checks, "api-port").status is Status.GOOD
    assert by_code(checks, "api").status is Status.GOOD
    assert by_code(checks, "api-tokens").status is Status.NOTE


@pytest.mark.sockets
def test_an_address_of_another_machine_is_bad(said):
    api = ApiSection(address="192.0.2.1", port=free_port())
    found = doctor_api._free(api, "192.0.2.1:1")
    assert (found.code, found.status) == ("api-port", Status.BAD)


@pytest.mark.sockets
def test_an_address_that_others_reach_needs_a_certificate(said):
    checks = list(doctor_api.examined(said(api=ApiSection(address="0.0.0.0", port=free_port()))))
    found = by_code(checks, "LVD-API-020")
    assert found.status is Status.BAD
    assert found.place == "api.address"


@pytest.mark.sockets
def test_tokens_that_others_may_read_raise_their_own_code(owner):
    file = owner.folder / "tokens.json"
    TokenFile(file).change(lambda _: [{"id": "a", "scopes": ["read"]}])
    owner.edit("# tokens: FILE", f"tokens: {file} #")
    good = next(each for each in owner("doctor", "--json").data if each["code"] == "api-tokens")
    assert (good["status"], good["place"]) == ("good", str(file))
    file.chmod(0o644)
    found = next(each for each in owner("doctor", "--json").data if each["code"] == "LVD-KEY-020")
    assert (found["status"], found["place"]) == ("bad", str(file))
    assert "chmod 600" in found["remedy"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return a certificate and its private key."""
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "private.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-subj", "/CN=leverd", "-days", "2", "-out", str(files[0]),
               "-keyout", str(files[1])]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    files[1].chmod(0o600)
    return files


def test_a_certificate_is_loaded_with_its_private_key(pair, tmp_path):
    section = ApiSection(certificate=str(pair[0]), certificate_private=str(pair[1]))
    (good,) = doctor_api._certificate(section)
    assert good.status is Status.GOOD
    open_ = tmp_path / "open.pem"
    open_.write_bytes(pair[1].read_bytes())
    open_.chmod(0o644)
    found = list(doctor_api._certificate(section.model_copy(
        update={"certificate_private": str(open_)})))  # fmt: skip
    assert found[0].status is Status.BAD
    assert "chmod 600" in found[0].remedy
    for other in (tmp_path / "none.pem", tmp_path / "wrong.pem"):
        (tmp_path / "wrong.pem").write_text("no PEM")
        wrong = section.model_copy(update={"certificate": str(other)})
        (bad,) = doctor_api._certificate(wrong)
        assert (bad.status, bad.place) == (Status.BAD, str(other))
    (alone,) = doctor_api._certificate(ApiSection(certificate_private=str(pair[1])))
    assert alone.status is Status.BAD
    assert list(doctor_api._certificate(ApiSection())) == []


def test_a_key_that_systemd_handed_to_us_is_looked_at(said, tmp_path, monkeypatch):
    monkeypatch.setattr(keystore, "HANDED", tmp_path)
    file = tmp_path / "leverd.service" / "keystore"
    settings = said(mode="live", key=Key(keystore=str(file), password=Password(file=str(file))))
    assert {each.status for each in doctor._key(settings)} == {Status.NOTE}
    file.parent.mkdir()
    file.touch(0o400)
    assert {each.status for each in doctor._key(settings)} == {Status.GOOD}
    file.chmod(0o444)
    assert {each.status for each in doctor._key(settings)} == {Status.BAD}


# --- systemd ---------------------------------------------------------------------------------

GOOD = {
    "LoadState": "loaded", "UnitFileState": "enabled", "ActiveState": "active", "Type": "notify",
    "WatchdogUSec": "5min",
}  # fmt: skip


def system(unit, clock="NTPSynchronized=yes", loaded=()):
    """Return a system that answers as systemctl, busctl and timedatectl of systemd 252 do."""
    shown = {**unit, "LoadCredential": "[unprintable]", "LoadCredentialEncrypted": "[unprintable]"}
    lists = ([list(each) for each in loaded], [])
    answers = {
        "systemctl": "\n".join(f"{name}={value}" for name, value in shown.items()),
        "busctl": "\n".join(json.dumps({"type": "a(ss)", "data": each}) for each in lists),
        "timedatectl": clock,
    }
    return lambda command: answers[command[0]]


def test_a_unit_as_it_should_be_is_good_all_over(said, tmp_path):
    file = tmp_path / "operator.password"
    file.touch(0o600)
    ask = system(GOOD, loaded=[("password", str(file))])
    key = Key(keystore="k", password=Password(credential="password"))
    checks = list(doctor_systemd.examined(said(key=key), ask))
    assert {each.status for each in checks} == {Status.GOOD}
    assert [each.code for each in checks] == [
        "systemd", "systemd-watchdog", "systemd-credential", "clock-sync",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "code", "status"),
    [
        ({"LoadState": "not-found"}, "systemd", Status.NOTE),
        ({}, "systemd", Status.NOTE),
        ({**GOOD, "UnitFileState": "disabled"}, "systemd", Status.BAD),
        ({**GOOD, "WatchdogUSec": "infinity"}, "systemd-watchdog", Status.BAD),
        ({**GOOD, "WatchdogUSec": "0"}, "systemd-watchdog", Status.BAD),
        ({**GOOD, "Type": "simple"}, "systemd-watchdog", Status.BAD),
    ],
)
def test_what_a_unit_lacks_is_said(said, unit, code, status):
    checks = list(doctor_systemd.examined(said(), system(unit)))
    assert by_code(checks, code).status is status


def test_a_credential_whose_file_is_not_there_is_bad(said):
    ask = system(GOOD, loaded=[("word", "/nowhere/word")])
    checks = list(doctor_systemd.examined(said(), ask))
    assert by_code(checks, "systemd-credential").status is Status.BAD


@pytest.mark.parametrize("answer", ["", "no bus", "7", '{"type": "a(ss)"}'])
def test_a_bus_that_does_not_tell_credentials_is_no_fault_of_the_unit(said, answer):
    key = Key(keystore="k", password=Password(credential="password"))
    whole = system(GOOD)

    def ask(command):
        return answer if command[0] == "busctl" else whole(command)

    found = by_code(list(doctor_systemd.examined(said(key=key), ask)), "systemd-credential")
    assert (found.status, "not known" in found.message) == (Status.NOTE, True)


def test_a_credential_that_the_unit_does_not_load_or_others_read_is_bad(said, tmp_path):
    file = tmp_path / "word"
    file.touch(0o644)
    file.chmod(0o644)
    key = Key(keystore="/run/credentials/leverd.service/keystore",
              password=Password(credential="word"))  # fmt: skip
    alerts = AlertsSection(to={"credential": "urls"})
    ask = system(GOOD, loaded=[("word", str(file))])
    checks = list(doctor_systemd.examined(said(key=key, alerts=alerts), ask))
    found = [each.message for each in checks if each.code == "systemd-credential"]
    assert len(found) == 3
    assert all(each.status is Status.BAD for each in checks if "credential" in each.code)
    assert ["keystore" in found[0], "urls" in found[1], "others may read" in found[2]] == [True] * 3


@pytest.mark.parametrize(
    ("clock", "status"),
    [("NTPSynchronized=no", Status.NOTE), ("", Status.NOTE), ("NTPSynchronized=yes", Status.GOOD)],
)
def test_whether_anything_keeps_the_clock_is_said(said, clock, status):
    checks = list(doctor_systemd.examined(said(), system(GOOD, clock)))
    (found,) = [each for each in checks if each.code == "clock-sync"]
    assert found.status is status


def test_without_systemd_it_is_said_plainly(said, tmp_path, monkeypatch):
    monkeypatch.setattr(doctor_systemd, "_BOOTED", tmp_path / "nowhere")
    (found,) = doctor_systemd.examined(said())
    assert found.status is Status.NOTE
    assert "systemd does not run here" in found.message


def test_a_real_program_is_asked_where_systemd_runs(said, tmp_path, monkeypatch):
    for name, text in (("systemctl", "LoadState=not-found"), ("timedatectl", "no answer")):
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\necho {text}\n")
        file.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(doctor_systemd, "_BOOTED", tmp_path)
    found = list(doctor_systemd.examined(said()))
    assert [each.status for each in found] == [Status.NOTE, Status.NOTE]
    monkeypatch.setenv("PATH", "/nowhere")
    assert doctor_systemd._run(["systemctl", "show"]) == ""


def test_the_shipped_unit_is_one_the_doctor_is_content_with(said):
    text = (Path(__file__).parents[3] / "deploy" / "leverd.service").read_text()
    said_there = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert said_there["Type"] == "notify"
    assert int(said_there["WatchdogSec"]) > 0


# --- beside the daemon -----------------------------------------------------------------------


def test_alerts_are_parsed_and_nobody_is_told_anything(said, tmp_path):
    service = Service()
    try:
        urls = tmp_path / "urls"
        urls.write_text(service.url)
        urls.chmod(0o600)
        (found,) = doctor_beside.alerts(said(alerts=AlertsSection(to={"file": str(urls)})))
    finally:
        service.close()
    assert (found.status, service.asked) == (Status.GOOD, 0)
    (nobody,) = doctor_beside.alerts(said())
    assert nobody.status is Status.NOTE
    (handed,) = doctor_beside.alerts(said(alerts=AlertsSection(to={"credential": "urls"})))
    assert handed.status is Status.NOTE


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (None, Status.NOTE),
        ("https://hc.example.com/uuid-that-is-secret", Status.GOOD),
        ("http://127.0.0.1:9/uuid-that-is-secret", Status.GOOD),
        ("http://hc.example.com/uuid-that-is-secret", Status.BAD),
    ],
)
def test_a_dead_mans_switch_is_judged_and_not_asked(said, url, status):
    (found,) = doctor_beside.heartbeat(said(engine=SimpleNamespace(heartbeat_url=url)))
    assert found.status is status
    assert "uuid-that-is-secret" not in str(found)


@pytest.mark.sockets
def test_a_copy_tells_how_far_it_lags(said, tmp_path, cluster, monkeypatch):
    url, path = cluster.database(), tmp_path / "journal.db"
    journal = SqlJournal(path, SystemClock())
    journal.append_now(AlertRaised("", "LVD-REC-001", "a test"))
    settings = said(journal=JournalSection(path=str(path), copy_to=url))
    shipping = copier.Copier(path, Server(url))
    shipping.ship()
    shipping.close()
    (even,) = doctor_beside.copy(settings)
    assert even.status is Status.GOOD
    assert "lags" not in even.message
    journal.append_now(AlertRaised("", "LVD-REC-001", "another"))
    (near,) = doctor_beside.copy(settings)
    assert (near.status, "lags by 1:" in near.message) == (Status.GOOD, True)
    monkeypatch.setattr(doctor_beside, "_LAG_MAX", 0)
    (far,) = doctor_beside.copy(settings)
    assert (far.status, bool(far.remedy)) == (Status.BAD, True)
    journal.close()
    lost = said(journal=JournalSection(path=str(tmp_path / "lost.db"), copy_to=url))
    (ahead,) = doctor_beside.copy(lost)
    assert ahead.status is Status.BAD
    assert "db restore copy" in ahead.remedy


def test_a_server_that_is_away_and_a_password_that_is_not_ours_are_told_apart(owner, said):
    url = "postgresql://me@127.0.0.1:9/it"
    owner.edit("copy_to:         ", f"copy_to: {url} #")
    found = next(each for each in owner("doctor", "--json").data if each["code"] == "LVD-NET-050")
    assert (found["status"], found["place"]) == ("bad", "journal.copy_to")
    handed = JournalSection(path="x", copy_to=url, copy_password=Password(credential="word"))
    (note,) = doctor_beside.copy(said(journal=handed))
    assert note.status is Status.NOTE


def test_models_are_loaded_and_what_is_not_there_is_said(said, tmp_path):
    common = {"subject": "WETH", "quantity": "volatility", "horizon_h": 24}
    section = PredictionsSection.model_validate({"predictors": {
        "plain": {"kind": "simple", **common},
        "new": {"kind": "model", "retrains": True, **common},
        "lost": {"kind": "model", "file": str(tmp_path / "none"), **common},
    }})  # fmt: skip
    found = {each.place.rsplit(".", 1)[1]: each
             for each in doctor_beside.models(said(predictions=section))}  # fmt: skip
    assert [found[name].status for name in ("plain", "new", "lost")] == [
        Status.GOOD, Status.GOOD, Status.BAD,
    ]  # fmt: skip
    assert found["lost"].code.startswith("LVD-PRD-")
    assert found["lost"].remedy
    assert list(doctor_beside.models(said())) == []


def test_a_clock_that_was_set_back_is_seen(said, tmp_path):
    heartbeat, clock = Heartbeat(tmp_path / "journal.db"), SystemClock()
    assert list(doctor_beside.clock(said())) == []
    heartbeat.beat(clock.now())
    (good,) = doctor_beside.clock(said())
    assert good.status is Status.GOOD
    heartbeat.beat(clock.now() + timedelta(days=2))
    (bad,) = doctor_beside.clock(said())
    assert (bad.status, bad.remedy) == (Status.BAD, "set it (NTP)")


def test_every_finding_has_its_fields_and_no_place_is_left_out_of_the_table(owner):
    found = owner("doctor", "--json").data
    assert {frozenset(each) for each in found} == {
        frozenset({"code", "status", "message", "place", "remedy"})
    }
    codes = {each["code"] for each in found}
    assert {"journal-write", "alerts", "heartbeat", "api", "api-port", "systemd"} <= codes
    assert "where" in owner("doctor").out
    assert json.dumps(found)


def test_what_spot_is_traded_by_is_looked_at_too(owner, monkeypatch):
    owner.edit(COMMENTED, section())
    monkeypatch.setitem(sys.modules, "leverd.adapters.injective.signer", None)
    found = next(each for each in owner("doctor", "--json").data if each["code"] == "LVD-OWN-135")
    assert (found["status"], found["place"]) == ("bad", "spot")
    assert found["remedy"] == "pip install 'leverd[injective]'"


def test_where_no_spot_is_traded_nothing_is_said_of_it(owner):
    assert not any("spot" in each["code"] for each in owner("doctor", "--json").data)
    assert list(spot_preflight.checks(SimpleNamespace(spot=None))) == []
