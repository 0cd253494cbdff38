"""Rule 3: an intent owns one slot; every payload for it is journaled before it is sent."""

from __future__ import annotations

from tests import worlds
from tests.executions import check_books
from tests.unit.execution.stage import LEVERED, Stage

from leverd.domain.plan_events import PlanCompleted
from leverd.domain.slot_events import AttemptSigned, SlotIncluded, SlotReorganised


async def test_every_attempt_of_an_intent_has_the_slot_and_the_sequence_of_the_first():
    stage = Stage()
    await stage.begin(2)
    stage.chain.base_fee = 60 * worlds.GWEI
    await stage.turns(7)
    attempts = stage.events(AttemptSigned)
    assert len(attempts) > 1
    assert {(each.slot, each.sequence, each.plan_id) for each in attempts} == {
        (0, 0, attempts[0].plan_id)
    }
    check_books(stage.journal, stage.chain)


async def test_included_is_provisional_until_final_and_a_reorganisation_reopens():
    stage = Stage()
    await stage.begin(2)
    await stage.turns()
    stage.chain.reorganise(1, forget=True)
    stage.chain.mine()
    await stage.executor.tend()
    assert len(stage.events(SlotReorganised)) == 1
    assert stage.executor.open_slots == 1
    await stage.settle()
    assert len(stage.events(SlotIncluded)) == 2
    check_books(stage.journal, stage.chain)


async def test_beside_an_open_slot_only_a_deleverage_begins_and_it_takes_that_slot():
    stage = Stage(LEVERED, delay_blocks=9)
    assert (await stage.begin("2.8"))[0]
    assert not (await stage.begin("2.9"))[0]
    assert (await stage.begin("1.5", urgent=True))[0]
    assert {slot for slot, _ in stage.attempts()} == {0}


async def test_an_unknown_outcome_never_becomes_a_failure():
    stage = Stage(delay_blocks=4)
    await stage.begin(2)
    stage.chain.forget()
    await stage.turns(3)
    assert stage.aborted() == []
    await stage.settle()
    assert len(stage.events(PlanCompleted)) == 1
