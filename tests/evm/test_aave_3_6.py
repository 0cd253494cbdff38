"""The adapter on Aave 3.6, compiled from its published sources: recognised, and read rightly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.domain_on_chain.chain_market import ChainMarket
from tests.domain_on_chain.node import Node, call_data
from tests.domain_on_chain.setup import begin
from tests.evm.worlds import client_for
from tests.prove.market36 import BUILD, USDC, WETH, WSTETH, deploy_market

from leverd.adapters.evm.aave import accounts as aave_accounts
from leverd.adapters.evm.aave import reserves as aave_reserves
from leverd.adapters.evm.batch import MULTICALL3
from leverd.adapters.evm.config import EvmVenueConfig, LendingVenue, Token
from leverd.adapters.evm.profiles import PROFILES
from leverd.adapters.evm.reads import each
from leverd.adapters.evm.survey import ask, survey
from leverd.devnet import multicall
from leverd.devnet.node import Node as Anvil
from leverd.devnet.node import NodeOptions
from leverd.domain import loans
from leverd.domain.lending import AAVE_3_6

pytestmark = [pytest.mark.prove, pytest.mark.chain]


@pytest.fixture
def node() -> Iterator[tuple[Node, str]]:
    if not BUILD.exists():
        pytest.skip("the sources are fetched and compiled by `make prove`")
    anvil = Anvil.start(NodeOptions(genesis_at=1_700_000_000))
    anvil.rpc.ask("anvil_setCode", MULTICALL3, "0x" + multicall.runtime().hex())
    line = Node(anvil.url)
    yield line, anvil.url
    line.close()
    anvil.stop()


def config_of(node: Node, url: str, there: ChainMarket) -> EvmVenueConfig:
    provider = node.read([(there.pool, call_data("ADDRESSES_PROVIDER()"), "address")])[0][0]
    return EvmVenueConfig(
        name="prove",
        chain_id=31337,
        profile=PROFILES["local"],
        rpc=(url,),
        tokens=tuple(Token(asset, one.underlying) for asset, one in there.tokens.items()),
        lending=(LendingVenue("aave", provider),),
        pools=(),
        native=WETH,
        accounts=(),
        gas_price_wei_max=10**12,
    )


async def test_a_market_of_3_6_is_recognised_and_read_as_an_independent_reader_reads_it(node):
    node, url = node
    users = node.ask("eth_accounts")
    there = deploy_market(node, users[0])
    begin(there, users[1:5], 7).run(80)
    client = client_for(url)
    try:
        market = (await survey(client, config_of(node, url, there))).markets["aave"]
        assert (market.rules, market.trusted, market.revision) == (AAVE_3_6, True, 10)
        expected = there.market()
        assets = (WETH, USDC, WSTETH)
        found = await ask(
            client, each({asset: aave_reserves.reserve(market, asset) for asset in assets})
        )
        assert {asset: reserve for asset, (reserve, _) in found.items()} == expected.reserves
        category = aave_reserves.emode_of(
            market, 1, await ask(client, aave_reserves.emode(market, 1)), {}
        )
        assert category.collaterals == expected.emodes[1].collaterals
        assert category.borrowables == expected.emodes[1].borrowables
        assert category.zero_ltv == expected.emodes[1].zero_ltv
        assert category.liquidation_threshold == 9_500
        at = (await client.head()).at
        for user in users[1:5]:
            seen = await ask(client, aave_accounts.account(market, user, assets))
            assert seen.loan == there.account(user)
            assert seen.unread == 0
            ours = loans.summarise(expected, seen.loan, at)
            assert ours.health == await ask(client, aave_accounts.health(market, user))
    finally:
        await client.close()
