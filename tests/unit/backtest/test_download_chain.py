"""Blocks by time and by step, on a chain that is all in memory."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leverd.backtest.download.chain import (
    Blocks,
    base_fee,
    blocks_between,
    download_samples,
    request,
)
from leverd.backtest.download.partial import Partial
from leverd.errors import DataError
from leverd.interfaces.chain_client import Head

T0 = 1_700_000_000


class Chain:
    """Headers only; the last `young` blocks are not final."""

    def __init__(self, times, young=0):
        self.times = times
        self.young = young
        self.asked = []

    async def final_number(self):
        return len(self.times) - 1 - self.young

    async def block(self, number):
        self.asked.append(number)
        if number >= len(self.times):
            return None
        return Head(number, f"0x{number:064x}", "0x", self.times[number], 100 + number, 0, 0)


def between(chain, since, until):
    return asyncio.run(blocks_between(chain, since, until, 1))


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(st.integers(0, 30), min_size=1, max_size=60),
    since=st.integers(-10, 700),
    length=st.integers(1, 900),
)
def test_exactly_the_blocks_of_a_time_are_found(steps, since, length):
    times = [T0]
    for step in steps:
        times.append(times[-1] + step)
    expected = [n for n, at in enumerate(times) if T0 + since <= at < T0 + since + length]
    chain = Chain(times)
    if not expected:
        with pytest.raises(DataError, match="no final block"):
            between(chain, T0 + since, T0 + since + length)
        return
    found = between(chain, T0 + since, T0 + since + length)
    assert (found.first, found.last) == (expected[0], expected[-1])


def test_blocks_that_may_still_change_are_left_out():
    chain = Chain([T0 + 12 * n for n in range(100)], young=10)
    assert between(chain, T0, T0 + 10**6).last == 89


def fetched(tmp_path, chain, blocks):
    sample = base_fee()
    partial = Partial(tmp_path / "gas.csv", request("gas", 1, {}, sample))
    try:
        asyncio.run(
            download_samples(chain, sample, blocks, partial, advance=lambda _done, _total: None)
        )
        partial.finish()
    finally:
        partial.close()
    lines = (tmp_path / "gas.csv").read_text().splitlines()[1:]
    return [tuple(int(cell) for cell in line.split(",")) for line in lines]


def test_every_step_is_fetched_once(tmp_path):
    chain = Chain([T0 + 12 * n for n in range(100)])
    rows = fetched(tmp_path, chain, Blocks(3, 99, 4))
    assert rows == [(T0 + 12 * n, n, 100 + n) for n in range(3, 100, 4)]
    assert chain.asked == list(range(3, 100, 4))


def test_of_several_blocks_in_one_second_the_first_is_kept(tmp_path):
    chain = Chain([T0 + n // 4 for n in range(100)])
    rows = fetched(tmp_path, chain, Blocks(0, 99, 1))
    assert [block for _, block, _ in rows] == list(range(0, 100, 4))
    assert all(left[0] < right[0] for left, right in pairwise(rows))


def test_a_block_that_the_node_does_not_have_is_said(tmp_path):
    with pytest.raises(DataError, match="no block 5"):
        fetched(tmp_path, Chain([T0] * 5), Blocks(0, 9, 1))
