"""The devnet's Aave 3.0 market, with price feeds that move one by one."""

from __future__ import annotations

from tests.domain_on_chain.chain_market import RESERVE_DATA, ChainMarket, Token
from tests.domain_on_chain.node import Node, call_data

from leverd.devnet import artifacts
from leverd.devnet.abi import encode_words
from leverd.devnet.deployment import Deployment
from leverd.domain.lending import AAVE_3_0
from leverd.domain.money import Asset


def deployed_market(node: Node, deployment: Deployment) -> ChainMarket:
    """Return the market with a feed of its own for each asset, at the prices it has now."""
    admin = deployment.roles.deployer
    pool, oracle = deployment.pool, deployment.oracle
    names = list(deployment.tokens)
    addresses = [deployment.tokens[name].address for name in names]
    prices = node.read(
        [(oracle, call_data("getAssetPrice(address)", each), "uint256") for each in addresses]
    )
    code = artifacts.ours("Aggregator").creation
    feeds = [
        node.deploy(
            admin,
            (code + encode_words("(address,uint8,string,int256)", admin, 8, name, price)).hex(),
        )
        for name, (price,) in zip(names, prices, strict=True)
    ]
    node.do(admin, oracle, "setAssetSources(address[],address[])", addresses, feeds)
    answers = node.read(
        [(pool, call_data("getReserveData(address)", each), RESERVE_DATA) for each in addresses]
    )
    tokens = {}
    for name, feed, data in zip(names, feeds, answers, strict=True):
        token = deployment.tokens[name]
        minter = deployment.roles.keeper if name == "wstETH" else admin
        asset = Asset(name, token.decimals)
        tokens[asset] = Token(token.address, data[8], data[10], feed, minter)
    return ChainMarket(
        node, AAVE_3_0, pool, oracle, tokens, deployment.configurator, admin, modern=False
    )
