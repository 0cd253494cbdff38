"""Secrets in AWS Secrets Manager: real boto3 over HTTP, to a manager on loopback."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest
from tests.unit.secrets.manager import ENV, REGION, Refusing, managed

from leverd.adapters.secrets import AwsSecret
from leverd.errors import LeverdError, SecretError, UnreachableError

pytestmark = pytest.mark.sockets

WORD = "Nachtigall-42-im-Garten"


@pytest.fixture(scope="module")
def manager():
    with managed() as url:
        yield url


@pytest.fixture(autouse=True)
def _asker(monkeypatch):
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)


def store(url: str, name: str, **value) -> None:
    import boto3  # noqa: PLC0415 -- heavy

    client = boto3.client("secretsmanager", endpoint_url=url, region_name=REGION)
    client.create_secret(Name=name, **value)
    client.close()


def refused(kind: type[LeverdError], secret: AwsSecret) -> LeverdError:
    with pytest.raises(kind) as caught:
        secret.get()
    error = caught.value
    assert WORD not in f"{error!r} {error} {error.__cause__}"
    assert error.place == f"AWS secret {secret.id}"
    assert error.remedy
    return error


def test_a_secret_is_had_by_its_name(manager):
    store(manager, "leverd/password", SecretString=f"{WORD}\n")
    assert AwsSecret("leverd/password", endpoint=manager).get().reveal() == WORD


def test_one_field_of_a_secret_that_is_json(manager):
    text = json.dumps({"password": WORD, "number": 5})
    store(manager, "leverd/json", SecretString=text)
    assert AwsSecret("leverd/json", field="password", endpoint=manager).get().reveal() == WORD
    for field in ("passwort", "number"):
        error = refused(SecretError, AwsSecret("leverd/json", field=field, endpoint=manager))
        assert error.code == "LVD-KEY-044"
        assert field in error.message
    store(manager, "leverd/plain", SecretString=WORD)
    refused(SecretError, AwsSecret("leverd/plain", field="password", endpoint=manager))


def test_a_newer_version_is_what_is_had(manager):
    import boto3  # noqa: PLC0415 -- heavy

    store(manager, "leverd/rotated", SecretString="the old one, " + WORD)
    client = boto3.client("secretsmanager", endpoint_url=manager, region_name=REGION)
    client.put_secret_value(SecretId="leverd/rotated", SecretString=WORD)
    client.close()
    assert AwsSecret("leverd/rotated", endpoint=manager).get().reveal() == WORD


def test_the_endpoint_may_come_from_the_environment_too(manager, monkeypatch):
    store(manager, "leverd/by-environment", SecretString=WORD)
    monkeypatch.setenv("AWS_ENDPOINT_URL", manager)
    assert AwsSecret("leverd/by-environment").get().reveal() == WORD


def test_a_region_of_another_name_has_other_secrets(manager):
    store(manager, "leverd/here", SecretString=WORD)
    there = AwsSecret("leverd/here", region="us-east-1", endpoint=manager)
    assert refused(SecretError, there).code == "LVD-KEY-041"
    assert AwsSecret("leverd/here", region=REGION, endpoint=manager).get().reveal() == WORD


def test_none_of_that_name_an_empty_one_and_a_binary_one_are_told_apart(manager):
    assert refused(SecretError, AwsSecret("none", endpoint=manager)).code == "LVD-KEY-041"
    store(manager, "binary", SecretBinary=WORD.encode())
    assert refused(SecretError, AwsSecret("binary", endpoint=manager)).code == "LVD-KEY-044"
    store(manager, "newline", SecretString="\n")
    assert refused(SecretError, AwsSecret("newline", endpoint=manager)).code == "LVD-KEY-003"


def test_without_anybody_to_ask_as_it_is_said(manager, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    error = refused(SecretError, AwsSecret("leverd/password", endpoint=manager))
    assert error.code == "LVD-KEY-043"
    assert "NoCredentials" in error.message


def test_without_a_region_it_is_said(monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert refused(SecretError, AwsSecret("any")).code == "LVD-KEY-043"


@pytest.mark.parametrize(
    ("status", "code", "kind", "number"),
    [
        (400, "AccessDeniedException", SecretError, "LVD-KEY-042"),
        (400, "UnrecognizedClientException", SecretError, "LVD-KEY-042"),
        (400, "InvalidRequestException", SecretError, "LVD-KEY-046"),
        (500, "InternalServiceError", UnreachableError, "LVD-NET-061"),
        (400, "ThrottlingException", UnreachableError, "LVD-NET-061"),
    ],
)
def test_each_refusal_is_told_by_its_kind_and_never_in_its_own_words(status, code, kind, number):
    server = Refusing(status, code, f"you said {WORD}")
    try:
        error = refused(kind, AwsSecret("leverd/password", endpoint=server.url))
    finally:
        server.close()
    assert error.code == number
    assert code in error.message


def test_one_that_never_answers_is_waited_for_no_longer_than_the_deadline():
    server = Refusing(200, "", hangs=True)
    try:
        secret = AwsSecret("leverd/password", endpoint=server.url, deadline_s=2.0)
        assert refused(UnreachableError, secret).code == "LVD-NET-061"
    finally:
        server.close()


def test_one_that_nobody_answers_for_is_unreachable():
    secret = AwsSecret("leverd/password", endpoint="http://127.0.0.1:9")
    assert refused(UnreachableError, secret).code == "LVD-NET-061"


@pytest.mark.parametrize("where", ["settings", "environment"])
def test_an_endpoint_elsewhere_in_the_clear_is_not_asked(monkeypatch, where):
    url = "http://secrets.invalid:9"
    if where == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    error = refused(SecretError, AwsSecret("any", endpoint=url if where == "settings" else ""))
    assert error.code == "LVD-KEY-045"


def test_its_libraries_log_no_answer_at_any_level(manager, caplog):
    store(manager, "leverd/logged", SecretString=WORD)
    with caplog.at_level(logging.DEBUG):
        assert AwsSecret("leverd/logged", endpoint=manager).get().reveal() == WORD
    assert WORD not in caplog.text


def test_without_boto3_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)
    error = refused(SecretError, AwsSecret("any"))
    assert error.code == "LVD-KEY-040"
    assert "leverd[aws]" in error.remedy


def test_boto3_is_imported_only_when_one_is_asked_for():
    code = (
        "import sys, leverd.bootstrap.daemon, leverd.cli.main\n"
        "print(sorted(each for each in sys.modules if each.startswith('boto')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
