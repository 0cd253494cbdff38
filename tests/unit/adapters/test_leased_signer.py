"""Who may not have the lease any more signs nothing that could happen twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from tests import worlds

from leverd.adapters.evm import account_calls, codes
from leverd.adapters.evm.allow_list import AllowList
from leverd.adapters.evm.leased_signer import LeasedSigner, is_fenced
from leverd.domain.fixed_point import UINT256_MAX
from leverd.domain.money import Amount
from leverd.engine.rounds import put_to_use
from leverd.errors import RefusedError, SigningRefusedError
from leverd.interfaces.lease import Unheld
from leverd.interfaces.signer import UnsignedTransaction

ACCOUNT, POOL = "0x" + "1" * 40, "0x" + "2" * 40
KEY = Account.from_key("0x" + "ab" * 32)
WORD = st.integers(0, UINT256_MAX)

RAISE = account_calls.RAISE.encode(POOL, 1, 1, 10**18, 0, 7, 9)
LOWER = account_calls.LOWER.encode(POOL, 1, 1, 10**18, 0, 7, 9)
LOWER_BELOW = account_calls.LOWER.encode(POOL, 1, 1, 10**18, 12 * 10**17, 7, 9)
CLOSE = account_calls.CLOSE.encode(POOL, 1, 0, 7, 9)
CLOSE_BELOW = account_calls.CLOSE.encode(POOL, 1, 12 * 10**17, 7, 9)
REPAY = account_calls.REPAY.encode(1, 7, 9)
SUPPLY = account_calls.SUPPLY.encode(1, 7, 9)
BORROW = account_calls.BORROW.encode(1, 10**18, 7, 9)
WITHDRAW_BELOW = account_calls.WITHDRAW.encode(1, 10**18, 12 * 10**17, 7, 9)

SWAP = account_calls.SWAP.encode(POOL, True, 1, 1, 7, 9)
EMODE = account_calls.SET_EMODE.encode(1, 7, 9)

FREE = [RAISE, LOWER, CLOSE, BORROW, WITHDRAW_BELOW, SWAP, EMODE]
FENCED = [LOWER_BELOW, CLOSE_BELOW, REPAY, SUPPLY]


class Lease:
    """A lease that a test gives and takes."""

    def __init__(self):
        self.held = True

    def holds(self):
        return self.held


@pytest.fixture
def lease():
    return Lease()


@pytest.fixture
def signer(lease):
    allow = AllowList(1, account_calls.rules(ACCOUNT), max_fee=10**11)
    return LeasedSigner(KEY, allow, None, lease)


def asked(data, to=ACCOUNT):
    return UnsignedTransaction(1, 7, to, data, 0, 300_000, 10**10, 10**9)


@pytest.mark.parametrize("data", [*FREE, *FENCED])
def test_the_holder_signs_and_sends_what_its_list_covers(signer, data):
    signed = signer.sign(asked(data))
    assert Account.recover_transaction(signed.payload) == KEY.address
    signer.check_sending(signed.payload)


@pytest.mark.parametrize("data", FREE)
def test_without_the_lease_nothing_is_signed_that_needs_it(signer, lease, data):
    lease.held = False
    with pytest.raises(SigningRefusedError) as refused:
        signer.sign(asked(data))
    assert refused.value.number == codes.NO_LEASE


@pytest.mark.parametrize("data", FENCED)
def test_without_the_lease_a_deleverage_that_the_account_fences_is_signed_and_sent(
    signer, lease, data
):
    lease.held = False
    signer.check_sending(signer.sign(asked(data)).payload)


@pytest.mark.parametrize("asset", [worlds.WETH, worlds.USDC], ids=["collateral", "debt"])
def test_a_rescue_that_puts_idle_money_to_use_needs_no_lease(signer, lease, asset):
    """The planner prefers it to a sale, so a guardian alone would be left with nothing."""
    step = put_to_use(worlds.mandate(), Amount(asset, 10**6))
    call = account_calls.encode(None, worlds.mandate(), step, 7, 9)
    lease.held = False
    signer.check_sending(signer.sign(asked(call.data)).payload)


def test_without_the_lease_a_slot_is_not_spent_on_nothing(signer, lease):
    cancel = asked(b"", to=KEY.address)
    signer.sign(cancel)
    lease.held = False
    with pytest.raises(SigningRefusedError):
        signer.sign(cancel)


@pytest.mark.parametrize("data", FREE)
def test_what_was_signed_in_time_is_not_sent_when_the_lease_is_gone(signer, lease, data):
    payload = signer.sign(asked(data)).payload
    lease.held = False  # the process was stopped between the two
    with pytest.raises(RefusedError) as refused:
        signer.check_sending(payload)
    assert refused.value.number == codes.SEND_UNLEASED
    lease.held = True
    signer.check_sending(payload)


def test_the_list_covers_no_more_than_without_a_lease(signer):
    with pytest.raises(SigningRefusedError) as refused:
        signer.sign(replace(asked(LOWER_BELOW), to=POOL))
    assert refused.value.number == codes.OTHER_TARGET


def test_who_was_never_given_the_lease_does_not_hold_it():
    assert not Unheld().holds()


@pytest.mark.parametrize("payload", [b"", b"\1\2\3", b"\xf8"])
def test_what_is_no_payload_of_ours_is_not_sent_without_the_lease(signer, lease, payload):
    lease.held = False
    with pytest.raises(RefusedError):
        signer.check_sending(payload)


@given(words=st.tuples(WORD, WORD, WORD, WORD, WORD, WORD))
def test_a_deleverage_is_fenced_if_and_only_if_it_says_below_what_health(words):
    sell, bought, least, below, sequence, deadline = words
    lower = account_calls.LOWER.encode(POOL, sell, bought, least, below, sequence, deadline)
    close = account_calls.CLOSE.encode(POOL, sell, below, sequence, deadline)
    assert is_fenced(lower) == is_fenced(close) == (below > 0)


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_judged_and_a_call_cut_short_is_not_fenced(data):
    known = (account_calls.LOWER.selector, account_calls.CLOSE.selector)
    assert is_fenced(data) in {True, False}
    for selector, argument in zip(known, (4, 2), strict=True):
        if len(data) < 32 * (argument + 1):
            assert not is_fenced(selector + data)
