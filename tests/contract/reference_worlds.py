"""Venues that say what an asset is worth, and a way to trade on them: in memory, and Uniswap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.chain import LocalMarket
from tests.evm.proxy import Proxy, dropped, proxied
from tests.evm.worlds import BOUNDED, client_for
from tests.spots import INJ, NOW, USDC, pool

from leverd.adapters.evm.pool_reference import Route, UniswapReference
from leverd.adapters.simulated.price_reference import PoolWorld, SimulatedReference
from leverd.domain.money import Asset
from leverd.domain.pool import ConstantProductPool
from leverd.errors import UnreachableError
from leverd.interfaces.price_reference import PriceReference

_SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
_QUOTE = "quoteExactInput(bytes,uint256)->(uint256,uint160[],uint32[],uint256)"
_NEVER = 2**64 - 1
_PLENTY = 10**30


class Memory:
    """Two pools of reserves in a row, whose trades are reckoned here anew."""

    def __init__(self) -> None:
        weth = Asset("WETH", 18)
        first = ConstantProductPool("i", INJ, weth, 3_000, 10**24, 7 * 10**21)
        second: ConstantProductPool = replace(pool("3000", depth="20000"), token0=weth)
        self.base, self.quote = INJ, USDC
        self._pools = (first, second)
        self._world = PoolWorld(self._pools, NOW)

    def reference(self, *, size: int, error: int = 0) -> PriceReference:
        return SimulatedReference("here", self._world, INJ, size=size, error=error)

    def nowhere(self) -> PriceReference:
        return SimulatedReference("nowhere", self._world, Asset("NONE", 18), size=10**18)

    def head(self) -> tuple[int, int]:
        return self._world.block, self._world.at

    def sold(self, raw: int) -> int:
        for each in self._pools:
            raw = _out(raw, each.fee, each.reserve0, each.reserve1)
        return raw

    def bought(self, raw: int) -> int:
        for each in reversed(self._pools):
            raw = _out(raw, each.fee, each.reserve1, each.reserve0)
        return raw

    def buy(self) -> None:
        """Let somebody buy much of the asset."""
        first, second = self._pools
        there = first.reserve1 * 11 // 10
        moved = replace(first, reserve1=there, reserve0=first.reserve0 * first.reserve1 // there)
        self._world.pools = self._pools = (moved, second)
        self._world.block, self._world.at = self._world.block + 1, self._world.at + 12

    def cut(self) -> None:
        self._world.failing = UnreachableError("gone", number=1)

    def mend(self) -> None:
        self._world.failing = None


def _out(paid: int, fee: int, there: int, wanted: int) -> int:
    net = paid * (10**6 - fee)
    return wanted * net // (there * 10**6 + net)


class OnChain:
    """A path of real pools on anvil, behind a proxy that can be cut."""

    def __init__(self, local: LocalMarket, proxy: Proxy, path: tuple[str, ...], fees: Any) -> None:
        self._local, self._proxy, self._path, self._fees = local, proxy, path, fees
        tokens = local.deployment.tokens
        first, last = tokens[path[0]], tokens[path[-1]]
        self.base, self.quote = Asset(path[0], first.decimals), Asset(path[-1], last.decimals)
        self._open: list[UniswapReference] = []

    def reference(self, *, size: int, error: int = 0) -> PriceReference:
        return self._of(self._fees, size, error)

    def nowhere(self) -> PriceReference:
        return self._of(tuple(10_000 for _ in self._fees), 10**18, 0)

    def head(self) -> tuple[int, int]:
        head = self._local.head()
        return int(head["number"], 16), int(head["timestamp"], 16)

    def sold(self, raw: int) -> int:
        return self._quoted(self._path, self._fees, raw)

    def bought(self, raw: int) -> int:
        return self._quoted(self._path[::-1], self._fees[::-1], raw)

    def buy(self, rise: Fraction = Fraction(101, 100)) -> None:
        """Let somebody buy so much of the asset in the first pool that its price rises so."""
        local, who = self._local, self._local.deployment.roles.arbitrageur
        wanted, paid = self._path[:2]
        name = f"{wanted}-{paid}-{self._fees[0]}".lower()
        limit = local.pair(wanted, paid).sqrt_price(local.pool_price(name) * rise)
        words = (
            local.token(paid),
            local.token(wanted),
            self._fees[0],
            who,
            _NEVER,
            _PLENTY,
            0,
            limit,
        )
        local.chain.send(who, local.deployment.router, _SWAP, words)
        local.chain.mine()

    def cut(self) -> None:
        self._proxy.fault = dropped

    def mend(self) -> None:
        self._proxy.fault = None

    async def close(self) -> None:
        for each in self._open:
            await each.close()

    def _of(self, fees: tuple[int, ...], size: int, error: int) -> PriceReference:
        deployment = self._local.deployment
        tokens = tuple(self._local.token(symbol) for symbol in self._path)
        route = Route("here", deployment.factory, tokens, fees, size, error)
        client = client_for(
            self._proxy.url,
            patience=BOUNDED,
            chain_id=deployment.chain_id,
            multicall=deployment.multicall,
        )
        self._open.append(UniswapReference(client, route))
        return self._open[-1]

    def _quoted(self, path: tuple[str, ...], fees: tuple[int, ...], raw: int) -> int:
        tokens = [bytes.fromhex(self._local.token(symbol)[2:]) for symbol in path]
        hops = b"".join(
            one + fee.to_bytes(3, "big") for one, fee in zip(tokens, fees, strict=False)
        )
        found = self._local.chain.read(
            self._local.deployment.quoter, _QUOTE, hops + tokens[-1], raw
        )
        return int(found[0])


@asynccontextmanager
async def memory(_local: object) -> AsyncIterator[Memory]:
    yield Memory()


@asynccontextmanager
async def one_pool(local: LocalMarket) -> AsyncIterator[OnChain]:
    async with _on_chain(local, ("WETH", "USDC"), (500,)) as found:
        yield found


@asynccontextmanager
async def two_pools(local: LocalMarket) -> AsyncIterator[OnChain]:
    async with _on_chain(local, ("wstETH", "WETH", "USDC"), (100, 500)) as found:
        yield found


@asynccontextmanager
async def _on_chain(
    local: LocalMarket, path: tuple[str, ...], fees: tuple[int, ...]
) -> AsyncIterator[OnChain]:
    assert len(list(pairwise(path))) == len(fees)
    async with proxied(local.url) as proxy:
        found = OnChain(local, proxy, path, fees)
        try:
            yield found
        finally:
            await found.close()
