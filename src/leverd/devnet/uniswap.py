"""Uniswap V3 from its published artifacts: factory, router, quoter, and pools with liquidity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from leverd.devnet import artifacts
from leverd.devnet.chain import Chain
from leverd.devnet.deployment import PoolAt, Token
from leverd.devnet.pool_price import Pair

SPACING: Final = {100: 1, 500: 10}  # ticks, by fee
_NEVER: Final = 2**64 - 1
_MINT: Final = (
    "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where Uniswap stands."""

    factory: str
    router: str
    quoter: str
    positions: str


@dataclass(frozen=True, slots=True)
class Range:
    """One position: prices as multiples of the starting price, size in whole base tokens."""

    low: Fraction
    high: Fraction
    size: int


def deploy_exchange(chain: Chain, deployer: str, weth: str) -> Exchange:
    """Return the exchange's contracts, with the 0.01 % tier enabled."""
    factory = chain.deploy(deployer, artifacts.creation(artifacts.UNISWAP_CORE, "UniswapV3Factory"))
    chain.send(deployer, factory, "enableFeeAmount(uint24,int24)", 100, SPACING[100])
    periphery = {}
    for path in ("SwapRouter", "lens/QuoterV2"):
        code = artifacts.creation(artifacts.UNISWAP_PERIPHERY, path)
        periphery[path] = chain.deploy(deployer, code, "(address,address)", factory, weth)
    # The third argument describes positions as pictures; nobody looks at them here.
    code = artifacts.creation(artifacts.UNISWAP_PERIPHERY, "NonfungiblePositionManager")
    words = (factory, weth, deployer)
    positions = chain.deploy(deployer, code, "(address,address,address)", *words)
    chain.mine()
    return Exchange(factory, periphery["SwapRouter"], periphery["lens/QuoterV2"], positions)


def pair_of(base: Token, quote: Token) -> Pair:
    """Return the two tokens as a priced pair."""
    return Pair(base.address, quote.address, base.decimals, quote.decimals)


def open_pool(
    chain: Chain, maker: str, exchange: Exchange, pair: Pair, name: str, fee: int, price: Fraction
) -> PoolAt:
    """Return a new pool of `pair`, standing at `price` and empty."""
    first, second = pair.tokens
    signature = "createAndInitializePoolIfNecessary(address,address,uint24,uint160)"
    root = pair.sqrt_price(price)
    chain.send(maker, exchange.positions, signature, first, second, fee, root)
    chain.mine()
    address = chain.read_address(
        exchange.factory, "getPool(address,address,uint24)->(address)", first, second, fee
    )
    # Room for price history, as a busy pool has it.
    chain.send(maker, address, "increaseObservationCardinalityNext(uint16)", 16)
    return PoolAt(name, address, first, second, fee)


def provide(
    chain: Chain,
    maker: str,
    exchange: Exchange,
    pair: Pair,
    fee: int,
    price: Fraction,
    ranges: Sequence[Range],
) -> None:
    """Queue one liquidity position for each range, paid by `maker`, who has approved."""
    first, second = pair.tokens
    for each in ranges:
        low, high = pair.ticks(price * each.low, price * each.high, SPACING[fee])
        base = each.size * 10**pair.base_decimals
        quote = int(each.size * price * 10**pair.quote_decimals)
        amounts = (base, quote) if pair.base_first else (quote, base)
        words = (first, second, fee, low, high, *amounts, 0, 0, maker, _NEVER)
        chain.send(maker, exchange.positions, _MINT, words)
