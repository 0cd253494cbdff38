"""What others did, as a person reads it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.journal_events import RAY, snapshot

from leverd.domain.change_text import change_words
from leverd.domain.events import ExternalChanged

SEEN = replace(
    snapshot(9),
    supply_indexes={"WETH": RAY * 11 // 10},
    borrow_indexes={"USDC": RAY * 2},
    decimals={"WETH": 18, "USDC": 6, "BAD": -3, "VAST": 10**9},
)


def words(changes):
    return change_words(ExternalChanged("loop", "liquidation", changes, True, SEEN))


def test_scaled_balances_are_told_in_whole_tokens_at_the_indexes_of_then():
    assert words({"owed:USDC": -5 * 10**6, "supplied:WETH": -(10**18)}) == (
        "owed -10.000000 USDC",
        "supplied -1.100000 WETH",
    )


def test_idle_money_is_told_as_it_is():
    assert words({"idle:WETH": 10**18, "idle:USDC": -1}) == (
        "idle +1.000000 WETH",
        "idle -0.000001 USDC",
    )


@pytest.mark.parametrize("leg", ["supplied:ARB", "supplied:BAD", "idle:VAST", "odd"])
def test_a_token_nobody_knows_the_decimals_of_is_counted_as_the_journal_does(leg):
    assert words({leg: -1_500}) == (f"{leg} -1,500",)
