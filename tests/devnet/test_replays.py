"""Recorded crashes, replayed on real contracts, liquidate who does nothing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leverd.devnet.devnet import Conduct, Devnet
from leverd.devnet.path import UNIT
from leverd.devnet.recipe import Recipe
from leverd.devnet.recorded import Columns

pytestmark = [pytest.mark.chain, pytest.mark.data]


def crash(since: str, until: str) -> Recipe:
    """The recorded five-minute bars between two UTC days."""
    folder = os.environ.get("LEVERD_DATA")
    if not folder:
        pytest.skip("LEVERD_DATA names no recorded market data")
    where = {"venue": "binance", "market": "spot", "symbol": "ETHUSDT", "bar": "5m"}
    ends = [
        int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) for day in (since, until)
    ]
    columns = Columns(price="bar", where=where, since=ends[0], until=ends[1])
    return Recipe(path=str(Path(folder) / "crash_fine.parquet"), columns=columns)


@pytest.mark.parametrize(
    ("since", "until", "trough"),
    [("2020-03-12", "2020-03-14", 86), ("2022-06-12", "2022-06-15", 1_075)],
    ids=["march 2020", "june 2022"],
)
def test_a_leveraged_resident_who_does_nothing_is_liquidated(since, until, trough):
    devnet = Devnet.begin(crash(since, until), Conduct())
    try:
        path, looper = devnet.driver.path, devnet.deployment.roles.looper
        lowest, hit = 10**18, 0
        while devnet.driver.now < path.end:
            block = devnet.step(min(300, path.end - devnet.driver.now))
            lowest = min(lowest, block.market)
            hit += looper in block.liquidated
            pool = float(block.oracle) / block.market
            assert 0.85 < pool < 1.2  # the oracle follows, late
        assert lowest / UNIT == pytest.approx(trough, rel=0.08)
        assert hit > 0
    finally:
        devnet.stop()
