"""A real market on a local chain, for tests: deployed once a process, set back after each test.

`market` is the session's node, with nothing undone between tests; `local` is the same one inside
a snapshot. Mark the test `chain`; drive time and prices with `LocalMarket` or with a `Driver`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest

from leverd.devnet.chain import Chain
from leverd.devnet.deployment import Deployment
from leverd.devnet.market import Opening, start
from leverd.devnet.node import Node
from leverd.devnet.pool_price import Pair
from leverd.devnet.uniswap import pair_of

OPENING = Opening(seed=1, price=3_000 * 10**8, at=1_700_000_000)
ACCOUNT_DATA = "getUserAccountData(address)->(uint256,uint256,uint256,uint256,uint256,uint256)"


@dataclass(frozen=True)
class LocalMarket:
    """A node with the whole market on it. Nothing is mined unless somebody asks."""

    node: Node
    deployment: Deployment
    chain: Chain

    @property
    def url(self) -> str:
        return self.node.url

    def head(self) -> Any:
        return self.node.rpc.block()

    def now(self) -> int:
        return int(self.head()["timestamp"], 16)

    def mine(self, *, at: int | None = None) -> None:
        """Mine what is queued or pending, in one block at `at` or 12 s on."""
        if at is not None:
            self.node.rpc.ask("evm_setNextBlockTimestamp", at)
        self.chain.hand_over()
        self.chain._sent.clear()
        self.node.rpc.ask("evm_mine")

    def pass_time(self, seconds: int) -> None:
        """Mine one empty block `seconds` on."""
        self.mine(at=self.now() + seconds)

    def post_price(self, symbol: str, dollars: Fraction | int) -> None:
        """Have the oracle say so, now."""
        roles = self.deployment.roles
        answer = int(dollars * 10**8)
        self.chain.send(roles.keeper, self.deployment.feeds[symbol], "post(int256)", answer)
        self.chain.mine()

    def account_data(self, who: str) -> tuple[int, ...]:
        """Collateral, debt, available (1e8), threshold, LTV (bps), health (wad)."""
        return tuple(self.chain.read(self.deployment.pool, ACCOUNT_DATA, who))

    def health(self, who: str) -> int:
        return self.account_data(who)[5]

    def token(self, symbol: str) -> str:
        return self.deployment.tokens[symbol].address

    def balance(self, symbol: str, who: str) -> int:
        return int(self.chain.read(self.token(symbol), "balanceOf(address)->(uint256)", who))

    def pair(self, base: str = "WETH", quote: str = "USDC") -> Pair:
        tokens = self.deployment.tokens
        return pair_of(tokens[base], tokens[quote])

    def pool_price(self, name: str = "weth-usdc-500") -> Fraction:
        base, quote = {"weth-usdc-500": ("WETH", "USDC"), "wsteth-weth-100": ("wstETH", "WETH")}[
            name
        ]
        pool = self.deployment.pools[name].address
        slot0 = "slot0()->(uint160,int24,uint16,uint16,uint16,uint8,bool)"
        return self.pair(base, quote).price(self.chain.read(pool, slot0)[0])


_ONE: list[LocalMarket] = []
"""A fixture that modules import is another one in each of them; the market is the process's."""


@pytest.fixture(scope="session")
def market() -> Iterator[LocalMarket]:
    if _ONE:
        yield _ONE[0]
        return
    node, deployment = start(OPENING)
    _ONE.append(LocalMarket(node, deployment, Chain(node.rpc)))
    try:
        yield _ONE[0]
    finally:
        _ONE.clear()
        node.stop()


@pytest.fixture
def local(market: LocalMarket) -> Iterator[LocalMarket]:
    snapshot = market.node.rpc.ask("evm_snapshot")
    market.chain.forget()
    yield market
    market.node.rpc.ask("anvil_dropAllTransactions")
    assert market.node.rpc.ask("evm_revert", snapshot)
    market.node.rpc.ask("anvil_setTime", market.now())
    market.chain.forget()
