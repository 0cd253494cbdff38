"""Gas of each thing an account does, on the real Aave V3 and Uniswap V3 artifacts.

Run: python -m benchmarks.gas_table
Ten ether at $3,000, every on-chain check in; gas is what the receipt says, after refunds. The
last column is the same call with the access list that the node proposes (EIP-2930).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.account_contract import signatures as sign
from tests.account_contract.terms import Terms
from tests.account_contract.vault import (
    ALL,
    DOLLAR,
    EQUITY,
    ETHER,
    Vault,
    deploy_code,
    fund,
    mined,
    open_account,
)
from tests.chain import OPENING, LocalMarket

from leverd.devnet import abi, artifacts
from leverd.devnet.chain import Chain
from leverd.devnet.market import start

HOUR = 3600
SELL_COLLATERAL, SELL_DEBT = True, False
HEAD = "| flow | transactions | gas | goal | with access list |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    flow: str
    transactions: int
    gas: int
    listed: int | None = None
    goal: int | None = None

    def __str__(self) -> str:
        within = "" if self.goal is None else f"<= {self.goal:,}"
        listed = "" if self.listed is None else f"{self.listed:,}"
        return f"| {self.flow} | {self.transactions} | {self.gas:,} | {within} | {listed} |"


def used(receipt: Any) -> int:
    return int(receipt["gasUsed"], 16)


@contextmanager
def undone(local: LocalMarket) -> Iterator[None]:
    """Set the chain back afterwards."""
    snapshot = local.node.rpc.ask("evm_snapshot")
    yield
    local.node.rpc.ask("evm_revert", snapshot)
    local.node.rpc.ask("anvil_setTime", local.now())
    local.chain.forget()


def with_list(vault: Vault, signature: str, *args: Any) -> int:
    """Return what a call costs when it carries the access list that the node proposes."""
    rpc = vault.local.node.rpc
    data = "0x" + abi.encode_call(signature, *args, *vault.stamp()).hex()
    call = {"from": vault.operator, "to": vault.address, "data": data, "gas": hex(2_000_000)}
    with undone(vault.local):
        proposed = rpc.ask("eth_createAccessList", call, "latest")["accessList"]
        fees = {"maxFeePerGas": hex(10**13), "maxPriorityFeePerGas": "0x1"}
        sent = rpc.ask("eth_sendTransaction", call | fees | {"accessList": proposed})
        rpc.ask("evm_mine")
        return used(rpc.ask("eth_getTransactionReceipt", sent))


def measured(vault: Vault, flow: str, goal: int | None, signature: str, *args: Any) -> Row:
    """Do one call an hour after the last and return its row."""
    vault.local.pass_time(HOUR)
    listed = with_list(vault, signature, *args)
    return Row(flow, 1, used(vault.act(signature, *args)), listed, goal)


def atomic(vault: Vault) -> Iterator[Row]:
    """Yield the one-transaction flows; each starts where the last ended."""
    opening = vault.adjusting(60_000 * DOLLAR)
    closing = (vault.swap_pool, ALL, 0)
    yield measured(vault, "first open to 3x", 500_000, sign.RAISE, *opening)
    yield measured(vault, "close from 3x", 425_000, sign.CLOSE, *closing)
    yield measured(vault, "re-open to 3x", 450_000, sign.RAISE, *opening)
    vault.lower_by(5 * ETHER)
    boost = vault.adjusting(15_000 * DOLLAR)
    yield measured(vault, "boost 2.5x to 3x", 430_000, sign.RAISE, *boost)
    vault.raise_by(15_000 * DOLLAR)
    lower = vault.adjusting(5 * ETHER)
    yield measured(vault, "repay 3.5x to 3x", 450_000, sign.LOWER, *lower)
    guarded = vault.adjusting(ETHER, health_below=2 * ETHER, health_min=ETHER)
    yield measured(vault, "repay 1 ether, only below a health", None, sign.LOWER, *guarded)


def single(vault: Vault) -> Iterator[Row]:
    """Yield the single steps, on an open account."""
    fund(vault.local, vault.address, 2 * ETHER)
    pool = vault.swap_pool
    yield measured(vault, "supply", None, sign.SUPPLY, ETHER)
    yield measured(vault, "borrow", None, sign.BORROW, 1_000 * DOLLAR, 0)
    yield measured(vault, "swap", None, sign.SWAP, pool, SELL_COLLATERAL, ETHER // 2, 0)
    yield measured(vault, "repay", None, sign.REPAY, ALL)
    yield measured(vault, "withdraw", None, sign.WITHDRAW, ETHER, 0, 0)


def sequential(vault: Vault) -> Iterator[Row]:
    """Yield opening to 3x and closing in single steps, rounds of them."""
    spent = [used(vault.act(sign.SUPPLY, ALL))]
    for dollars in (22_000, 17_000, 13_000, 8_000):
        spent += [used(vault.act(sign.BORROW, dollars * DOLLAR, 0))]
        spent += [used(_sell(vault, SELL_DEBT, vault.idle("USDC")))]
        spent += [used(vault.act(sign.SUPPLY, ALL))]
    yield Row("open to 3x in rounds", len(spent), sum(spent))
    spent = []
    while vault.debt() > 0:
        spent += [used(vault.act(sign.WITHDRAW, _free(vault), 0, 0))]
        spent += [used(_sell(vault, SELL_COLLATERAL, vault.idle("WETH")))]
        spent += [used(vault.act(sign.REPAY, ALL))]
    spent += [used(vault.act(sign.WITHDRAW, ALL, 0, 0))]
    yield Row("close from 3x in rounds", len(spent), sum(spent))


def _sell(vault: Vault, what: bool, raw: int) -> Any:  # noqa: FBT001 -- as the contract takes it
    return vault.act(sign.SWAP, vault.swap_pool, what, raw, 0)


def _free(vault: Vault) -> int:
    """Return the collateral above the step floor, but no more than the debt needs."""
    collateral, debt, _, threshold, _, _ = vault.local.account_data(vault.address)
    needed = debt * vault.terms.health_step_min * 10_000 // threshold // 10**18
    free = min((collateral - needed) * 999 // 1_000, debt * 1_002 // 1_000)
    return free * ETHER // (3_000 * 10**8)


def settle_in(local: LocalMarket) -> None:
    """Let others use both reserves and the pool, as they have in any market not minutes old."""
    lender, pool = local.deployment.roles.lender, local.deployment.pool
    for symbol, raw in (("WETH", ETHER), ("USDC", 1_000 * DOLLAR)):
        local.pass_time(HOUR)
        fund(local, lender, raw, symbol)
        words = (local.token(symbol), raw, lender, 0)
        mined(local, lender, pool, "supply(address,uint256,address,uint16)", *words)
        trade(local, symbol, raw)


def plain_feeds(local: LocalMarket) -> None:
    """Give the oracle Aave's own stand-ins, one storage slot each, as in the reference figures."""
    deployment, maker = local.deployment, local.deployment.roles.deployer
    local.node.rpc.ask("anvil_setBalance", maker, hex(100_000 * ETHER))
    code = artifacts.creation(artifacts.AAVE, "mocks/oracle/CLAggregators/MockAggregator")
    assets = [local.token("WETH"), local.token("USDC")]
    feeds = [local.chain.deploy(maker, code, "(int256)", price * 10**8) for price in (3_000, 1)]
    local.chain.mine()
    signature = "setAssetSources(address[],address[])"
    mined(local, maker, deployment.oracle, signature, assets, feeds)


