"""In any state the owner gets whatever health and liquidity allow, with nobody's help."""

from __future__ import annotations

import pytest
from tests.account_contract import hostile
from tests.account_contract import signatures as sign
from tests.account_contract.test_bounds import pool_follows
from tests.account_contract.test_changed_market import move, upgrade
from tests.account_contract.vault import ALL, DOLLAR, ETHER, NOBODY, fund, mined

from leverd.devnet import abi
from leverd.errors import RevertedError

pytestmark = pytest.mark.chain

LIQUIDATE = "liquidationCall(address,address,address,uint256,bool)"
BORROW = "borrow(address,uint256,uint256,uint16,address)"


def leave(vault):
    """Close and take everything, as an owner does who has lost trust in the daemon."""
    local, owner = vault.local, vault.owner
    before = local.balance("WETH", owner)
    vault.own(sign.SET_OPERATOR, NOBODY)
    if vault.posted() > 0:
        vault.close(by=owner)
    for symbol in ("WETH", "USDC", "wstETH"):
        vault.own(sign.PAY_OWNER, local.token(symbol), ALL)
        assert vault.idle(symbol) == 0
    assert (vault.debt(), vault.posted()) == (0, 0)
    return local.balance("WETH", owner) - before


def liquidate(vault):
    """Have the price fall and a liquidator take its half."""
    local, roles = vault.local, vault.local.deployment.roles
    local.post_price("WETH", 2_350)
    pool_follows(vault, 2_350)
    assert vault.health < 10**18
    words = (vault.terms.collateral, vault.terms.debt, vault.address, ALL, False)
    before = vault.debt()
    mined(local, roles.liquidator, local.deployment.pool, LIQUIDATE, *words)
    assert 0 < vault.debt() < before


def nothing(vault):
    """Leave the market as it is."""


def test_an_account_that_never_opened_gives_everything_back(vault):
    assert leave(vault) == 10 * ETHER


