"""A pool that the owner allowed and that turns out to be a thief, and callers from inside."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.account_contract import hostile
from tests.account_contract import signatures as sign
from tests.account_contract.vault import ALL, DOLLAR, ETHER, fund

from leverd.devnet import abi

pytestmark = pytest.mark.chain

SCHEME = "scheme(uint256,uint256,uint256,address,bytes)"
CALL = "call(address,bytes)"


@pytest.fixture
def trapped(levered):
    """A levered account whose owner was talked into allowing a hostile pool."""
    local = levered.local
    tokens = sorted((local.token("WETH"), local.token("USDC")), key=lambda one: int(one, 16))
    pool = hostile.deploy(local, "HostilePool", "(address,address)", *tokens)
    fund(local, pool, 100 * ETHER)
    fund(local, pool, 300_000 * DOLLAR, "USDC")
    terms = replace(levered.terms, swap_pools=(levered.swap_pool, pool))
    levered.own(sign.SET_BOUNDS, terms.words)
    return replace(levered, terms=terms)


def plot(vault, *, deliver=0, ask=0, callbacks=1, intrusion=b""):
    """Tell the hostile pool what to do in its next swap."""
    pool = vault.terms.swap_pools[1]
    words = (deliver, ask, callbacks, vault.address, intrusion)
    hostile.tell(vault.local, pool, SCHEME, *words)
    return pool


def test_an_honest_pool_of_another_make_may_be_used(trapped):
    pool = plot(trapped, deliver=1_000 * DOLLAR * 3, ask=ETHER)
    trapped.act(sign.LOWER, pool, ETHER, 2_999 * DOLLAR, 0, 0)
    assert trapped.debt() == pytest.approx(57_000 * DOLLAR, rel=1e-5)


def test_a_pool_that_delivers_less_than_it_says_is_found_out(trapped):
    pool = plot(trapped, deliver=2_000 * DOLLAR, ask=ETHER)
    minimum = (pool, ETHER, 2_999 * DOLLAR, 0, 0)
    assert "bought too little" in trapped.refusal(sign.LOWER, *minimum)
    assert "loss too large" in trapped.refusal(sign.LOWER, pool, ETHER, 0, 0, 0)
    pool = plot(trapped, deliver=9 * ETHER // 10, ask=3_000 * DOLLAR)
    assert "loss too large" in trapped.refusal(sign.RAISE, pool, 3_000 * DOLLAR, 0, 0, 0)


def test_a_pool_cannot_take_more_than_was_sold(trapped):
    pool = plot(trapped, deliver=3_000 * DOLLAR, ask=ETHER + 1)
    assert "sold too much" in trapped.refusal(sign.LOWER, pool, ETHER, 0, 0, 0)
    assert "sold too much" in trapped.refusal(sign.CLOSE, pool, ETHER, 0)
    pool = plot(trapped, deliver=ETHER, ask=3_000 * DOLLAR + 1)
    assert "sold too much" in trapped.refusal(sign.RAISE, pool, 3_000 * DOLLAR, 0, 0, 0)
    fund(trapped.local, trapped.address, 2 * ETHER)
    pool = plot(trapped, deliver=3_000 * DOLLAR, ask=ETHER + 1)
    assert "sold too much" in trapped.refusal(sign.SWAP, pool, True, ETHER, 0)
    assert "sold too much" in trapped.refusal(sign.SWAP_EXACT, pool, True, 3_000 * DOLLAR, ETHER)


def test_a_pool_that_takes_only_a_part_has_not_sold_it(trapped):
    fund(trapped.local, trapped.address, 2 * ETHER)
    pool = plot(trapped, deliver=1_500 * DOLLAR, ask=ETHER // 2)
    assert "sold too little" in trapped.refusal(sign.SWAP, pool, True, ETHER, 0)
    assert trapped.refusal(sign.SWAP, pool, True, ETHER // 2, 0) == ""


def test_a_pool_is_paid_once_a_swap(trapped):
    pool = plot(trapped, deliver=3_000 * DOLLAR, ask=ETHER, callbacks=2)
    assert "not our swap" in trapped.refusal(sign.LOWER, pool, ETHER, 0, 0, 0)


def test_a_pool_that_asks_for_nothing_has_not_swapped(trapped):
    pool = plot(trapped, deliver=3_000 * DOLLAR, callbacks=0)
    assert "swap not paid" in trapped.refusal(sign.LOWER, pool, ETHER, 0, 0, 0)


def test_closing_through_a_pool_that_underpays_does_not_spend_idle_money(trapped):
    fund(trapped.local, trapped.address, 70_000 * DOLLAR, "USDC")
    pool = plot(trapped, deliver=1, ask=ETHER)
    assert "bought too little" in trapped.refusal(sign.CLOSE, pool, 2 * ETHER, 0)
    assert trapped.refusal(sign.CLOSE, trapped.swap_pool, ALL, 0) == ""


def test_nobody_gets_in_while_a_swap_runs(trapped):
    """The pool is also made operator and owner, so that only the lock stands in its way."""
    local, address = trapped.local, trapped.address
    pool = trapped.terms.swap_pools[1]
    fund(local, address, ETHER)
    trapped.own(sign.SET_OPERATOR, pool)
    trapped.own(sign.OFFER, pool)
    take = abi.encode_call(sign.TAKE)
    hostile.tell(local, pool, CALL, address, take)
    hostile.tell(local, pool, CALL, address, abi.encode_call(sign.OFFER, pool))
    later = (trapped.sequence + 1, 2**64)
    for inside in (
        abi.encode_call(sign.SUPPLY, ALL, *later),
        abi.encode_call(sign.CLOSE, trapped.swap_pool, ALL, 0, *later),
        abi.encode_call(sign.BORROW, 1_000 * DOLLAR, 0, *later),
        abi.encode_call(sign.PAY_OWNER, trapped.terms.collateral, ALL),
        abi.encode_call(sign.WITHDRAW_TO_OWNER, 1),
        abi.encode_call(sign.EXECUTE, trapped.terms.collateral, 0, b""),
        abi.encode_call(sign.SET_BOUNDS, trapped.terms.words),
        abi.encode_call(sign.SET_OPERATOR, trapped.stranger),
        abi.encode_call(sign.OFFER, trapped.stranger),
        take,
    ):
        plot(trapped, deliver=3_000 * DOLLAR, ask=ETHER, intrusion=inside)
        snapshot = local.node.rpc.ask("evm_snapshot")
        outside = abi.encode_call(sign.LOWER, pool, ETHER, 0, 0, 0, trapped.sequence, 2**64)
        hostile.tell(local, pool, CALL, address, outside)
        assert local.chain.read(pool, "intruded()->(bool)") is False
        local.node.rpc.ask("evm_revert", snapshot)
        local.chain.forget()
    # and outside of a swap the same calls are its to make
    hostile.tell(local, pool, CALL, address, abi.encode_call(sign.WITHDRAW_TO_OWNER, 1))


def test_the_callback_cannot_be_called_from_inside_by_another(trapped):
    callback = abi.encode_call(sign.CALLBACK, ETHER, -1, b"")
    second = hostile.deploy(
        trapped.local, "HostilePool", "(address,address)", trapped.stranger, trapped.stranger
    )
    relay = abi.encode_call(CALL, trapped.address, callback)
    pool = trapped.terms.swap_pools[1]
    words = (3_000 * DOLLAR, ETHER, 1, second, relay)
    hostile.tell(trapped.local, pool, SCHEME, *words)
    trapped.act(sign.LOWER, pool, ETHER, 0, 0, 0)
    assert trapped.local.chain.read(pool, "intruded()->(bool)") is False


def test_a_pool_can_call_back_only_within_a_call_we_began(trapped):
    pool, local = trapped.terms.swap_pools[1], trapped.local
    for who in (trapped.swap_pool, pool):
        local.node.rpc.ask("anvil_impersonateAccount", who)
        assert "not our swap" in trapped.why_not(sign.CALLBACK, ETHER, -1, b"", by=who)
    # nor through somebody else's swap on the honest pool, with us as its recipient
    swap = "swap(address,bool,int256,uint160,bytes)"
    words = (trapped.address, True, ETHER, 4295128740, b"")
    assert trapped.local.chain is local.chain
    execute = abi.encode_call(swap, *words)
    answer = trapped.why_not(sign.EXECUTE, trapped.swap_pool, 0, execute, by=trapped.owner)
    assert "not our swap" in answer


def test_a_hostile_token_gets_nowhere_when_swept(trapped):
    local = trapped.local
    token = hostile.deploy(local, "HostileToken")
    inside = abi.encode_call(sign.PAY_OWNER, trapped.terms.collateral, ALL)
    hostile.tell(local, token, "scheme(address,uint256,address,bytes)", *(
        trapped.address, 5, trapped.address, inside,
    ))  # fmt: skip
    trapped.own(sign.PAY_OWNER, token, ALL)
    assert local.chain.read(token, "tried()->(bool)") is True
    assert local.chain.read(token, "intruded()->(bool)") is False
    assert local.chain.read(token, "balanceOf(address)->(uint256)", trapped.owner) == 5


def test_an_owner_that_is_a_contract_cannot_come_back_in_while_it_is_paid(trapped):
    local = trapped.local
    owner = hostile.deploy(local, "HostileToken")
    inside = abi.encode_call(sign.WITHDRAW_TO_OWNER, ETHER)
    hostile.tell(local, owner, "scheme(address,uint256,address,bytes)", *(
        owner, 0, trapped.address, inside,
    ))  # fmt: skip
    trapped.own(sign.OFFER, owner)
    hostile.tell(local, owner, CALL, trapped.address, abi.encode_call(sign.TAKE))
    local.node.rpc.ask("anvil_setBalance", trapped.address, hex(3 * ETHER))
    posted = trapped.posted()
    pay = abi.encode_call(sign.PAY_OWNER, "0x" + "00" * 20, ALL)
    hostile.tell(local, owner, CALL, trapped.address, pay)
    assert local.chain.read(owner, "tried()->(bool)") is True
    assert local.chain.read(owner, "intruded()->(bool)") is False
    assert trapped.posted() >= posted
    assert int(local.node.rpc.ask("eth_getBalance", owner, "latest"), 16) == 3 * ETHER
