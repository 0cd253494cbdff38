"""A short is liquidated above, and its price is that of what it owes."""

from __future__ import annotations

from tests import replays

from leverd.cli.side_words import liquidated_at, volatile_symbol, way
from leverd.domain.changed import changed


def test_each_side_is_hurt_its_own_way():
    long = replays.MANDATE
    short = changed(long, collateral=long.debt, debt=long.collateral)
    assert (way(long), volatile_symbol(long)) == ("below", "WETH")
    assert (way(short), volatile_symbol(short)) == ("above", "WETH")
    assert liquidated_at(short) == "liquidated above, USD per WETH"
