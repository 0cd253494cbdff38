"""Keys are kept encrypted, open only to their owner, and never show in an error."""

from __future__ import annotations

import json
import stat
import traceback

import pytest
from eth_account import Account

from leverd.adapters.evm import keystore
from leverd.errors import SecretError
from leverd.interfaces.secrets import Secret

KEY = "0x" + "ab" * 32
ADDRESS = Account.from_key(KEY).address


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Derive with a few rounds: the real strength takes a second each."""
    strong = Account.encrypt
    monkeypatch.setattr(Account, "encrypt", lambda key, word: strong(key, word, iterations=2))


def test_a_stored_key_comes_back_with_its_password(tmp_path):
    path = tmp_path / "keys" / "one.json"
    assert keystore.store(path, Secret(KEY), Secret("word")) == ADDRESS
    assert keystore.unlock(path, Secret("word")).address == ADDRESS
    assert keystore.address_in(path) == ADDRESS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "abab" not in path.read_text()


def test_new_keys_differ(tmp_path):
    made = {keystore.create(tmp_path / f"{i}.json", Secret("word")) for i in range(3)}
    assert len(made) == 3


def refusal(act) -> SecretError:
    with pytest.raises(SecretError) as refused:
        act()
    shown = "".join(traceback.format_exception_only(refused.value))
    assert "abab" not in shown
    assert "secret word" not in shown
    assert refused.value.remedy or refused.value.number == 13
    return refused.value


def test_a_wrong_password_is_named(tmp_path):
    path = tmp_path / "one.json"
    keystore.store(path, Secret(KEY), Secret("word"))
    assert refusal(lambda: keystore.unlock(path, Secret("secret word"))).code == "LVD-KEY-013"


def test_what_systemd_hands_over_keeps_the_mode_that_it_gives(tmp_path, monkeypatch):
    path = tmp_path / "leverd.service" / "keystore"
    keystore.store(path, Secret(KEY), Secret("word"))
    path.chmod(0o440)  # an access list for the service's user shows as the group's bits
    assert refusal(lambda: keystore.unlock(path, Secret("word"))).remedy.startswith("chmod 600")
    monkeypatch.setattr(keystore, "HANDED", tmp_path)
    assert keystore.unlock(path, Secret("word")).address == ADDRESS


def test_nothing_is_ever_overwritten(tmp_path):
    path = tmp_path / "one.json"
    keystore.store(path, Secret(KEY), Secret("word"))
    before = path.read_bytes()
    assert refusal(lambda: keystore.create(path, Secret("word"))).code == "LVD-KEY-014"
    assert path.read_bytes() == before


def test_a_keystore_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "one.json"
    keystore.store(path, Secret(KEY), Secret("word"))
    path.chmod(0o640)
    assert refusal(lambda: keystore.unlock(path, Secret("word"))).code == "LVD-KEY-015"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"crypto": 5}', '{"version": 3, "crypto": {"kdf": "none"}}']
)
def test_what_is_no_keystore_is_said_to_be_none(tmp_path, text):
    path = tmp_path / "one.json"
    path.write_text(text)
    path.chmod(0o600)
    assert refusal(lambda: keystore.unlock(path, Secret("word"))).code == "LVD-KEY-012"


def test_a_keystore_whose_ciphertext_was_changed_does_not_open(tmp_path):
    path = tmp_path / "one.json"
    keystore.store(path, Secret(KEY), Secret("word"))
    found = json.loads(path.read_text())
    found["crypto"]["ciphertext"] = "00" * 32
    path.write_text(json.dumps(found))
    assert refusal(lambda: keystore.unlock(path, Secret("word"))).code == "LVD-KEY-013"


def test_a_missing_keystore_says_how_to_make_one(tmp_path):
    found = refusal(lambda: keystore.unlock(tmp_path / "none.json", Secret("word")))
    assert found.code == "LVD-KEY-011"
    assert "keys new" in found.remedy


@pytest.mark.parametrize("text", ["", "0x", "abab", KEY + "ab", "0x" + "zz" * 32, "00" * 32])
def test_what_is_no_private_key_is_refused_without_quoting_it(text):
    assert refusal(lambda: keystore.account_of(Secret(text))).code == "LVD-KEY-010"


@pytest.mark.parametrize("text", [KEY, KEY[2:], f" {KEY}\n"])
def test_a_private_key_is_read_as_people_write_it(text):
    assert keystore.account_of(Secret(text)).address == ADDRESS
