"""One action a transaction: the same account, opened and closed the long way round."""

from __future__ import annotations

import pytest
from tests.account_contract import receipts as say
from tests.account_contract import signatures as sign
from tests.account_contract.test_one_transaction import QUOTE_OUT, assert_no_allowance_left, quote
from tests.account_contract.vault import ALL, DOLLAR, EQUITY, ETHER, fund

pytestmark = pytest.mark.chain


def sell_idle(vault, symbol):
    """Swap all of one idle asset into the other."""
    return vault.act(sign.SWAP, vault.swap_pool, symbol == "WETH", vault.idle(symbol), 0)


def test_levers_up_in_rounds(vault):
    vault.act(sign.SUPPLY, ALL)
    for dollars in (20_000, 14_000, 10_000):
        vault.act(sign.BORROW, dollars * DOLLAR, 0)
        sell_idle(vault, "USDC")
        vault.act(sign.SUPPLY, ALL)
        assert_no_allowance_left(vault)
    assert vault.debt() == pytest.approx(44_000 * DOLLAR, rel=1e-5)
    assert vault.posted() == pytest.approx(EQUITY + 44 * ETHER // 3, rel=1e-2)
    assert (vault.idle("WETH"), vault.idle("USDC")) == (0, 0)


def test_unwinds_in_rounds_to_true_zero(levered):
    for _ in range(40):
        if levered.debt() == 0:
            break
        free = free_collateral(levered)
        levered.act(sign.WITHDRAW, free, 0, 0)
        need = quote(levered, "WETH", "USDC", levered.debt() + DOLLAR, QUOTE_OUT)
        if need <= levered.idle("WETH"):
            owed = levered.debt() + DOLLAR
            levered.act(sign.SWAP_EXACT, levered.swap_pool, True, owed, need)
        else:
            sell_idle(levered, "WETH")
        levered.act(sign.REPAY, ALL)
        assert_no_allowance_left(levered)
    assert levered.debt() == 0
    levered.act(sign.WITHDRAW, ALL, 0, 0)
    assert levered.posted() == 0
    assert levered.idle("USDC") < 2 * DOLLAR


def free_collateral(vault):
    """Return what may be withdrawn down to the owner's step floor, less a hair."""
    collateral, debt, _, threshold, _, _ = vault.local.account_data(vault.address)
    needed = debt * vault.terms.health_step_min * 10_000 // threshold // 10**18
    return (collateral - needed) * 999 // 1_000 * ETHER // (3_000 * 10**8)


def test_each_step_says_what_it_did(vault):
    told = say.acted(vault, vault.act(sign.SUPPLY, 9 * ETHER))
    assert (told.kind, told.amount, told.bought) == (say.SUPPLY, 9 * ETHER, 0)
    told = say.acted(vault, vault.act(sign.BORROW, 6_000 * DOLLAR, 0))
    assert (told.kind, told.amount, told.bought) == (say.BORROW, 6_000 * DOLLAR, 0)
    expected = quote(vault, "USDC", "WETH", 1_000 * DOLLAR)
    told = say.acted(vault, vault.act(sign.SWAP, vault.swap_pool, False, 1_000 * DOLLAR, expected))
    assert (told.kind, told.amount, told.bought) == (say.SWAP, 1_000 * DOLLAR, expected)
    cost = quote(vault, "USDC", "WETH", ETHER, QUOTE_OUT)
    told = say.acted(vault, vault.act(sign.SWAP_EXACT, vault.swap_pool, False, ETHER, cost))
    assert (told.kind, told.amount, told.bought) == (say.SWAP, cost, ETHER)
    told = say.acted(vault, vault.act(sign.REPAY, 500 * DOLLAR))
    assert (told.kind, told.amount, told.bought) == (say.REPAY, 500 * DOLLAR, 0)
    told = say.acted(vault, vault.act(sign.WITHDRAW, ETHER, 0, 0))
    assert (told.kind, told.amount, told.bought) == (say.WITHDRAW, ETHER, 0)
    told = say.acted(vault, vault.act(sign.SET_EMODE, 0))
    assert (told.kind, told.amount, told.bought, told.sequence) == (say.EMODE, 0, 0, 6)


def test_repaying_is_capped_at_the_debt(levered):
    fund(levered.local, levered.address, 100_000 * DOLLAR, "USDC")
    owed = levered.debt()
    levered.act(sign.REPAY, ALL)
    assert levered.debt() == 0
    assert levered.idle("USDC") == pytest.approx(100_000 * DOLLAR - owed, rel=1e-5)
    assert_no_allowance_left(levered)


def test_a_swap_sells_only_what_is_idle(levered):
    fund(levered.local, levered.address, ETHER)
    posted = levered.posted()
    assert levered.refusal(sign.SWAP, levered.swap_pool, True, ETHER + 1, 0) != ""
    levered.act(sign.SWAP, levered.swap_pool, True, ETHER, 0)
    assert levered.posted() >= posted
    cost = quote(levered, "USDC", "WETH", ETHER // 2, QUOTE_OUT)
    short = (levered.swap_pool, False, ETHER // 2, cost - 1)
    assert "sold too much" in levered.refusal(sign.SWAP_EXACT, *short)
    assert levered.refusal(sign.SWAP_EXACT, levered.swap_pool, False, ETHER // 2, cost) == ""


def test_nothing_to_do_is_refused(vault):
    for signature, args in (
        (sign.RAISE, vault.adjusting(0)),
        (sign.LOWER, vault.adjusting(0)),
        (sign.SWAP, (vault.swap_pool, True, 0, 0)),
        (sign.SWAP_EXACT, (vault.swap_pool, True, 0, ALL)),
    ):
        assert "nothing to swap" in vault.refusal(signature, *args), signature
    assert vault.refusal(sign.SUPPLY, 0) != ""
    assert vault.refusal(sign.REPAY, ALL) != ""


def test_numbers_beyond_reason_are_refused(levered):
    for sell in (2**255, 2**256 - 1):
        assert levered.refusal(sign.RAISE, *levered.adjusting(sell)) != ""
        assert levered.refusal(sign.LOWER, *levered.adjusting(sell)) != ""
        assert levered.refusal(sign.SWAP, levered.swap_pool, True, sell, 0) != ""
        assert levered.refusal(sign.SWAP_EXACT, levered.swap_pool, True, sell, ALL) != ""
