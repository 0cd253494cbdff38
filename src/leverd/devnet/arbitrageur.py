"""Keeps each pool at the market's price by real swaps, as far as its fee makes that pay."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from leverd.devnet.chain import Chain
from leverd.devnet.deployment import Deployment, PoolAt
from leverd.devnet.pool_price import Pair
from leverd.devnet.uniswap import pair_of

FEE_UNIT: Final = 1_000_000
_SWAP: Final = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
_GAS: Final = 2_000_000
_PLENTY: Final = 2**127
_NEVER: Final = 2**64 - 1
_WORTH_IT: Final = Fraction(1, 10_000)  # beyond the fee, to pay for gas
PAIRS: Final = {"weth-usdc-500": ("WETH", "USDC"), "wsteth-weth-100": ("wstETH", "WETH")}


@dataclass(frozen=True, slots=True)
class Swap:
    """One trade up to a limit: `sells_base` pushes the price down to it, else up."""

    pool: PoolAt
    sells_base: bool
    limit: int  # square root, Q64.96


def pair_in(deployment: Deployment, name: str) -> Pair:
    """Return the priced pair of the pool called `name`."""
    base, quote = PAIRS[name]
    return pair_of(deployment.tokens[base], deployment.tokens[quote])


def correction(deployment: Deployment, name: str, root: int, price: Fraction) -> Swap | None:
    """Return the swap that brings the pool to where its fee eats the rest, None inside that."""
    pool, pair = deployment.pools[name], pair_in(deployment, name)
    standing = pair.price(root)
    fee = Fraction(pool.fee, FEE_UNIT)
    if standing > price * (1 + fee + _WORTH_IT):
        return Swap(pool, sells_base=True, limit=pair.sqrt_price(price * (1 + fee)))
    if standing < price * (1 - fee - _WORTH_IT):
        return Swap(pool, sells_base=False, limit=pair.sqrt_price(price * (1 - fee)))
    return None


def trade(chain: Chain, deployment: Deployment, swap: Swap, *, tip: int) -> None:
    """Queue the swap; the router takes only what the limit leaves room for."""
    who = deployment.roles.arbitrageur
    name = swap.pool.name
    pair = pair_in(deployment, name)
    sold, bought = (pair.base, pair.quote) if swap.sells_base else (pair.quote, pair.base)
    words = (sold, bought, swap.pool.fee, who, _NEVER, _PLENTY, 0, swap.limit)
    chain.send(who, deployment.router, _SWAP, words, tip=tip, gas=_GAS)
