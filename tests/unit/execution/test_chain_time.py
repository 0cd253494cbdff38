"""What time it is on the chain: no node can turn it back, and none alone can turn it far ahead."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.execution.stage import LEVERED, Stage

from leverd.domain.plan_events import PlanCompleted
from leverd.execution.chain_time import ChainTime

NOON = 1_700_000_000
YEAR = 31_536_000


def told(*, views=(), looks=()):
    time = ChainTime()
    for at in views:
        time.view(at)
    for at in looks:
        time.look(at)
    return time.now


def test_it_never_goes_back():
    assert told(views=(NOON, NOON - 60)) == NOON
    assert told(views=(NOON,), looks=(NOON + 60, NOON)) == NOON + 60


def test_a_look_is_believed_to_a_quarter_of_an_hour_beyond_the_newest_view():
    assert told(views=(NOON,), looks=(NOON + 900,)) == NOON + 900
    assert told(views=(NOON,), looks=(NOON + 901,)) == NOON
    assert told(views=(NOON, NOON + 500), looks=(NOON + 1_400,)) == NOON + 1_400


def test_before_there_is_a_view_looks_are_all_there_is_and_a_view_corrects_them():
    time = ChainTime()
    time.look(NOON + YEAR)
    assert time.now == NOON + YEAR
    time.view(0)  # nobody looked yet
    assert time.now == NOON + YEAR
    time.view(NOON)
    assert time.now == NOON


async def test_a_node_that_lies_about_the_time_neither_cancels_an_act_nor_holds_a_rescue_back():
    stage = Stage(LEVERED, delay_blocks=2)
    look = stage.venue.look

    async def lying(slot, hashes):
        seen = await look(slot, hashes)
        return replace(seen, head_at=seen.head_at + YEAR)

    await stage.begin("2.2")
    stage.venue.look = lying
    await stage.turns(6)
    assert stage.attempts() == [(0, "act")]
    assert len(stage.events(PlanCompleted)) == 1

    begun, _ = await stage.begin("1.5", urgent=True)
    assert begun
    await stage.turns(6)
    assert len(stage.events(PlanCompleted)) == 2
