"""Gas of each thing an account does, on the real Aave V3 and Uniswap V3 artifacts.

Run: python -m benchmarks.gas_table
Ten ether at $3,000, every on-chain check in; gas is what the receipt says, after refunds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.account_contract.terms import Terms
from tests.account_contract.vault import (
    DOLLAR,
    EQUITY,
    ETHER,
    Vault,
    deploy_code,
    fund,
    mined,
    open_account,
)  # fmt: skip
from tests.chain import OPENING, LocalMarket

from leverd.devnet.chain import Chain
from leverd.devnet import artifacts
from leverd.devnet.market import start

HOUR = 3600


@dataclass(frozen=True)
class Row:
    flow: str
    transactions: int
    gas: int
    goal: int | None = None

    def __str__(self) -> str:
        within = "" if self.goal is None else f"<= {self.goal:,}"
        return f"| {self.flow} | {self.transactions} | {self.gas:,} | {within} |"


def used(receipt: Any) -> int:
    return int(receipt["gasUsed"], 16)


def atomic(vault: Vault) -> Iterator[Row]:
    """Yield the one-transaction flows, in an order in which each starts where the last ended."""
    local = vault.local
    opened = used(vault.raise_by(60_000 * DOLLAR))
    yield Row("first open to 3x", 1, opened, 500_000)
    local.pass_time(HOUR)
    yield Row("close from 3x", 1, used(vault.close()), 425_000)
    local.pass_time(HOUR)
    yield Row("re-open to 3x", 1, used(vault.raise_by(60_000 * DOLLAR)), 450_000)
    vault.lower_by(5 * ETHER)
    local.pass_time(HOUR)
    yield Row("boost 2.5x to 3x", 1, used(vault.raise_by(15_000 * DOLLAR)), 430_000)
    vault.raise_by(15_000 * DOLLAR)
    local.pass_time(HOUR)
    yield Row("repay 3.5x to 3x", 1, used(vault.lower_by(5 * ETHER)), 450_000)
    local.pass_time(HOUR)
    guarded = used(vault.lower_by(1 * ETHER, health_below=2 * ETHER, health_min=ETHER))
    yield Row("repay 1 ether, only below a health", 1, guarded)


def settle_in(local: LocalMarket) -> None:
    """Let others use both reserves and the pool, as they have in any market not minutes old."""
    lender, pool = local.deployment.roles.lender, local.deployment.pool
    for symbol, raw in (("WETH", ETHER), ("USDC", 1_000 * DOLLAR)):
        local.pass_time(HOUR)
        fund(local, lender, raw, symbol)
        words = (local.token(symbol), raw, lender, 0)
        mined(local, lender, pool, "supply(address,uint256,address,uint16)", *words)
        trade(local, symbol, raw)
    local.pass_time(HOUR)


def plain_feeds(local: LocalMarket) -> None:
    """Give the oracle Aave's own stand-ins, one storage slot each, as in the reference figures."""
    deployment, maker = local.deployment, local.deployment.roles.deployer
    local.node.rpc.ask("anvil_setBalance", maker, hex(100_000 * ETHER))
    code = artifacts.creation(artifacts.AAVE, "mocks/oracle/CLAggregators/MockAggregator")
    assets = [local.token("WETH"), local.token("USDC")]
    feeds = [
        local.chain.deploy(maker, code, "(int256)", dollars * 10**8) for dollars in (3_000, 1)
    ]
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


def main() -> int:
    node, deployment = start(OPENING)
    try:
        local = LocalMarket(node, deployment, Chain(node.rpc))
        pool = deployment.pools["weth-usdc-500"].address
        terms = Terms(local.token("WETH"), local.token("USDC"), (pool,))
        vault = open_account(local, deploy_code(local), terms)
        fund(local, vault.address, EQUITY)
        plain_feeds(local)
        settle_in(local)
        for row in atomic(vault):
            sys.stdout.write(f"{row}\n")
    finally:
        node.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
