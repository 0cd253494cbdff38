"""The lending arithmetic against the real contracts of Aave 3.0 on a local node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.domain_on_chain.chain_market import ChainMarket
from tests.domain_on_chain.market30 import deployed_market
from tests.domain_on_chain.node import Node
from tests.domain_on_chain.setup import begin

from leverd.devnet.market import Opening, start

pytestmark = pytest.mark.chain

OPENING = Opening(seed=1, price=2_987_65432101, at=1_700_000_000)


@pytest.fixture
def market() -> Iterator[tuple[ChainMarket, list[str]]]:
    anvil, deployment = start(OPENING)
    node = Node(anvil.url)
    yield deployed_market(node, deployment), list(deployment.roles.spare[:4])
    node.close()
    anvil.stop()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_random_walk_through_aave_3_0_agrees_to_the_wei(
    market: tuple[ChainMarket, list[str]], seed: int
) -> None:
    walk = begin(*market, seed)
    walk.compare("start")
    walk.run(150)
    happened = {"supply", "borrow", "repay", "withdraw", "liquidate", "price", "set_emode"}
    assert happened <= set(walk.seen), walk.seen


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(100, 116))
def test_a_long_random_walk_through_aave_3_0_agrees_to_the_wei(
    market: tuple[ChainMarket, list[str]], seed: int
) -> None:
    walk = begin(*market, seed)
    walk.run(500)
    assert walk.seen["liquidate"] > 0