def trade(local: LocalMarket, symbol: str, raw: int) -> None:
    """Have somebody sell `raw` of a token for the other one of the pair."""
    roles, router = local.deployment.roles, local.deployment.router
    other = {"WETH": "USDC", "USDC": "WETH"}[symbol]
    words = (local.token(symbol), local.token(other), 500, roles.arbitrageur, 2**64, raw, 0, 0)
    signature = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
    mined(local, roles.arbitrageur, router, signature, words)


def account(local: LocalMarket, salt: bytes) -> Vault:
    """Return a new account with ten ether."""
    pool = local.deployment.pools["weth-usdc-500"].address
    terms = Terms(local.token("WETH"), local.token("USDC"), (pool,))
    made = open_account(local, deploy_code(local), terms, salt)
    fund(local, made.address, EQUITY)
    return made


def main() -> int:
    node, deployment = start(OPENING)
    try:
        local = LocalMarket(node, deployment, Chain(node.rpc))
        vault, other = account(local, b"\1" * 32), account(local, b"\2" * 32)
        plain_feeds(local)
        settle_in(local)
        sys.stdout.write(f"{HEAD}\n")
        for row in (*atomic(vault), *single(vault), *sequential(other)):
            sys.stdout.write(f"{row}\n")
    finally:
        node.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
