"""Secrets by name: found where they should be, refused where others could read them."""

from __future__ import annotations

import pickle

import pytest

from leverd.adapters.secrets import CredentialSecrets, EnvironmentSecrets, FileSecrets
from leverd.errors import SecretError


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "password"
    file.write_text(" hunter2 \n")
    file.chmod(0o600)
    return file


def test_a_file_gives_its_text_without_the_line_end(secret_file):
    assert FileSecrets().get(str(secret_file)).reveal() == " hunter2 "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o777])
def test_a_file_others_may_touch_is_refused_with_the_remedy(secret_file, mode):
    secret_file.chmod(mode)
    with pytest.raises(SecretError, match="chmod 600") as raised:
        FileSecrets().get(str(secret_file))
    assert "hunter2" not in str(raised.value)
    secret_file.chmod(0o400)
    assert FileSecrets().get(str(secret_file)).reveal() == " hunter2 "


def test_a_missing_empty_or_binary_file_is_named(tmp_path):
    with pytest.raises(SecretError, match="no secret here"):
        FileSecrets().get(str(tmp_path / "none"))
    (tmp_path / "empty").touch(0o600)
    with pytest.raises(SecretError, match="empty"):
        FileSecrets().get(str(tmp_path / "empty"))
    folder = tmp_path / "folder"
    folder.mkdir(0o700)
    with pytest.raises(SecretError, match="cannot be read"):
        FileSecrets().get(str(folder))
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfesecret")
    binary.chmod(0o600)
    with pytest.raises(SecretError, match="not text") as raised:
        FileSecrets().get(str(binary))
    assert raised.value.__cause__ is None
    assert "secret" not in str(raised.value).replace("the secret cannot", "")


def test_the_environment_gives_a_variable_and_names_a_missing_one():
    secrets = EnvironmentSecrets({"LEVERD_PASSWORD": "hunter2\n", "EMPTY": ""})
    assert secrets.get("LEVERD_PASSWORD").reveal() == "hunter2"
    for name in ("EMPTY", "NONE"):
        with pytest.raises(SecretError, match=name):
            secrets.get(name)


def test_a_credential_comes_from_systemds_folder_whatever_its_mode(secret_file):
    secret_file.chmod(0o440)  # as systemd may hand it over
    secrets = CredentialSecrets({"CREDENTIALS_DIRECTORY": str(secret_file.parent)})
    assert secrets.get("password").reveal() == " hunter2 "
    with pytest.raises(SecretError, match="no secret here"):
        secrets.get("other")


@pytest.mark.parametrize("name", ["../password", "a/b", "/etc/passwd", ".."])
def test_a_credential_is_a_name_not_a_path(secret_file, name):
    folder = secret_file.parent / "credentials"
    folder.mkdir()
    with pytest.raises(SecretError):
        CredentialSecrets({"CREDENTIALS_DIRECTORY": str(folder)}).get(name)


def test_without_systemd_a_credential_is_refused_with_the_right_way():
    with pytest.raises(SecretError, match="LoadCredentialEncrypted=leverd-key"):
        CredentialSecrets({}).get("leverd-key")


def test_a_secret_cannot_be_printed_formatted_or_pickled(secret_file):
    secret = FileSecrets().get(str(secret_file))
    for text in (str(secret), repr(secret), f"{secret}", f"{secret:>20}", f"{[secret]}"):
        assert "hunter2" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
