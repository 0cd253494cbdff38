"""A devnet rests and goes on as if it had not."""

from __future__ import annotations

import pytest
from tests.devnet.outside import Outside

from leverd.devnet.deployment import Deployment
from leverd.devnet.devnet import Conduct, Devnet
from leverd.devnet.directory import Directory
from leverd.devnet.recipe import Recipe
from leverd.devnet.saved import Saved
from leverd.errors import NonsenseError

pytestmark = pytest.mark.chain
RECIPE = Recipe(seed=11, calm_s=1_800)
START = RECIPE.start


@pytest.fixture(scope="module")
def unbroken():
    """The blocks of a devnet that nobody stopped."""
    devnet = Devnet.begin(RECIPE, Conduct())
    blocks = devnet.advance_to(START + 7_200, stride=60)
    blocks += devnet.advance_to(START + 9_000, stride=60)
    devnet.stop()
    return blocks


def test_the_same_recipe_gives_the_same_blocks(unbroken):
    twin = Devnet.begin(RECIPE, Conduct())
    blocks = twin.advance_to(START + 9_000, stride=60)
    twin.stop()
    assert blocks == unbroken


def test_another_seed_gives_another_market_at_the_same_addresses(unbroken):
    other = Devnet.begin(Recipe(seed=12, calm_s=1_800), Conduct())
    blocks = other.advance_to(START + 600, stride=60)
    assert [block.market for block in blocks] != [block.market for block in unbroken[:10]]
    addresses = other.deployment
    other.stop()
    first = Devnet.begin(RECIPE, Conduct())
    assert (first.deployment.pool, first.deployment.accounts) == (
        addresses.pool,
        addresses.accounts,
    )
    first.stop()


def test_a_resumed_devnet_makes_the_blocks_it_would_have_made(unbroken, tmp_path):
    devnet = Devnet.begin(RECIPE, Conduct())
    devnet.advance_to(START + 7_200, stride=60)
    owner = devnet.deployment.roles.owner
    before = [devnet.chain.read(token.address, "balanceOf(address)->(uint256)", owner)
              for token in devnet.deployment.tokens.values()]  # fmt: skip
    saved, deployment = devnet.saved(), devnet.deployment
    devnet.stop()
    saved.write(tmp_path / "saved.gz")
    deployment.save(tmp_path / "deployment.json")

    kept = Saved.read(tmp_path / "saved.gz")
    assert kept is not None
    resumed = Devnet.resume(kept, Deployment.load(tmp_path / "deployment.json"), Conduct())
    try:
        assert resumed.driver.now == START + 7_200  # the clock did not jump to the wall's
        assert resumed.node.rpc.block("0x0")["hash"] == deployment.genesis_hash
        after = [resumed.chain.read(token.address, "balanceOf(address)->(uint256)", owner)
                 for token in deployment.tokens.values()]  # fmt: skip
        assert after == before
        blocks = resumed.advance_to(START + 9_000, stride=60)
        assert blocks == unbroken[-len(blocks) :]
    finally:
        resumed.stop()


def test_a_renewed_node_is_the_same_chain_at_the_same_place(unbroken):
    devnet = Devnet.begin(RECIPE, Conduct())
    try:
        devnet.advance_to(START + 7_200, stride=60)
        url, pid = devnet.url, devnet.node.pid
        with Outside(devnet) as outside:
            assert int(outside.rpc.ask("eth_blockNumber"), 16) == devnet.driver.number
            devnet.renew(devnet.saved())
            assert devnet.url == url
            assert devnet.node.pid != pid
            assert int(outside.rpc.ask("eth_blockNumber"), 16) == devnet.driver.number
        blocks = devnet.advance_to(START + 9_000, stride=60)
        assert blocks == unbroken[-len(blocks) :]
    finally:
        devnet.stop()


def test_the_status_says_where_it_stands():
    devnet = Devnet.begin(RECIPE, Conduct())
    try:
        devnet.step()
        with Outside(devnet) as outside:
            told = outside.rpc.ask("leverd_devnet")
        assert told["at"] == START + 12
        assert told["last"]["oracle_usd"] == "3000.00000000"
        assert told["path_over"] is False
    finally:
        devnet.stop()


def test_a_path_from_a_file_sets_the_market_and_the_clock(tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text("ts,close\n1583971200,194\n1583974800,170\n1583978400,150\n")
    devnet = Devnet.begin(Recipe(path=str(file)), Conduct())
    try:
        assert devnet.driver.now == 1583971200
        last = devnet.advance_to(1583978400, stride=120)[-1]
        assert last.market == 150 * 10**8
        assert abs(last.oracle / 10**8 / 150 - 1) < 0.02
    finally:
        devnet.stop()


def test_a_damaged_save_is_named_and_the_way_out_said(tmp_path):
    (tmp_path / "saved.gz").write_bytes(b"nothing of the kind")
    with pytest.raises(NonsenseError, match="leverd devnet reset"):
        Directory(tmp_path).saved()
    (tmp_path / "deployment.json").write_text("{}")
    with pytest.raises(NonsenseError, match="no deployment record"):
        Directory(tmp_path).deployment()
    (tmp_path / "endpoint.json").write_text('{"pid": 1}')
    with pytest.raises(NonsenseError, match="no endpoint"):
        Directory(tmp_path).endpoint()
