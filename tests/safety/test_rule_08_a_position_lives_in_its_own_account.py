"""DESIGN.md, section 4, rule 8: each position lives in its own account contract.

The whole proof is tests/account_contract; here is the rule itself, sentence by sentence.
"""

from __future__ import annotations

import pytest
from contracts.compile import HERE
from tests.account_contract import signatures as sign
from tests.account_contract.conftest import code, levered, local, market, terms, vault
from tests.account_contract.test_changed_market import upgrade
from tests.account_contract.vault import ALL, DOLLAR, EQUITY, ETHER, NOBODY, fund, open_account
from vyper import compile_code

__all__ = ["code", "levered", "local", "market", "terms", "vault"]

pytestmark = pytest.mark.chain


def test_two_positions_never_share_a_health(levered, local, code, terms):
    other = open_account(local, code, terms, salt=b"\x08" * 32)
    fund(local, other.address, EQUITY)
    before = levered.health
    other.raise_by(75_000 * DOLLAR)
    assert other.health < before
    assert levered.health == pytest.approx(before, rel=1e-6)
    other.close()
    assert levered.debt() > 0


def test_both_paths_act_on_one_account(vault):
    vault.act(sign.SUPPLY, ALL)
    vault.act(sign.BORROW, 20_000 * DOLLAR, 0)
    vault.act(sign.SWAP, vault.swap_pool, False, 20_000 * DOLLAR, 0)
    vault.raise_by(30_000 * DOLLAR)
    vault.act(sign.WITHDRAW, ETHER, 0, 0)
    vault.close()
    assert (vault.debt(), vault.posted()) == (0, 0)


def test_money_leaves_only_to_the_owner_and_one_transaction_revokes(levered):
    levered.own(sign.SET_OPERATOR, NOBODY)
    assert "not allowed" in levered.refusal(sign.CLOSE, levered.swap_pool, ALL, 0)
    levered.close(by=levered.owner)
    before = levered.local.balance("WETH", levered.owner)
    idle = levered.idle("WETH")
    levered.own(sign.PAY_OWNER, levered.terms.collateral, ALL)
    assert levered.local.balance("WETH", levered.owner) == before + idle


def test_each_call_acts_at_most_once(levered):
    words = (*levered.adjusting(ETHER), *levered.stamp())
    levered.call(sign.LOWER, *words)
    for who in (levered.operator, levered.owner):
        assert "wrong sequence" in levered.why_not(sign.LOWER, *words, by=who)


def test_a_changed_pool_leaves_close_and_owner_calls(levered):
    upgrade(levered)
    assert "another revision" in levered.refusal(sign.LOWER, *levered.adjusting(ETHER))
    levered.close()
    assert levered.debt() == 0


def test_allowances_end_at_zero(levered):
    levered.lower_by(ETHER)
    levered.close()
    for symbol in ("WETH", "USDC"):
        assert levered.allowance(symbol, levered.local.deployment.pool) == 0


def test_there_is_no_upgrade_and_no_delegate_call(vault):
    rpc = vault.local.node.rpc
    running = rpc.ask("eth_getCode", vault.address, "latest")[2:]
    assert running[20:60] == vault.code.implementation[2:].lower()  # a clone, nothing more
    assert "not the owner" in vault.why_not(sign.EXECUTE, vault.address, 0, b"")
    source = (HERE / "Account.vy").read_text()
    compiled = compile_code(source, output_formats=["asm"])["asm"].split()
    assert "CALL" in compiled
    assert not {"DELEGATECALL", "CALLCODE", "SELFDESTRUCT"} & set(compiled)
