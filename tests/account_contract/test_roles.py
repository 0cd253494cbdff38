"""Who may do what: the owner everything, the operator its calls, everybody else nothing."""

from __future__ import annotations

import pytest
from tests.account_contract import signatures as sign
from tests.account_contract.vault import ALL, DOLLAR, NOBODY, open_account, refused

pytestmark = pytest.mark.chain


def operator_calls(vault):
    pool = vault.swap_pool
    return [
        (sign.RAISE, (pool, 1_000 * DOLLAR, 0, 0, 0)),
        (sign.LOWER, (pool, 10**17, 0, 0, 0)),
        (sign.CLOSE, (pool, ALL, 0)),
        (sign.SUPPLY, (ALL,)),
        (sign.WITHDRAW, (10**17, 0, 0)),
        (sign.BORROW, (DOLLAR, 0)),
        (sign.REPAY, (ALL,)),
        (sign.SWAP, (pool, True, 10**17, 0)),
        (sign.SWAP_EXACT, (pool, True, DOLLAR, ALL)),
        (sign.SET_EMODE, (0,)),
    ]


def owner_calls(vault):
    return [
        (sign.PAY_OWNER, (vault.terms.collateral, ALL)),
        (sign.WITHDRAW_TO_OWNER, (1,)),
        (sign.EXECUTE, (vault.terms.collateral, 0, b"")),
        (sign.SET_BOUNDS, (vault.terms.words,)),
        (sign.SET_OPERATOR, (vault.stranger,)),
        (sign.OFFER, (vault.stranger,)),
    ]


def test_a_stranger_can_call_nothing(levered):
    for signature, args in operator_calls(levered):
        assert "not allowed" in levered.refusal(signature, *args, by=levered.stranger), signature
    for signature, args in owner_calls(levered):
        assert "not the owner" in levered.why_not(signature, *args, by=levered.stranger), signature
    assert "not offered" in levered.why_not(sign.TAKE, by=levered.stranger)
    assert "not our swap" in levered.why_not(sign.CALLBACK, 1, -1, b"", by=levered.stranger)
    everything = (levered.stranger, levered.stranger, levered.terms.words)
    assert "initialized" in levered.why_not(sign.INITIALIZE, *everything, by=levered.stranger)


def test_the_operator_can_call_nothing_of_the_owners(levered):
    for signature, args in owner_calls(levered):
        assert "not the owner" in levered.why_not(signature, *args), signature
    assert "not offered" in levered.why_not(sign.TAKE)
    assert "not our swap" in levered.why_not(sign.CALLBACK, 1, -1, b"")


def test_operator_and_owner_may_call_what_is_theirs(levered):
    levered.act(sign.WITHDRAW, 10**18, 0, 0)
    levered.act(sign.BORROW, 100 * DOLLAR, 0)
    for who in (levered.operator, levered.owner):
        for signature, args in operator_calls(levered):
            if signature != sign.CLOSE:
                assert levered.refusal(signature, *args, by=who) == "", signature
        assert levered.refusal(sign.CLOSE, levered.swap_pool, ALL, 0, by=who) == ""
    for signature, args in owner_calls(levered):
        assert levered.why_not(signature, *args, by=levered.owner) == "", signature


def test_no_other_function_exists(levered):
    names = ("upgradeTo(address)", "multicall(bytes[])", "transferOwnership(address)", "sweep()")
    for signature in names:
        args = {"upgradeTo(address)": [NOBODY], "multicall(bytes[])": [[]], "sweep()": []}
        words = args.get(signature, [NOBODY])
        assert levered.why_not(signature, *words, by=levered.owner) != ""


def test_one_transaction_revokes_the_operator_and_another_names_one(levered):
    levered.own(sign.SET_OPERATOR, NOBODY)
    for signature, args in operator_calls(levered):
        assert "not allowed" in levered.refusal(signature, *args), signature
    assert levered.read("operator()->(address)") == NOBODY
    levered.own(sign.SET_OPERATOR, levered.stranger)
    assert levered.refusal(sign.CLOSE, levered.swap_pool, ALL, 0, by=levered.stranger) == ""
    assert "not allowed" in levered.refusal(sign.CLOSE, levered.swap_pool, ALL, 0)


