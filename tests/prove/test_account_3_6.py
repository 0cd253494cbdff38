"""The account contract on Aave 3.6: the same flows, to true zero, with the market's own health."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.account_contract import signatures as sign
from tests.account_contract import test_one_transaction as flows
from tests.account_contract import test_owner_exit as leaving
from tests.account_contract import test_single_steps as steps
from tests.account_contract.conftest import code, levered, terms, vault
from tests.account_contract.vault import ALL, EQUITY
from tests.chain import LocalMarket
from tests.prove.account36 import deploy
from tests.prove.market36 import BUILD

from leverd.devnet.node import Node, NodeOptions

__all__ = ["code", "levered", "terms", "vault"]

pytestmark = [pytest.mark.prove, pytest.mark.chain]

GENESIS = 1_700_000_000


@pytest.fixture(scope="module")
def market36() -> Iterator[LocalMarket]:
    if not BUILD.exists():
        pytest.skip("the sources are fetched and compiled by `make prove`")
    node = Node.start(NodeOptions(genesis_at=GENESIS))
    yield deploy(node)
    node.stop()


@pytest.fixture
def local(market36: LocalMarket) -> Iterator[LocalMarket]:
    snapshot = market36.node.rpc.ask("evm_snapshot")
    market36.chain.forget()
    yield market36
    assert market36.node.rpc.ask("evm_revert", snapshot)
    market36.node.rpc.ask("anvil_setTime", market36.now())
    market36.chain.forget()


test_opening = flows.test_opens_to_three_times_with_what_is_idle
test_boosting = flows.test_boosts_what_is_already_open
test_lowering = flows.test_lowering_repays_with_all_it_bought
test_lowering_with_idle_money = flows.test_lowering_uses_idle_debt_asset_too
test_lowering_too_far = flows.test_lowering_by_more_than_the_debt_clears_it_and_keeps_the_rest
test_closing = flows.test_closes_to_true_zero
test_closing_without_debt = flows.test_closing_without_debt_only_withdraws
test_reopening = flows.test_reopens_after_closing
test_health = flows.test_health_is_reckoned_as_the_market_does
test_paying_out = leaving.test_an_open_position_pays_out_as_far_as_health_allows
test_paying_out_all = leaving.test_everything_posted_goes_to_the_owner_once_nothing_is_owed
test_levering_in_rounds = steps.test_levers_up_in_rounds
test_unwinding_in_rounds = steps.test_unwinds_in_rounds_to_true_zero
test_single_steps = steps.test_each_step_says_what_it_did
test_repaying = steps.test_repaying_is_capped_at_the_debt


def test_receipt_tokens_from_a_stranger_do_not_keep_an_account_from_opening(vault):
    """Since 3.6 a receipt token that arrives by transfer is no collateral, nor is what follows."""
    local, giver = vault.local, vault.local.deployment.roles.lender
    receipt = vault.local.chain.read_address(
        local.deployment.pool, "getReserveAToken(address)->(address)", vault.terms.collateral
    )
    local.chain.send(giver, receipt, "transfer(address,uint256)", vault.address, 10**15)
    local.chain.mine()
    assert vault.health > 10**30
    vault.raise_by(60_000 * 10**6)
    vault.close()
    assert vault.posted() == 0


def test_nor_from_opening_in_rounds(vault):
    local, giver = vault.local, vault.local.deployment.roles.lender
    receipt = vault.local.chain.read_address(
        local.deployment.pool, "getReserveAToken(address)->(address)", vault.terms.collateral
    )
    local.chain.send(giver, receipt, "transfer(address,uint256)", vault.address, 1)
    local.chain.mine()
    vault.act(sign.SUPPLY, ALL)
    vault.act(sign.BORROW, 20_000 * 10**6, 0)
    assert vault.posted() > EQUITY - 2