@pytest.mark.parametrize("happening", [nothing, upgrade, move])
def test_an_open_position_is_closed_and_swept(levered, happening):
    happening(levered)
    assert leave(levered) == pytest.approx(99 * ETHER // 10, rel=1e-2)


def test_what_a_liquidation_left_is_closed_and_swept(levered):
    liquidate(levered)
    collateral, debt, *_ = levered.local.account_data(levered.address)
    worth = (collateral - debt) * ETHER // (2_350 * 10**8)
    assert leave(levered) == pytest.approx(worth, rel=1e-2)


def test_an_open_position_pays_out_as_far_as_health_allows(levered):
    assert levered.why_not(sign.WITHDRAW_TO_OWNER, 7 * ETHER, by=levered.owner) != ""
    before = levered.local.balance("WETH", levered.owner)
    levered.own(sign.WITHDRAW_TO_OWNER, 5 * ETHER)  # below the operator's floors, above 1
    assert levered.local.balance("WETH", levered.owner) - before == 5 * ETHER
    assert 10**18 < levered.health < levered.terms.health_min


def test_everything_posted_goes_to_the_owner_once_nothing_is_owed(vault):
    vault.act(sign.SUPPLY, ALL)
    posted, before = vault.posted(), vault.local.balance("WETH", vault.owner)
    vault.own(sign.WITHDRAW_TO_OWNER, ALL)
    assert vault.local.balance("WETH", vault.owner) - before >= posted
    assert vault.posted() == 0


def test_idle_money_leaves_an_open_account(levered):
    fund(levered.local, levered.address, 2 * ETHER)
    levered.own(sign.PAY_OWNER, levered.terms.collateral, ETHER)
    assert levered.idle("WETH") == ETHER


@pytest.mark.parametrize(
    "switch", ["setReservePause(address,bool)", "setReserveFreeze(address,bool)"]
)
def test_a_paused_or_frozen_reserve_leaves_the_rest_movable(levered, switch):
    fund(levered.local, levered.address, 2 * ETHER)
    fund(levered.local, levered.address, 9_000 * DOLLAR, "USDC")
    levered.govern(levered.local.deployment.configurator, switch, levered.terms.collateral, True)
    levered.own(sign.PAY_OWNER, levered.terms.collateral, ALL)
    levered.act(sign.REPAY, 4_000 * DOLLAR)  # the debt side still works
    levered.own(sign.PAY_OWNER, levered.terms.debt, ALL)
    assert (levered.idle("WETH"), levered.idle("USDC")) == (0, 0)
    frozen = "Freeze" in switch
    assert (levered.why_not(sign.WITHDRAW_TO_OWNER, ETHER, by=levered.owner) == "") is frozen
    levered.govern(levered.local.deployment.configurator, switch, levered.terms.collateral, False)
    leave(levered)


def test_a_reserve_without_liquidity_pays_what_it_has(levered):
    """Nearly all ether is borrowed by somebody: a full withdrawal fails, a small one does not."""
    local, roles = levered.local, levered.local.deployment.roles
    fund(local, roles.borrower, 1)
    receipt = local.chain.read(
        local.deployment.pool,
        "getReserveData(address)->(" + ",".join(("uint256",) * 8 + ("address",) * 7) + ")",
        levered.terms.collateral,
    )[8]
    available = local.balance("WETH", receipt)
    local.node.rpc.ask("anvil_setBalance", roles.borrower, hex(10**23))
    words = (levered.terms.collateral, available - ETHER, 2, 0, roles.borrower)
    mined(local, roles.borrower, local.deployment.pool, BORROW, *words)
    assert levered.why_not(sign.WITHDRAW_TO_OWNER, 3 * ETHER, by=levered.owner) != ""
    levered.own(sign.WITHDRAW_TO_OWNER, ETHER // 2)
    assert levered.refusal(sign.CLOSE, levered.swap_pool, ALL, 0) != ""


def test_ether_and_foreign_tokens_leave_too(levered):
    local = levered.local
    fund(local, levered.address, 5, "wstETH")
    levered.own(sign.PAY_OWNER, local.token("wstETH"), 3)
    assert levered.idle("wstETH") == 2
    local.node.rpc.ask("anvil_setBalance", levered.address, hex(2 * ETHER))
    before = int(local.node.rpc.ask("eth_getBalance", levered.owner, "latest"), 16)
    levered.own(sign.PAY_OWNER, NOBODY, ALL)
    after = int(local.node.rpc.ask("eth_getBalance", levered.owner, "latest"), 16)
    assert int(local.node.rpc.ask("eth_getBalance", levered.address, "latest"), 16) == 0
    assert 19 * ETHER // 10 < after - before < 2 * ETHER  # less gas


def test_the_owner_can_do_anything_by_hand(levered):
    """A stranger supplied another asset: only `execute` reaches it."""
    local, pool = levered.local, levered.local.deployment.pool
    giver, token = local.deployment.roles.maker, local.token("wstETH")
    mined(local, giver, token, "approve(address,uint256)", pool, ETHER)
    supply = "supply(address,uint256,address,uint16)"
    mined(local, giver, pool, supply, token, ETHER, levered.address, 0)
    withdraw = "withdraw(address,uint256,address)"
    data = abi.encode_call(withdraw, token, ALL, levered.owner)
    before = local.balance("wstETH", levered.owner)
    levered.own(sign.EXECUTE, pool, 0, data)
    assert local.balance("wstETH", levered.owner) - before >= ETHER - 1


def test_executing_returns_the_answer_and_passes_the_reason_on(levered):
    local = levered.local
    data = abi.encode_call("balanceOf(address)", levered.address)
    fund(local, levered.address, 77)
    answer = local.chain.read(
        levered.address, f"{sign.EXECUTE}->(bytes)", levered.terms.collateral, 0, data,
        sender=levered.owner,
    )  # fmt: skip
    assert int.from_bytes(answer, "big") == 77
    bad = abi.encode_call("withdraw(address,uint256,address)", levered.terms.collateral, 0, NOBODY)
    answer = levered.why_not(sign.EXECUTE, local.deployment.pool, 0, bad, by=levered.owner)
    assert "26" in answer  # Aave's own number for an invalid amount


def test_executing_can_send_ether_along(levered):
    local = levered.local
    sink = hostile.deploy(local, "HostileToken")
    levered.own(sign.EXECUTE, sink, ETHER, b"", value=ETHER)
    assert int(local.node.rpc.ask("eth_getBalance", sink, "latest"), 16) == ETHER


def test_an_account_takes_no_ether_by_accident(levered):
    local = levered.local
    sent = {"from": levered.owner, "to": levered.address, "value": hex(ETHER), "gas": hex(100_000)}
    with pytest.raises(RevertedError):
        local.node.rpc.ask("eth_call", sent, "latest")
