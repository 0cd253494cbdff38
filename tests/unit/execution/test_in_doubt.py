"""A transaction about which the last look said too little counts as under way."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.execution.stage import Stage

from leverd.adapters.simulated.faults import Fault, PlannedFaults


async def mined() -> Stage:
    """Return a stage whose one transaction is in a block that may still go."""
    stage = Stage()
    await stage.begin(2)
    await stage.turns(2)
    assert stage.executor.open_slots == 0
    assert stage.executor.provisional
    return stage


async def test_a_slot_that_the_last_look_did_not_reach_is_in_doubt_until_the_next_does():
    stage = await mined()
    stage.venue.faults = PlannedFaults({"look": [Fault.UNREACHABLE]})

    await stage.turns()
    assert stage.executor.open_slots == 1
    await stage.turns()
    assert stage.executor.open_slots == 0


async def test_a_slot_whose_receipt_was_missed_is_in_doubt_until_it_is_found():
    stage = await mined()
    look = stage.venue.look

    async def missing(slot, hashes):
        return replace(await look(slot, hashes), spent=True, inclusion=None)

    stage.venue.look = missing
    await stage.executor.tend()
    assert stage.executor.open_slots == 1
    stage.venue.look = look
    await stage.executor.tend()
    assert stage.executor.open_slots == 0


async def test_an_open_slot_in_doubt_counts_once():
    stage = Stage()
    stage.chain.delay_blocks = 9
    await stage.begin(2)
    stage.venue.faults = PlannedFaults({"look": [Fault.UNREACHABLE]})

    await stage.turns()
    assert stage.executor.open_slots == 1
