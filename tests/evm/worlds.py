"""Venues, clients and signers on the local market, for the tests of this folder."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from eth_account import Account
from tests.chain import LocalMarket

from leverd.adapters.evm.allow_list import AllowList, Rule
from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.config import EvmVenueConfig, LendingVenue, PoolVenue, Token
from leverd.adapters.evm.profiles import PROFILES
from leverd.adapters.evm.signer import LocalSigner
from leverd.adapters.evm.sources import Patience
from leverd.adapters.evm.venue import EvmVenue
from leverd.domain.money import Asset
from leverd.domain.position import Mandate

WETH = Asset("WETH", 18)
USDC = Asset("USDC", 6)
WSTETH = Asset("wstETH", 18)
ASSETS = {asset.symbol: asset for asset in (WETH, USDC, WSTETH)}

KEY = "0x" + "ab" * 32
"""A key of no worth, for signing in tests."""

PATIENT = Patience(deadline_s=30.0, wait_s_first=0.05, wait_s_max=0.2, jitter_s=0.01)
"""For a real node, which answers late on a busy machine."""

BOUNDED = replace(PATIENT, deadline_s=5.0)
"""For a real node that falls silent in the course of a test."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - a clock is what asks

    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251 - a clock is what asks

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def config_for(local: LocalMarket, *, accounts: tuple[str, ...] = (), **changes) -> EvmVenueConfig:
    deployment = local.deployment
    fields: dict[str, Any] = {
        "name": "devnet",
        "chain_id": deployment.chain_id,
        "profile": PROFILES["local"],
        "rpc": (local.url,),
        "tokens": tuple(
            Token(ASSETS[symbol], token.address, staking_rate=token.staking_rate)
            for symbol, token in deployment.tokens.items()
        ),
        "lending": (LendingVenue("aave", deployment.provider),),
        "pools": (
            PoolVenue(
                "weth-usdc-500",
                (WETH, USDC),
                500,
                deployment.factory,
                deployment.quoter,
                deployment.router,
            ),
            PoolVenue(
                "wsteth-weth-100",
                (WSTETH, WETH),
                100,
                deployment.factory,
                deployment.quoter,
                deployment.router,
            ),
        ),
        "native": WETH,
        "accounts": accounts,
        "gas_price_wei_max": 500 * 10**9,
        "multicall": deployment.multicall,
        "final_depth": 2,
    }
    return EvmVenueConfig(**(fields | changes))


def client_for(*urls: str, patience: Patience = PATIENT, **changes) -> EvmClient:
    return EvmClient(urls, clock=SystemClock(), patience=patience, **changes)


def signer_for(local: LocalMarket, *rules: Rule) -> LocalSigner:
    """Return a signer of `rules`; the venue itself admits what a plain address needs."""
    allow = AllowList(local.deployment.chain_id, rules, max_fee=10**12)
    return LocalSigner(Account.from_key(KEY), allow)


def venue_for(
    local: LocalMarket,
    *,
    url: str = "",
    accounts: tuple[str, ...] = (),
    patience: Patience = PATIENT,
) -> EvmVenue:
    config = config_for(local, accounts=accounts)
    return EvmVenue(
        config,
        client_for(url or local.url, chain_id=config.chain_id, patience=patience),
        signer_for(local),
        SystemClock(),
    )


def mandate_of(account: str, position_id: str = "eth-loop", **changes) -> Mandate:
    fields: dict[str, Any] = {
        "position_id": position_id,
        "account": account,
        "lending": "aave",
        "pool": "weth-usdc-500",
        "collateral": WETH,
        "debt": USDC,
        "share_class": USDC,
    }
    return Mandate(**(fields | changes))
