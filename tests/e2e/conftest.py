"""A world of one's own for each test: a quiet devnet in this process, and an owner beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e.owner import Owner
from tests.e2e.stage import Stage, staged

from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe

QUIET = "ts,close\n1700000000,3000\n1700086400,3000\n"


@pytest.fixture
def world(tmp_path) -> Iterator[Stage]:
    """A market that stands still, without strangers; `devnet.step` or `moving` mines."""
    prices = tmp_path / "prices.csv"
    prices.write_text(QUIET)
    habits = Habits(borrows=False, oracle=OracleRule(lag_s=0))
    with staged(tmp_path, Recipe(path=str(prices)), Conduct(habits, delay_chance=0.0)) as made:
        yield made


@pytest.fixture
def owner(world, capsys) -> Owner:
    """Somebody at a terminal, with the settings of `world`."""
    return Owner(world, capsys)
