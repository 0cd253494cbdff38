"""Ray gives the bits that this process gives; a cluster of its own, on this machine."""

from __future__ import annotations

import pytest
from tests.unit.sweep.pasts import walk
from tests.unit.sweep.runs import zeros
from tests.unit.sweep.test_engine import tables

from leverd.backtest.sweep.bare import bare
from leverd.backtest.sweep.blocks import ground
from leverd.backtest.sweep.engine import local, on_ray
from leverd.errors import SweepError

pytestmark = [pytest.mark.prove, pytest.mark.sockets, pytest.mark.filterwarnings("default")]


def test_ray_gives_the_bits_and_the_order_of_one_process():
    past = walk(1_000, seed=6, period=24)
    over, asked = ground(past, zeros(past)), tables(9)
    with local(1)(over, bare) as run:
        one = list(run(asked))
    with on_ray("")(over, bare) as run:
        far = list(run(asked))
    assert [result.tobytes() for _, result in one] == [result.tobytes() for _, result in far]
    assert [table.tobytes() for table, _ in one] == [table.tobytes() for table, _ in far]


def test_a_cluster_that_is_not_there_is_said_to_be_so():
    past = walk(50)
    with (
        pytest.raises(SweepError, match="cannot be reached") as caught,
        on_ray("127.0.0.1:1")(ground(past, zeros(past)), bare) as run,
    ):
        list(run(tables(1)))
    assert caught.value.code == "LVD-SWP-012"
