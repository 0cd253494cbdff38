"""Uniswap V3 alone on a node of its own: two tokens, and pools with ranges of any shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from leverd.devnet.artifacts import AAVE, UNISWAP_CORE, UNISWAP_PERIPHERY, creation
from leverd.devnet.chain import Chain
from leverd.devnet.node import Node, NodeOptions
from leverd.domain.money import Asset
from leverd.domain.pool import ConcentratedPool
from leverd.domain.tick_math import MAX_TICK, MIN_TICK

GENESIS = 1_700_000_000
NEVER = 2**63
PURSE = 10**36
MAX_UINT = 2**256 - 1
SPACINGS = {100: 1, 500: 10, 3000: 60, 10000: 200}

_SINGLE = "(address,address,uint24,address,uint256,uint256,uint256,uint160)"
_MINT = "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
_TICK = "ticks(int24)->(uint128,int128,uint256,uint256,int56,uint160,uint32,bool)"
_SLOT0 = "slot0()->(uint160,int24,uint16,uint16,uint16,uint8,bool)"


@dataclass(frozen=True)
class Quoted:
    """What QuoterV2 answered: the other side's amount, and the price after."""

    amount: int
    sqrt_price: int


@dataclass(frozen=True)
class World:
    """Deployed contracts, and an account that owns plenty of both tokens."""

    node: Node
    chain: Chain
    trader: str
    factory: str
    router: str
    quoter: str
    positions: str
    addresses: dict[Asset, str]

    @property
    def tokens(self) -> tuple[Asset, Asset]:
        """The two tokens in the pools' own order, which is that of their addresses."""
        first, second = sorted(self.addresses, key=lambda asset: self.addresses[asset].lower())
        return first, second

    def create(
        self, fee: int, sqrt_price: int, ranges: list[tuple[int, int, int]]
    ) -> ConcentratedPool:
        """Return a new pool with up to this much (raw) of both tokens in each (low, high, raw)."""
        token0, token1 = (self.addresses[asset] for asset in self.tokens)
        signature = "createAndInitializePoolIfNecessary(address,address,uint24,uint160)"
        self.chain.send(self.trader, self.positions, signature, token0, token1, fee, sqrt_price)
        for low, high, raw in ranges:
            terms = (token0, token1, fee, low, high, raw, raw, 0, 0, self.trader, NEVER)
            self.chain.send(self.trader, self.positions, _MINT, terms)
        self.chain.mine()
        bare = ConcentratedPool(
            self.chain.read(
                self.factory,
                "getPool(address,address,uint24)->(address)",
                *(
                    token0,
                    token1,
                    fee,
                ),
            ),
            *self.tokens,
            fee,
            SPACINGS[fee],
            sqrt_price=0,
            tick=0,
            liquidity=0,
            ticks=(),
            window=(MIN_TICK, MAX_TICK),
        )
        edges = sorted({edge for low, high, _ in ranges for edge in (low, high)})
        return self.read(bare, edges)

    def read(self, pool: ConcentratedPool, edges: list[int] | None = None) -> ConcentratedPool:
        """Return `pool` as it is at the head; `edges` are all ticks that may be initialised."""
        wanted = [tick for tick, _ in pool.ticks] if edges is None else edges
        sqrt_price, tick, *_ = self.chain.read(pool.pool_id, _SLOT0)
        nets = [(each, self.chain.read(pool.pool_id, _TICK, each)[1]) for each in wanted]
        return replace(
            pool,
            sqrt_price=sqrt_price,
            tick=tick,
            liquidity=self.chain.read(pool.pool_id, "liquidity()->(uint128)"),
            ticks=tuple((each, net) for each, net in nets if net),
        )

    def quote_in(self, pool: ConcentratedPool, sell: Asset, raw: int) -> Quoted:
        """Return QuoterV2's answer for selling `raw` of `sell`."""
        return self._quoted("quoteExactInputSingle", pool, sell, raw)

    def quote_out(self, pool: ConcentratedPool, sell: Asset, raw: int) -> Quoted:
        """Return QuoterV2's answer for buying `raw` with `sell`."""
        return self._quoted("quoteExactOutputSingle", pool, sell, raw)

    def swap_in(self, pool: ConcentratedPool, sell: Asset, raw: int) -> tuple[int, int]:
        """Sell exactly `raw` by the router; return what left and what came to the trader."""
        return self._swapped("exactInputSingle", pool, sell, raw, 0)

    def swap_out(self, pool: ConcentratedPool, sell: Asset, raw: int) -> tuple[int, int]:
        """Buy exactly `raw` by the router; return what left and what came to the trader."""
        return self._swapped("exactOutputSingle", pool, sell, raw, PURSE)

    def _quoted(self, name: str, pool: ConcentratedPool, sell: Asset, raw: int) -> Quoted:
        signature = f"{name}((address,address,uint256,uint24,uint160))"
        terms = (*self._pair(sell), raw, pool.fee, 0)
        answers = self.chain.read(
            self.quoter, f"{signature}->(uint256,uint160,uint32,uint256)", terms
        )
        return Quoted(answers[0], answers[1])

    def _swapped(
        self, name: str, pool: ConcentratedPool, sell: Asset, raw: int, limit: int
    ) -> tuple[int, int]:
        sold, bought = self._pair(sell)
        before = self._balance(sold), self._balance(bought)
        terms = (sold, bought, pool.fee, self.trader, NEVER, raw, limit, 0)
        self.chain.send(self.trader, self.router, f"{name}({_SINGLE})", terms)
        self.chain.mine()
        return before[0] - self._balance(sold), self._balance(bought) - before[1]

    def _pair(self, sell: Asset) -> tuple[str, str]:
        buy = next(asset for asset in self.tokens if asset != sell)
        return self.addresses[sell], self.addresses[buy]

    def _balance(self, token: str) -> int:
        balance: int = self.chain.read(token, "balanceOf(address)->(uint256)", self.trader)
        return balance


