"""Fixtures: a market that stands still, set back after each test, and agents to run on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e.children import Nursery, nursery
from tests.e2e.stage import Stage

from leverd.devnet.devnet import Conduct, Devnet
from leverd.devnet.driver import Habits
from leverd.devnet.recipe import Recipe

SPEED = 120.0  # chain seconds a wall second: what the daemon reckons with


@pytest.fixture(scope="module")
def agents() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture(scope="module")
def devnet(tmp_path_factory) -> Iterator[Devnet]:
    flat = tmp_path_factory.mktemp("path") / "flat.csv"
    flat.write_text("ts,close\n1700000000,3000\n1800000000,3000\n")
    recipe = Recipe(seed=2, path=str(flat))
    made = Devnet.begin(recipe, Conduct(Habits(borrows=False)))
    yield made
    made.stop()


@pytest.fixture
def stage(devnet, tmp_path) -> Iterator[Stage]:
    """Yield the market as it opens, with a new journal; set it back afterwards."""
    snapshot = devnet.node.rpc.ask("evm_snapshot")
    yield Stage(devnet, tmp_path, speed=SPEED)
    devnet.mempool._waiting.clear()
    assert devnet.node.rpc.ask("evm_revert", snapshot)
    devnet.driver.resync()
