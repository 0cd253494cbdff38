"""What the account does when the market is not the one its owner knew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.account_contract import hostile
from tests.account_contract import signatures as sign
from tests.account_contract.terms import WAD, Terms
from tests.account_contract.test_one_transaction import health_after
from tests.account_contract.vault import ALL, DOLLAR, ETHER, fund, mined, open_account

from leverd.devnet import abi
from leverd.errors import RevertedError

pytestmark = pytest.mark.chain

IMPLEMENTATION = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"  # EIP-1967
SUPPLY = "supply(address,uint256,address,uint16)"


def market_calls(vault):
    pool = vault.swap_pool
    return [
        (sign.RAISE, (pool, 1_000 * DOLLAR, 0, 0, 0)),
        (sign.LOWER, (pool, 10**17, 0, 0, 0)),
        (sign.SUPPLY, (ALL,)),
        (sign.WITHDRAW, (10**17, 0, 0)),
        (sign.BORROW, (DOLLAR, 0)),
        (sign.REPAY, (ALL,)),
        (sign.SET_EMODE, (0,)),
    ]


def upgrade(vault):
    """Put another implementation behind the pool, as governance does."""
    local, pool = vault.local, vault.local.deployment.pool
    before = local.node.rpc.ask("eth_getStorageAt", pool, IMPLEMENTATION, "latest")
    after = hostile.deploy(local, "NextRevision", "(address)", "0x" + before[-40:])
    local.node.rpc.ask("anvil_setStorageAt", pool, IMPLEMENTATION, "0x" + after[2:].rjust(64, "0"))
    local.mine()


def move(vault):
    """Have the provider name another pool."""
    name_pool(vault.local, vault.stranger)


def name_pool(local, pool):
    """Have the provider name `pool`, as governance can."""
    roles, provider = local.deployment.roles, local.deployment.provider
    name = b"POOL".ljust(32, b"\0")
    mined(local, roles.deployer, provider, "setAddress(bytes32,address)", name, pool)


@pytest.mark.parametrize(("change", "reason"), [(upgrade, "another revision"), (move, "another")])
def test_a_changed_pool_leaves_closing_and_the_owner(levered, change, reason):
    change(levered)
    for who in (levered.operator, levered.owner):
        for signature, args in market_calls(levered):
            assert reason in levered.refusal(signature, *args, by=who), signature
    assert levered.why_not(sign.WITHDRAW_TO_OWNER, ETHER, by=levered.owner) == ""
    levered.close()
    assert (levered.debt(), levered.posted()) == (0, 0)
    levered.own(sign.PAY_OWNER, levered.terms.collateral, ALL)
    assert levered.idle("WETH") == 0


def test_the_owner_can_accept_a_new_revision(levered):
    upgrade(levered)
    levered.own(sign.SET_BOUNDS, levered.terms.words)
    assert levered.read("lending()->(address,uint256)")[1] == 99
    for signature, args in market_calls(levered):
        if signature not in (sign.SUPPLY, sign.REPAY):
            assert levered.refusal(signature, *args) == "", signature
    levered.lower_by(ETHER)


# Others act on the account's behalf.


def give_collateral(vault, symbol, raw):
    local, giver = vault.local, vault.local.deployment.roles.maker
    token, pool = local.token(symbol), local.deployment.pool
    mined(local, giver, token, "approve(address,uint256)", pool, raw)
    mined(local, giver, pool, SUPPLY, token, raw, vault.address, 0)


@pytest.mark.parametrize(("symbol", "raw"), [("wstETH", 1), ("wstETH", 5 * ETHER), ("USDC", 1)])
def test_foreign_collateral_blocks_nothing_and_is_counted_as_the_market_counts(
    levered, symbol, raw
):
    give_collateral(levered, symbol, raw)
    expected = health_after(levered, sign.RAISE, 1_000 * DOLLAR)
    with pytest.raises(RevertedError):  # replayed a block earlier the reason is another
        levered.raise_by(1_000 * DOLLAR, health_min=expected + 1)
    expected = health_after(levered, sign.RAISE, 1_000 * DOLLAR)
    levered.raise_by(1_000 * DOLLAR, health_min=expected)
    before = levered.health
    levered.lower_by(ETHER, health_min=before)
    levered.close()
    assert (levered.debt(), levered.posted()) == (0, 0)


def test_foreign_collateral_before_the_first_opening_does_not_prevent_it(vault):
    give_collateral(vault, "wstETH", 1)
    give_collateral(vault, "WETH", 1)
    vault.raise_by(60_000 * DOLLAR)
    assert vault.debt() == 60_000 * DOLLAR


def test_debt_repaid_by_others_is_simply_gone(levered):
    local, giver = levered.local, levered.local.deployment.roles.maker
    usdc, pool = local.token("USDC"), local.deployment.pool
    mined(local, giver, usdc, "approve(address,uint256)", pool, 70_000 * DOLLAR)
    repay = "repay(address,uint256,uint256,address)"
    mined(local, giver, pool, repay, usdc, 70_000 * DOLLAR, 2, levered.address)
    assert levered.debt() == 0
    levered.close()
    assert levered.posted() == 0


def test_a_debt_the_owner_took_elsewhere_is_counted(levered):
    """The owner borrows another asset by hand: our two-asset sum would not see it."""
    local = levered.local
    borrow = abi.encode_call(
        "borrow(address,uint256,uint256,uint16,address)",
        *(local.token("wstETH"), ETHER, 2, 0, levered.address),
    )
    levered.own(sign.EXECUTE, local.deployment.pool, 0, borrow)
    expected = health_after(levered, sign.RAISE, 100 * DOLLAR)
    levered.raise_by(100 * DOLLAR, health_min=expected)
    assert levered.health == expected
    sold_out = levered.adjusting(18_000 * DOLLAR)
    assert "health too low" in levered.refusal(sign.RAISE, *sold_out)


# Efficiency categories: staked ether against ether.


@pytest.fixture
def staked(local, code):
    """An account of wstETH against WETH, allowed into category 1."""
    pool = local.deployment.pools["wsteth-weth-100"].address
    terms = Terms(local.token("wstETH"), local.token("WETH"), (pool,), emode=1)
    terms = replace(terms, health_min=103 * WAD // 100)
    made = open_account(local, code, terms, salt=b"\7" * 32)
    fund(local, made.address, 10 * ETHER, "wstETH")
    return made


def test_a_category_is_entered_and_counted(staked):
    too_much = staked.adjusting(60 * ETHER)
    assert staked.refusal(sign.RAISE, *too_much) != ""
    staked.act(sign.SUPPLY, ALL)
    staked.act(sign.SET_EMODE, 1)
    expected = health_after(staked, sign.RAISE, 60 * ETHER)
    staked.raise_by(60 * ETHER, health_min=expected)
    assert staked.health == expected
    assert staked.health > 103 * WAD // 100
    before = staked.health
    staked.lower_by(10 * ETHER, health_min=before)
    staked.close()
    assert (staked.debt(), staked.posted()) == (0, 0)


def test_only_the_allowed_category_may_be_entered(staked, levered):
    assert "category not allowed" in staked.refusal(sign.SET_EMODE, 2)
    assert "category not allowed" in levered.refusal(sign.SET_EMODE, 1)


def test_leaving_a_category_keeps_to_the_floor(staked):
    staked.act(sign.SUPPLY, ALL)
    staked.act(sign.SET_EMODE, 1)
    staked.raise_by(30 * ETHER)  # 0.81 / 0.72: above 1 without the category, and above the floor
    assert staked.refusal(sign.SET_EMODE, 0) == ""
    strict = replace(staked, terms=replace(staked.terms, health_min=12 * WAD // 10))
    strict.own(sign.SET_BOUNDS, strict.terms.words)
    assert "health too low" in strict.refusal(sign.SET_EMODE, 0)
    assert strict.refusal(sign.SET_EMODE, 1) == ""
