"""Start-up is recovery: what the journal says may still be under way."""

from __future__ import annotations

from dataclasses import replace

from tests import worlds
from tests.executions import check_books
from tests.unit.execution.stage import Stage, second

from leverd.domain.events import DaemonStarted, ExternalChanged
from leverd.domain.plan_events import PlanCompleted, StepVerified
from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.execution import recovery
from leverd.interfaces.journal import Entry


async def test_a_plan_in_flight_is_finished_by_the_next_process():
    stage = Stage()
    await stage.begin(2)
    stage.chain.mine()
    await stage.another().recover()
    assert len(stage.events(PlanCompleted)) == 1
    check_books(stage.journal, stage.chain)


async def test_a_new_journal_has_nothing_to_recover():
    stage = Stage()
    await stage.executor.recover()
    assert stage.journal.commits == 0
    assert stage.executor.open_slots == 0


async def test_recovery_sends_the_same_bytes_again():
    stage = Stage()
    await stage.begin(2)
    stage.chain.forget()
    await stage.another().recover()
    assert stage.chain.holds(stage.events(AttemptSigned)[0].tx_hash)
    assert stage.attempts() == [(0, "act")]


async def test_recovery_cancels_what_is_past_its_deadline():
    stage = Stage()
    await stage.begin(2)
    stage.chain.forget()
    stage.chain.mine(seconds=700)
    executor = stage.another()
    await executor.recover()
    assert executor.open_slots == 1, "still open: tend goes on with it"
    await stage.turns(2)
    assert stage.aborted() == ["the deadline passed"]


async def test_a_sequence_is_never_resumed():
    stage = Stage(atomic=False)
    await stage.begin("1.5")
    await stage.turns(2)
    await stage.another().recover()
    await stage.turns(3)
    assert stage.aborted() == ["restarted"]
    assert len(stage.events(StepVerified)) == 3
    assert stage.executor.open_slots == 0


async def test_a_plan_between_two_steps_is_aborted_at_once():
    stage = Stage(atomic=False)
    await stage.begin("1.5")
    stage.executor.abandon("", "a crash")
    known = list(stage.journal.replay())
    await stage.turns()
    verified = stage.events(StepVerified)
    journal = [*known, *(Entry(9, known[0].written_at, 0, each) for each in verified)]
    journal += [Entry(10, known[0].written_at, 0, each) for each in stage.events(SlotIncluded)]
    cut = recovery.cut_off(recovery.restored(journal, stage.venue.signer))
    assert [(each.step, each.reason) for each in cut] == [(1, "restarted")]


async def test_a_position_that_left_the_settings_is_not_verified_but_settled():
    stage = Stage()
    await stage.begin(2)
    executor = stage.another(second())
    await executor.recover()
    stage.chain.mine()
    await executor.tend()
    assert stage.aborted() == ["its position left the settings"]
    assert executor.open_slots == 0


async def test_a_position_that_left_the_settings_is_bid_for_no_more():
    stage = Stage()
    await stage.begin(2)
    stage.chain.base_fee = 60 * worlds.GWEI
    await stage.another(second()).recover()
    await stage.turns(8)
    assert stage.attempts() == [(0, "act")]


async def test_what_was_undone_of_a_position_no_longer_named_is_not_looked_at():
    stage = Stage()
    await stage.begin(2)
    await stage.turns()
    stage.chain.reorganise(1, forget=True)
    await stage.another(second()).recover()
    stage.chain.forget()
    await stage.turns(1, seconds=700)
    await stage.settle()
    assert stage.events(ExternalChanged) == []
    assert stage.attempts()[-1] == (0, "cancel")


async def test_slots_of_another_key_are_not_ours():
    stage = Stage()
    await stage.begin(2)
    entries = list(stage.journal.replay())
    assert recovery.restored(entries, "0xother").slots == {}
    assert set(recovery.restored(entries, stage.venue.signer.upper()).slots) == {0}


async def test_the_lowest_unused_nonce_survives_a_restart_on_a_node_that_lags():
    stage = Stage()
    await stage.begin(2)
    await stage.turns(6)
    await stage.begin("1.5")
    await stage.turns(6)
    await stage.another().recover()
    inner = stage.venue.observe

    async def lagging(mandates):
        return replace(await inner(mandates), nonce=0)

    stage.venue.observe = lagging
    await stage.begin(2)
    assert stage.attempts()[-1] == (2, "act")


def test_other_events_tell_recovery_nothing():
    known = recovery.Known()
    assert recovery.fold(known, DaemonStarted("1", "devnet", ""), 5, "0x") == known


async def test_a_step_of_an_ended_plan_tells_recovery_nothing_new():
    stage = Stage()
    await stage.begin(2)
    await stage.turns()
    entries = list(stage.journal.replay())
    verified = next(entry for entry in entries if isinstance(entry.event, StepVerified))
    known = recovery.restored(entries, stage.venue.signer)
    assert known.flights == {}
    assert recovery.fold(known, verified.event, 5, stage.venue.signer) == known
