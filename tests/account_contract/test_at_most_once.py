"""Each call carries a deadline and the next sequence number, so it acts at most once."""

from __future__ import annotations

import pytest
from tests.account_contract import signatures as sign
from tests.account_contract.test_roles import operator_calls
from tests.account_contract.vault import ALL, ETHER, fund, mined, open_account

from leverd.errors import RevertedError

pytestmark = pytest.mark.chain


def test_any_other_sequence_number_is_refused(levered):
    now, deadline = levered.stamp()
    for signature, args in operator_calls(levered):
        for wrong in (now - 1, now + 1, 0, 2**32 - 1, 2**256 - 1):
            answer = levered.why_not(signature, *args, wrong, deadline)
            assert "wrong sequence" in answer, signature


def test_a_past_deadline_is_refused_and_the_last_second_is_not(levered):
    now = levered.local.now()
    for signature, args in operator_calls(levered):
        answer = levered.why_not(signature, *args, levered.sequence, now - 1)
        assert "too late" in answer, signature
    last = (levered.swap_pool, ALL, 0, levered.sequence, now)
    assert levered.why_not(sign.CLOSE, *last) == ""


def test_the_same_bytes_act_once(levered):
    words = (*levered.adjusting(ETHER), *levered.stamp())
    levered.call(sign.LOWER, *words)
    before = levered.debt()
    assert "wrong sequence" in levered.why_not(sign.LOWER, *words)
    with pytest.raises(RevertedError, match="wrong sequence"):
        levered.call(sign.LOWER, *words)
    assert levered.debt() >= before


def test_two_daemons_with_one_picture_act_once(levered):
    local, stamp = levered.local, levered.stamp()
    first = (levered.operator, levered.address, sign.LOWER, *levered.adjusting(ETHER), *stamp)
    second = (levered.owner, levered.address, sign.LOWER, *levered.adjusting(2 * ETHER), *stamp)
    local.chain.send(*first[:3], *first[3:])
    local.chain.send(*second[:3], *second[3:])
    hashes = local.chain.hand_over()
    local.chain._sent.clear()
    local.node.rpc.ask("evm_mine")
    receipts = [local.node.rpc.ask("eth_getTransactionReceipt", each) for each in hashes]
    assert sorted(int(receipt["status"], 16) for receipt in receipts) == [0, 1]


def test_a_failed_call_uses_no_number(levered):
    before = levered.sequence
    with pytest.raises(RevertedError, match="bought too little"):
        levered.lower_by(ETHER, buy_min=2**255)
    assert levered.sequence == before
    levered.lower_by(ETHER)


def test_the_owners_single_calls_use_numbers_too(levered):
    before = levered.sequence
    levered.lower_by(ETHER, by=levered.owner)
    assert levered.sequence == before + 1


def test_the_owners_own_calls_use_none(levered):
    before = levered.sequence
    levered.own(sign.WITHDRAW_TO_OWNER, 1)
    levered.own(sign.SET_BOUNDS, levered.terms.words)
    levered.own(sign.SET_OPERATOR, levered.operator)
    assert levered.sequence == before


def test_when_the_numbers_run_out_the_owner_still_gets_out(levered):
    local, last = levered.local, 2**32 - 1
    slot = "0x2"  # after owner and pending owner
    seat = int(local.node.rpc.ask("eth_getStorageAt", levered.address, slot, "latest"), 16)
    worn = seat % 2**160 | last << 160 | seat >> 192 << 192
    local.node.rpc.ask("anvil_setStorageAt", levered.address, slot, f"0x{worn:064x}")
    local.mine()
    assert levered.sequence == last
    assert "sequence ran out" in levered.refusal(sign.CLOSE, levered.swap_pool, ALL, 0)
    levered.own(sign.WITHDRAW_TO_OWNER, ETHER)
    assert levered.read("operator()->(address)") == levered.operator.lower()


def test_a_number_that_acted_on_one_account_says_nothing_to_another(levered, local, code, terms):
    other = open_account(local, code, terms, salt=b"\6" * 32)
    fund(local, other.address, ETHER)
    assert (levered.sequence, other.sequence) == (1, 0)
    mined(local, other.operator, other.address, sign.SUPPLY, ALL, *other.stamp())
    assert (levered.sequence, other.sequence) == (1, 1)
