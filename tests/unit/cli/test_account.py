"""`leverd account`: what people type, whose key it is, and what is refused before any socket."""

from __future__ import annotations

import pytest
from tests.worlds import USDC, WETH

from leverd.bootstrap.agents import find_agents
from leverd.cli import typed
from leverd.cli.purse import Purse, wallet_of
from leverd.errors import OwnerError, SecretError
from leverd.settings import load_settings

ADDRESS = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
KEY = "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"


def test_an_address_is_taken_in_any_case_that_holds_its_checksum():
    for text in (ADDRESS, ADDRESS.lower(), "0x" + ADDRESS[2:].upper()):
        assert typed.address(text, "here") == ADDRESS


@pytest.mark.parametrize(
    "text", ["", "0x12", ADDRESS[2:], ADDRESS + "0", ADDRESS.replace("9", "g"), ADDRESS[:-1] + "c"]
)
def test_what_is_no_address_or_mistyped_is_refused(text):
    with pytest.raises(OwnerError) as caught:
        typed.address(text, "--owner")
    assert caught.value.place == "--owner"


@pytest.mark.parametrize(
    ("text", "raw"), [("1.5", 1_500_000), ("1_000", 10**9), ("0.000001", 1), ("1e3", 10**9)]
)
def test_amounts_are_exact(text, raw):
    assert typed.amount(text, USDC).raw == raw


@pytest.mark.parametrize("text", ["0", "-1", "NaN", "Infinity", "1,5", "0.0000001", ""])
def test_what_is_no_amount_of_the_token_is_refused(text):
    with pytest.raises(OwnerError):
        typed.amount(text, USDC)


def test_all_is_an_amount_only_where_there_is_something_to_take_it_from():
    assert typed.amount("all", WETH) is None
    with pytest.raises(OwnerError):
        typed.some("all", WETH)


def test_tokens_are_found_in_any_case_and_the_nearest_is_named():
    assert typed.token("weth", [WETH, USDC]) == WETH
    with pytest.raises(OwnerError) as caught:
        typed.token("USDT", [WETH, USDC])
    assert "USDC" in caught.value.remedy


def settings_of(owner):
    return load_settings([owner.settings], {}, find_agents())


def test_two_keys_are_one_too_many(owner):
    settings = settings_of(owner)
    for purse in (
        Purse(keystore=owner.settings, environment="OWNER"),
        Purse(environment="OWNER", by_operator=True),
    ):
        with pytest.raises(OwnerError):
            wallet_of(purse, settings, "")


def test_a_key_in_the_environment_is_taken_from_there_and_never_shown(owner, monkeypatch):
    monkeypatch.setenv("OWNER_KEY", KEY)
    wallet = wallet_of(Purse(environment="OWNER_KEY"), settings_of(owner), "")
    assert wallet.address == ADDRESS
    assert KEY not in repr(wallet)
    monkeypatch.setenv("OWNER_KEY", "nonsense")
    with pytest.raises(SecretError) as caught:
        wallet_of(Purse(environment="OWNER_KEY"), settings_of(owner), "")
    assert "nonsense" not in str(caught.value)


def test_a_password_is_asked_of_nobody_where_nobody_is(owner, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(SecretError) as caught:
        wallet_of(Purse(keystore=owner.settings), settings_of(owner), "")
    assert "--owner-password-file" in caught.value.remedy


def test_to_print_takes_no_key_at_all(owner):
    wallet = wallet_of(Purse(only_print=True), settings_of(owner), ADDRESS)
    assert (wallet.address, wallet.key) == (ADDRESS, None)


def test_off_a_devnet_a_key_must_be_named(owner):
    settings = settings_of(owner)
    elsewhere = settings.model_copy(
        update={"chain": settings.chain.model_copy(update={"devnet": None})}
    )
    with pytest.raises(OwnerError) as caught:
        wallet_of(Purse(operator_may=True), elsewhere, "")
    assert "--owner-keystore" in caught.value.remedy
    assert "--by-operator" in caught.value.remedy


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("deploy",),
        ("adopt", ADDRESS),
        ("deposit", "1", "WETH"),
        ("withdraw", "all", "WETH"),
        ("sweep",),
        ("revoke",),
        ("appoint", ADDRESS),
        ("bounds",),
    ],
    ids=lambda each: each[0],
)
def test_without_a_devnet_every_command_says_how_to_get_one(owner, arguments):
    answer = owner("account", *arguments)
    assert answer.code == 3
    assert "leverd devnet up" in answer.err


def test_a_key_is_never_an_argument(owner):
    answer = owner("account", "appoint", KEY)
    assert answer.code == 2
    assert KEY not in answer.err + answer.out
