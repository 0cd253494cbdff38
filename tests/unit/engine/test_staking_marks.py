"""What a staked token earns by itself is a line of its own, taken out of the price's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import worlds
from tests.worlds import WETH

from leverd.domain.fixed_point import WAD
from leverd.engine import accounting
from leverd.engine.book import Page

RATE = WAD * 11 // 10


def marked(rate, price, *, since=None):
    """Return the mark of 10 tokens posted and 2 idle at a staking rate and a price."""
    state = worlds.state(price=price, posted=10, idle=2)
    staking = {} if rate is None else {WETH: rate}
    state = state.with_market(replace(state.market, staking=staking))
    return accounting.mark(Page(marked=since), state, worlds.view().stamp, 1)


def test_growth_of_the_rate_is_staking_and_the_rest_is_price():
    first = marked(RATE, 3_300)
    assert first.snapshot.staking == {"WETH": RATE}
    second = marked(RATE * 101 // 100, 3_400, since=first)  # one per cent earned
    lines = second.attribution
    assert lines["staking"] == 12 * 33 * 10**8
    assert lines["price"] == 12 * 100 * 10**8 - 12 * 33 * 10**8
    assert sum(lines.values()) == second.snapshot.equity - first.snapshot.equity


def test_a_slashing_is_a_loss_of_staking_though_the_price_rose():
    second = marked(RATE * 99 // 100, 3_400, since=marked(RATE, 3_300))
    assert second.attribution["staking"] == -12 * 33 * 10**8
    assert second.attribution["price"] == 12 * 133 * 10**8


@pytest.mark.parametrize(("was", "is_now"), [(None, RATE), (RATE, None), (RATE, RATE)])
def test_without_a_rate_at_both_ends_all_of_it_is_price(was, is_now):
    second = marked(is_now, 3_400, since=marked(was, 3_300))
    assert second.attribution["staking"] == 0
    assert second.attribution["price"] == 12 * 100 * 10**8
