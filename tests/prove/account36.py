"""The account contract's surroundings on Aave 3.6: its market, a swap pool, lenders, purses."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import cast

from tests.chain import LocalMarket
from tests.domain_on_chain.node import Node as Line
from tests.prove.market36 import USDC, WETH, WSTETH, deploy_market

from leverd.devnet import uniswap
from leverd.devnet.chain import Chain
from leverd.devnet.deployment import Deployment, PoolAt, Token
from leverd.devnet.node import Node
from leverd.devnet.uniswap import Range, pair_of

PRICE = Fraction(3_000)
PURSE = 10**6  # whole ether's worth
ALL = 2**256 - 1


def deploy(node: Node) -> LocalMarket:
    """Return a local market whose lending pool is Aave 3.6's, with what a vault needs of it."""
    line = Line(node.url)
    names = ("deployer", "owner", "operator", "maker", "lender", "liquidator", "arbitrageur")
    people = node.rpc.ask("eth_accounts")
    lending = deploy_market(line, people[0])
    line.close()
    roles = SimpleNamespace(**dict(zip(names, people, strict=False)), spare=tuple(people[8:]))
    tokens = {
        asset.symbol: Token(asset.symbol, lending.tokens[asset].underlying, asset.decimals)
        for asset in (WETH, USDC, WSTETH)
    }
    chain = Chain(node.rpc)
    exchange = uniswap.deploy_exchange(chain, roles.deployer, tokens["WETH"].address)
    _fill(chain, roles, tokens, (exchange.positions, lending.pool, exchange.router))
    pool = _open_pool(chain, roles.maker, exchange, tokens)
    provider = chain.read_address(lending.pool, "ADDRESSES_PROVIDER()->(address)")
    _lend(chain, roles.lender, lending.pool, tokens)
    deployment = SimpleNamespace(
        roles=roles,
        tokens=tokens,
        pools={"weth-usdc-500": pool},
        pool=lending.pool,
        provider=provider,
        oracle=lending.oracle,
        configurator=lending.configurator,
        quoter=exchange.quoter,
        router=exchange.router,
        feeds={asset.symbol: lending.tokens[asset].feed for asset in lending.tokens},
    )
    return LocalMarket(node, cast("Deployment", deployment), chain)


def _fill(
    chain: Chain, roles: SimpleNamespace, tokens: dict[str, Token], spenders: tuple[str, ...]
) -> None:
    for who in (roles.maker, roles.lender, roles.arbitrageur):
        for symbol, token in tokens.items():
            worth = PURSE * (int(PRICE) if symbol == "USDC" else 1) * 10**token.decimals
            chain.send(who, token.address, "mint(address,uint256)", who, worth, gas=300_000)
            for spender in spenders:
                chain.send(
                    who, token.address, "approve(address,uint256)", spender, ALL, gas=300_000
                )
    chain.mine()


def _open_pool(
    chain: Chain, maker: str, exchange: uniswap.Exchange, tokens: dict[str, Token]
) -> PoolAt:
    pair = pair_of(tokens["WETH"], tokens["USDC"])
    pool = uniswap.open_pool(chain, maker, exchange, pair, "weth-usdc-500", 500, PRICE)
    wide = Range(Fraction(1, 20), Fraction(20), 60_000)
    uniswap.provide(chain, maker, exchange, pair, 500, PRICE, [wide])
    chain.mine()
    return pool


def _lend(chain: Chain, lender: str, pool: str, tokens: dict[str, Token]) -> None:
    for symbol, token in tokens.items():
        whole = 100_000_000 if symbol == "USDC" else 50_000
        words = (token.address, whole * 10**token.decimals, lender, 0)
        chain.send(lender, pool, "supply(address,uint256,address,uint16)", *words, gas=1_000_000)
    chain.mine()
