"""The EVM venue keeps what every venue promises: on anvil, with the real contracts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from eth_account import Account
from tests.chain import LocalMarket, local, market
from tests.contract.venue_suite import VenueSuite, World
from tests.evm.accounts import deploy_account, give
from tests.evm.worlds import KEY, SystemClock, client_for, config_for, mandate_of, signer_for

from leverd.adapters.evm import account_calls
from leverd.adapters.evm.venue import EvmVenue

pytestmark = pytest.mark.chain
__all__ = ["local", "market"]  # fixtures

ME = Account.from_key(KEY).address


class Anvil:
    """Mines on the local market's node."""

    def __init__(self, local: LocalMarket) -> None:
        self._local = local

    def mine(self) -> None:
        self._local.node.rpc.ask("evm_mine")


class TestEvmVenue(VenueSuite):
    @pytest.fixture
    async def world(self, local: LocalMarket) -> AsyncIterator[World]:
        made = deploy_account(local, ME)
        give(local, "WETH", made.address, 10 * 10**18)
        local.node.rpc.ask("anvil_setBalance", ME, hex(10**20))
        config = config_for(
            local, accounts=(made.address,), account_code_hashes=frozenset({made.code_hash})
        )
        client = client_for(local.url, chain_id=config.chain_id, final_depth=2)
        signer = signer_for(local, *account_calls.rules(made.address))
        venue = EvmVenue(config, client, signer, SystemClock())
        yield World(venue, Anvil(local), mandate_of(made.address))
        await venue.close()