def test_revoking_changes_nothing_else(levered):
    shown = "bounds()->((address,address,address[],uint256,uint256,uint256,uint256,uint8))"
    bounds, sequence = levered.read(shown), levered.sequence
    levered.own(sign.SET_OPERATOR, NOBODY)
    assert levered.read(shown) == bounds
    assert levered.sequence == sequence


def test_ownership_moves_in_two_steps(vault):
    vault.own(sign.OFFER, vault.stranger)
    assert vault.read("owner()->(address)") == vault.owner.lower()
    assert "not offered" in vault.why_not(sign.TAKE, by=vault.operator)
    vault.call(sign.TAKE, by=vault.stranger)
    assert vault.read("owner()->(address)") == vault.stranger.lower()
    assert "not the owner" in vault.why_not(sign.SET_OPERATOR, NOBODY, by=vault.owner)
    assert vault.why_not(sign.SET_OPERATOR, NOBODY, by=vault.stranger) == ""
    assert "not offered" in vault.why_not(sign.TAKE, by=vault.stranger)


def test_an_offer_can_be_taken_back(vault):
    vault.own(sign.OFFER, vault.stranger)
    vault.own(sign.OFFER, NOBODY)
    assert "not offered" in vault.why_not(sign.TAKE, by=vault.stranger)
    assert "not offered" in vault.why_not(sign.TAKE, by=NOBODY)


def test_the_implementation_is_nobodys_and_cannot_be_set_up(vault):
    place, local = vault.code.implementation, vault.local
    words = (vault.owner, vault.operator, vault.terms.words)
    assert "initialized" in refused(local, vault.owner, place, sign.INITIALIZE, *words)
    assert "not the owner" in refused(local, vault.owner, place, sign.SET_OPERATOR, vault.owner)
    stamp = (0, local.now() + 60)
    assert refused(local, vault.owner, place, sign.SUPPLY, ALL, *stamp) != ""
    assert local.chain.read(place, "owner()->(address)") == place.lower()


def test_a_clone_is_set_up_once_in_the_transaction_that_makes_it(local, code, terms, vault):
    words = (vault.owner, vault.operator, terms.words)
    for who in (vault.owner, vault.operator, vault.stranger, code.factory):
        assert "initialized" in vault.why_not(sign.INITIALIZE, *words, by=who)


def test_an_address_commits_to_owner_operator_bounds_and_salt(local, code, terms, vault):
    place = f"{sign.CREATE}->(address)"
    salt = b"\2" * 32
    ours = (vault.owner, vault.operator, terms.words, salt)
    expected = local.chain.read(code.factory, place, *ours, sender=vault.owner)
    by_another = local.chain.read(code.factory, place, *ours, sender=vault.stranger)
    assert by_another == expected
    theirs = (vault.stranger, vault.operator, terms.words, salt)
    assert local.chain.read(code.factory, place, *theirs, sender=vault.stranger) != expected
    assert refused(local, vault.stranger, code.factory, sign.CREATE, *ours[:3], b"\1" * 32) != ""


def test_an_account_without_an_owner_cannot_be_made(local, code, terms, vault):
    words = (NOBODY, vault.operator, terms.words, b"\3" * 32)
    assert "no owner" in refused(local, vault.stranger, code.factory, sign.CREATE, *words)


def test_an_account_starts_with_what_it_was_given(local, code, terms):
    made = open_account(local, code, terms, salt=b"\4" * 32)
    assert made.read("owner()->(address)") == made.owner.lower()
    assert made.read("operator()->(address)") == made.operator.lower()
    assert made.read("pending_owner()->(address)") == NOBODY
    assert made.sequence == 0
    assert made.lost == 0
    shown = "bounds()->((address,address,address[],uint256,uint256,uint256,uint256,uint8))"
    collateral, debt, pools, *numbers = made.read(shown)
    assert (collateral, debt) == (terms.collateral.lower(), terms.debt.lower())
    assert pools == tuple(pool.lower() for pool in terms.swap_pools)
    assert tuple(numbers) == terms.words[3:]
    pinned = made.read("lending()->(address,uint256)")
    revision = local.chain.read(local.deployment.pool, "POOL_REVISION()->(uint256)")
    assert pinned == (local.deployment.pool.lower(), revision)
