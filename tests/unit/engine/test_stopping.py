"""What a stop says it leaves unguarded is what there is, not what there was a turn ago."""

from tests.unit.engine.daemons import Stage

from leverd.domain.events import DaemonStopped, Event
from leverd.domain.slot_events import SlotFinal, SlotIncluded
from leverd.errors import UnreachableError


async def test_a_position_opened_by_the_last_turn_is_left_unguarded_by_name():
    stage = Stage()
    await stage.live(1)  # the open is sent by this turn, and settled by the stop
    assert stage.owes
    (stopped,) = stage.events(DaemonStopped)
    assert "leverage 2.5" in stopped.unguarded[0]


async def test_where_no_node_answers_a_stop_says_what_was_seen_last():
    stage = Stage()
    await stage.live(12)
    observe, left = stage.venue.observe, [2]

    async def failing(mandates):
        left[0] -= 1
        if left[0] < 0:
            raise UnreachableError("gone", number=1)
        return await observe(mandates)

    stage.venue.observe = failing
    await stage.live(2)
    assert "leverage 2.5" in stage.events(DaemonStopped)[-1].unguarded[0]


async def test_a_stop_writes_that_what_was_mined_is_final():
    """Its receipt may be gone when the next one starts, and a stranger would be suspected."""
    stage = Stage()
    await stage.live(12)
    (mined,) = stage.events(SlotIncluded)
    assert [event.slot for event in stage.events(SlotFinal)] == [mined.slot]
    assert isinstance(stage.events(Event)[-1], DaemonStopped)
