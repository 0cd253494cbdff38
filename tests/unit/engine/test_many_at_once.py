"""Several positions lower risk in one crash: none waits for another's silence or pause."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import worlds
from tests.unit.engine.daemons import Stage

from leverd.domain.plan import Purpose
from leverd.domain.plan_events import PlanApproved, PlanCompleted
from leverd.errors import NonsenseError, UnreachableError

OTHERS = {"second": "4.0", "third": "3.9"}
SILENCE = UnreachableError("no answer", number=1)


def crashed():
    """Return a stage of three positions that are all below their trigger, `loop` the lowest."""
    states = []
    for name, leverage in OTHERS.items():
        state = worlds.at_leverage(leverage)
        mandate = worlds.mandate(position_id=name, account=f"0x{name}")
        states.append(replace(state, position=replace(state.position, mandate=mandate)))
    stage = Stage(worlds.at_leverage("4.1"), more=states)
    stage.waits = []
    sleep = stage.clock.sleep

    async def noting(seconds):
        stage.waits.append(seconds)
        await sleep(seconds)

    stage.clock.sleep = noting
    return stage


def mute(stage, position, error=SILENCE):
    """Have nobody answer when a step of `position` is rehearsed."""
    rehearse = stage.venue.rehearse

    async def muted(mandate, *rest):
        if mandate.position_id == position:
            raise error
        return await rehearse(mandate, *rest)

    stage.venue.rehearse = muted


def begun(stage):
    return [plan.position_id for plan in stage.events(PlanApproved)]


async def test_after_a_start_the_next_deleverage_follows_without_a_pause():
    stage = crashed()
    await stage.live(3)
    assert begun(stage) == ["loop", "second", "third"]
    assert {plan.purpose for plan in stage.events(PlanApproved)} == {Purpose.DELEVERAGE}
    assert stage.waits[:2] == [0.0, 0.0]
    assert stage.waits[2] > 0, "nobody waits any more"


@pytest.mark.parametrize("error", [SILENCE, NonsenseError("odd", number=3)])
async def test_a_position_whose_rehearsal_has_no_answer_holds_no_other_back(error):
    stage = crashed()
    mute(stage, "loop", error)
    await stage.live(1)
    assert begun(stage) == ["second"]
    await stage.live(8)
    assert {plan.position_id for plan in stage.events(PlanCompleted)} == set(OTHERS)
    assert "loop" not in begun(stage)


async def test_a_silence_that_lets_nobody_begin_is_an_outage_that_is_said_and_waited_out():
    stage = crashed()
    for name in ("loop", *OTHERS):
        mute(stage, name)
    await stage.live(3)
    assert begun(stage) == []
    assert stage.told.codes.count("LVD-NET-001") == 1
    assert len(stage.beats) == 3, "it looked and judged"
    assert all(0 < seconds <= 12 for seconds in stage.waits[:2])


async def test_one_that_stands_alone_waits_its_pace_after_a_start():
    stage = Stage()
    stage.waits = []
    sleep = stage.clock.sleep

    async def noting(seconds):
        stage.waits.append(seconds)
        await sleep(seconds)

    stage.clock.sleep = noting
    await stage.live(4)
    assert min(stage.waits[:3]) >= 12
