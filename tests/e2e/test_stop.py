"""SIGTERM and Ctrl-C at a bad moment: settled within its grace, exit 0, and said."""

from __future__ import annotations

import signal
from decimal import Decimal

import pytest
from tests.e2e.children import moving
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.test_kill import check_nothing_lost_nothing_doubled

from leverd.domain.events import DaemonStopped
from leverd.domain.slot_events import AttemptSigned, SlotIncluded

__all__ = ["agents", "devnet", "stage"]

pytestmark = pytest.mark.chain


MOMENTS = [
    ("append", "before", 4, signal.SIGTERM),
    ("send", "before", 1, signal.SIGINT),
    ("send", "after", 1, signal.SIGTERM),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: "-".join(map(str, moment[:3])))
def test_a_stop_beside_a_send_settles_it_and_says_what_is_left(stage, agents, moment):
    with moving(stage):
        child = agents.start(stage, stage.files(), die=moment)
        assert child.ended() == 0
    assert len(stage.events(SlotIncluded)) == len(stage.events(AttemptSigned)) == 1
    (stopped,) = stage.events(DaemonStopped)
    (line,) = stopped.unguarded
    for word in ("eth-loop", "leverage 2.5000", "health 1.38", "liquidated below", "leverd unwind"):
        assert word in line
    assert line in child.said()
    check_nothing_lost_nothing_doubled(stage)


def test_a_stop_that_cannot_settle_ends_in_time_and_the_next_start_does(stage, agents):
    child = agents.start(stage, stage.files(), die=("send", "after", 1, signal.SIGTERM), grace=1.0)
    assert child.ended() == 0  # nothing mines: the slot stays open
    assert stage.events(SlotIncluded) == []
    assert "settling 1 open slot" in child.said()
    with moving(stage):
        again = agents.start(stage, stage.files())
        again.wait_calm()
        assert again.stop() == 0
    assert len(stage.events(AttemptSigned)) >= 1
    assert stage.truth().sequence == 1
    assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.0001")
    check_nothing_lost_nothing_doubled(stage)


def test_a_stop_while_it_waits_for_the_chain_ends_at_once(stage, agents):
    stage.announce("http://127.0.0.1:9")
    child = agents.start(stage, stage.files(), arguments=["--wait", "60"])
    child.wait_said("waiting for the chain")
    assert child.stop() == 0
    assert "nothing was begun" in child.said()
