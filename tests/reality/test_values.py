"""What seized WBTC was worth on Aave V3, by the oracle's own integer price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
from tests.reality import pools
from tests.reality.recorded import Span, rows, span
from tests.reality.tally import Found

from leverd.domain.health import value_owned
from leverd.domain.money import USD

pytestmark = pytest.mark.data

CALLS = "aave_wbtc_liquidations.parquet"
WBTC = pools.asset("WBTC", 8)
TWICE = Fraction(2)
UPDATED = "two prices in one block: the oracle was updated between two liquidations"


def calls() -> Sequence[Mapping[str, Any]]:
    return rows(CALLS, market="aave_v3")


def price_of(row: Mapping[str, Any]) -> int:
    """Return the oracle price (USD 1e8) that a recorded value implies."""
    return round(Fraction(row["collateral_usd"]) * USD.unit / Fraction(row["collateral_amount"]))


def worth(row: Mapping[str, Any], price: int) -> bool:
    """Whether the amount is worth what was recorded, at `price`; a part of a unit is cut."""
    amount = span(row["collateral_amount"], WBTC.unit).middle
    theirs = span(row["collateral_usd"], USD.unit, ulps=TWICE)
    ours = value_owned(amount, pools.reserve(WBTC, price))
    return Span(ours, ours + 1).meets(theirs)


def test_each_value_is_an_amount_at_a_whole_price():
    found = Found()
    for row in calls():
        found.count(equal=worth(row, price_of(row)), why="unexplained")
    found.told(12, "dollars of seized WBTC, at a whole oracle price", "`health.value_owned`", CALLS)
    assert found.rows == found.equal > 1_000


def test_one_price_a_block_gives_the_value_of_every_liquidation_in_it():
    found = Found()
    blocks = defaultdict(list)
    for row in calls():
        blocks[row["block"]].append(row)
    for block in blocks.values():
        first, *others = block
        for row in others:
            found.count(equal=worth(row, price_of(first)), why=UPDATED)
    found.told(13, "the same, at the price of its block's first", "`health.value_owned`", CALLS)
    assert found.rows > 250
    assert found.differing[UPDATED] < 30


def test_a_price_one_unit_off_is_seen():
    large = [row for row in calls() if row["collateral_amount"] > 2]
    assert len(large) > 100
    assert not any(worth(row, price_of(row) + 2) for row in large)
