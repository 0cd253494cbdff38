"""A daemon that is told when it is done: one-shot commands take its own turns."""

from __future__ import annotations

import asyncio

from tests.unit.engine.daemons import Stage

from leverd.domain.events import DaemonStopped
from leverd.domain.plan_events import PlanCompleted
from leverd.interfaces.requests import RequestKind

TURNS_MAX = 40


async def run(stage, done):
    """Run a fresh daemon until `done`, with a stop behind it that must not be needed."""
    daemon, stop, turns = stage.daemon(), asyncio.Event(), []

    def counted(views):
        turns.append(views)
        if len(turns) > TURNS_MAX:
            stop.set()
        return done(views)

    return await daemon.run(stop, done=counted), len(turns)


async def test_it_ends_by_itself_once_nothing_is_owed_and_nothing_flies():
    stage = Stage()
    await stage.live(3)
    assert stage.owes
    stage.requests.put(RequestKind.UNWIND, "loop", "test")
    reason, turns = await run(
        stage, lambda views: not any(view.state.position.loan.debts for view in views.values())
    )
    assert reason == "done"
    assert turns <= TURNS_MAX
    assert not stage.owes
    assert len(stage.events(PlanCompleted)) == 2
    assert stage.events(DaemonStopped)[-1].reason == "done"
    assert stage.events(DaemonStopped)[-1].unguarded == ()


async def test_done_waits_for_what_is_in_flight():
    stage, seen = Stage(), []
    daemon = stage.daemon()

    def at_once(views):
        seen.append(daemon._world.executor.open_slots)
        return True

    assert await daemon.run(asyncio.Event(), done=at_once) == "done"
    assert seen[0] == 1, "the open was just sent"
    assert seen[-1] == 0
    assert stage.events(PlanCompleted)


async def test_what_is_never_done_goes_on_until_told_to_stop():
    stage = Stage()
    reason, turns = await run(stage, lambda _: False)
    assert reason == "asked to stop"
    assert turns == TURNS_MAX + 1
