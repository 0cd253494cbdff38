"""The lending arithmetic against Aave 3.6, compiled from its published sources."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.domain_on_chain.node import Node
from tests.domain_on_chain.setup import begin
from tests.prove.market36 import BUILD, deploy_market

from leverd.devnet.node import Node as Anvil
from leverd.devnet.node import NodeOptions

pytestmark = [pytest.mark.prove, pytest.mark.chain]

GENESIS = 1_700_000_000


@pytest.fixture
def node() -> Iterator[Node]:
    if not BUILD.exists():
        pytest.skip("the sources are fetched and compiled by `make prove`")
    anvil = Anvil.start(NodeOptions(genesis_at=GENESIS))
    line = Node(anvil.url)
    yield line
    line.close()
    anvil.stop()


@pytest.mark.parametrize("seed", range(8))
def test_a_random_walk_through_aave_3_6_agrees_to_the_wei(node: Node, seed: int) -> None:
    accounts = node.ask("eth_accounts")
    walk = begin(deploy_market(node, accounts[0]), accounts[1:5], seed)
    walk.compare("start")
    walk.run(400)
    happened = {"supply", "borrow", "repay", "withdraw", "liquidate", "price", "set_emode"}
    assert happened <= set(walk.seen), walk.seen
