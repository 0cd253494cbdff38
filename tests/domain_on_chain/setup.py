"""Accounts with money in every asset, allowed to spend it in the pool."""

from __future__ import annotations

from random import Random

from tests.domain_on_chain.chain_market import ChainMarket
from tests.domain_on_chain.walk import Walk

from leverd.domain.fixed_point import UINT256_MAX

PURSE_USD = 50_000_000
"""What each account holds of each asset when a walk begins."""


def begin(chain: ChainMarket, accounts: list[str], seed: int) -> Walk:
    """Return a walk whose last account liquidates, and has supplied a little of everything."""
    node = chain.node
    *users, liquidator = accounts
    reserves = chain.market().reserves
    for asset, token in chain.tokens.items():
        purse = PURSE_USD * asset.unit * 10**8 // reserves[asset].price
        for account in accounts:
            node.do(token.minter, token.underlying, "mint(address,uint256)", account, purse)
            node.do(account, token.underlying, "approve(address,uint256)", chain.pool, UINT256_MAX)
        node.do(
            liquidator,
            chain.pool,
            "supply(address,uint256,address,uint16)",
            *(token.underlying, purse // 100, liquidator, 0),
        )
    head = node.ask("eth_getBlockByNumber", *("latest", False))
    return Walk(chain, users, liquidator, Random(seed), int(head["timestamp"], 16))