def build(node: Node) -> World:
    """Return Uniswap V3 with its periphery, deployed on `node`, and a rich trader."""
    chain = Chain(node.rpc)
    trader = node.rpc.ask("eth_accounts")[0]
    factory = chain.deploy(trader, creation(UNISWAP_CORE, "UniswapV3Factory"))
    chain.send(trader, factory, "enableFeeAmount(uint24,int24)", 100, 1)
    tokens = {
        asset: chain.deploy(
            trader,
            creation(AAVE, "mocks/tokens/MintableERC20"),
            "(string,string,uint8)",
            *(asset.symbol, asset.symbol, asset.decimals),
        )
        for asset in (Asset("WETH", 18), Asset("USDC", 6))
    }
    weth = next(iter(tokens.values()))  # nothing here wraps ether: any address does
    pair = (factory, weth)
    router = chain.deploy(
        trader, creation(UNISWAP_PERIPHERY, "SwapRouter"), "(address,address)", *pair
    )
    quoter = chain.deploy(
        trader, creation(UNISWAP_PERIPHERY, "lens/QuoterV2"), "(address,address)", *pair
    )
    positions = chain.deploy(
        trader,
        creation(UNISWAP_PERIPHERY, "NonfungiblePositionManager"),
        "(address,address,address)",
        *(*pair, trader),
    )
    for token in tokens.values():
        chain.send(trader, token, "mint(address,uint256)", trader, PURSE)
        for spender in (router, positions):
            chain.send(trader, token, "approve(address,uint256)", spender, MAX_UINT)
    chain.mine()
    return World(node, chain, trader, factory, router, quoter, positions, tokens)


def start() -> World:
    """Return a world on a fresh node; the caller stops `node`."""
    node = Node.start(NodeOptions(GENESIS))
    try:
        return build(node)
    except BaseException:
        node.stop()
        raise


def random_ranges(random: Random, spacing: int, tick: int) -> list[tuple[int, int, int]]:
    """Return a wide range around `tick` and several others near it, of very different sizes."""
    home = tick // spacing
    ranges = [((home - 2_000) * spacing, (home + 2_000) * spacing, 10 ** random.randint(16, 20))]
    for _ in range(random.randint(3, 9)):
        low = home + random.randint(-600, 600)
        high = low + random.choice((1, 2, 7, 40, 300))
        ranges.append((low * spacing, high * spacing, 10 ** random.randint(14, 22)))
    return ranges
