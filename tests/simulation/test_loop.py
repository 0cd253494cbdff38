"""The virtual loop goes on for as long as anybody lives."""

from __future__ import annotations

import asyncio

import pytest
from tests.simulation.loop import VirtualLoop


@pytest.mark.parametrize("since", [0.0, 2.0**24, 2.0**33])
def test_what_is_slept_for_is_over_whatever_the_time(since):
    loop = VirtualLoop()
    loop._moment = since

    async def naps():
        for seconds in (0.1, 3.3, 1 / 3, 12.7):
            await asyncio.sleep(seconds)
        return loop.time()

    try:
        ended = loop.run_until_complete(asyncio.wait_for(naps(), 1_000))
    finally:
        loop.close()
    assert ended == pytest.approx(since + 0.1 + 3.3 + 1 / 3 + 12.7, rel=1e-9)
