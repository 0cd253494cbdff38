"""What was mined may be undone, by the chain or because it never was ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests import worlds
from tests.executions import check_books, view_of
from tests.unit.execution.stage import Stage

from leverd.adapters.simulated import markets
from leverd.adapters.simulated.faults import Fault, PlannedFaults
from leverd.domain.events import AlertRaised, ExternalChanged, TradingStateChanged
from leverd.domain.plan_events import PlanCompleted, StepMismatched, StepVerified
from leverd.domain.slot_events import SlotFinal, SlotIncluded, SlotLost, SlotReorganised
from leverd.errors import UnreachableError
from leverd.execution import facts
from leverd.interfaces.venue import Sighting


async def test_a_block_that_is_undone_opens_its_slot_until_it_is_mined_again():
    stage = Stage()
    await stage.begin(2)
    await stage.turns(2)
    stage.chain.reorganise(2)
    stage.chain.mine(1)
    await stage.executor.tend()
    kinds = [type(entry.event) for entry in stage.journal.replay()]
    assert kinds[-3:] == [SlotReorganised, SlotIncluded, StepVerified]
    assert len(stage.events(PlanCompleted)) == 1, "a plan ends once"
    await stage.turns(5)
    assert stage.executor.open_slots == 0


async def test_an_undone_payload_that_pools_forgot_is_sent_again():
    stage = Stage()
    await stage.begin(2)
    await stage.turns(2)
    stage.chain.reorganise(2, forget=True)
    stage.chain.mine()
    await stage.executor.tend()
    assert stage.executor.open_slots == 1
    await stage.turns(2)
    assert stage.executor.open_slots == 0
    assert [each.succeeded for each in stage.events(SlotIncluded)] == [True, True]
    check_books(stage.journal, stage.chain)


async def test_what_is_undone_for_good_is_said_with_how_things_stand_without_it():
    stage = Stage()
    await stage.begin(2)
    await stage.turns(2)
    stage.chain.reorganise(2, forget=True)
    await stage.turns(1, seconds=700)
    await stage.settle()
    (fact,) = stage.events(ExternalChanged)
    assert (fact.cause, fact.explained) == ("reorganised", True)
    assert dict(fact.snapshot.idle) == {"WETH": 10 * worlds.WETH.unit}
    assert fact.snapshot.owed == {}
    view, _ = await view_of(stage.venue)
    assert not any(view.state.position.loan.debts.values())


async def test_steps_that_end_up_in_one_block_are_verified_together():
    stage = Stage(atomic=False, final_depth=9)
    await stage.begin("1.5")
    await stage.turns(3)
    stage.chain.reorganise(3)
    stage.chain.mine()
    held = stage.chain.blocks[-1].mined
    assert len(held) >= 3, "or the test proves nothing"
    await stage.executor.tend()
    await stage.settle()
    assert stage.events(StepMismatched) == []
    assert len(stage.events(PlanCompleted)) == 1
    again = [
        each.step for each in stage.events(StepVerified) if each.tx_hash == held[0].sent.tx_hash
    ]
    assert again == [0, 0]


async def test_what_stands_on_an_undone_step_is_undone_and_verified_after_it():
    """One node tells of the step alone; its nonce says that nothing above it stands either."""
    stage = Stage(atomic=False, final_depth=9)
    await stage.begin("1.5")
    await stage.turns(3)
    included = [each.slot for each in stage.events(SlotIncluded)]
    assert included == [0, 1, 2]
    look = stage.venue.look

    async def look_past(slot: int, tx_hashes: Sequence[str]) -> Sighting:
        seen: Sighting = await look(slot, tx_hashes)
        return seen if slot else replace(seen, spent=False, inclusion=None)

    stage.venue.look = look_past
    await stage.executor.tend()
    stage.venue.look = look
    await stage.executor.tend()
    told = stage.events(SlotReorganised, SlotIncluded)[3:]
    assert [(type(each), each.slot) for each in told] == [
        (kind, slot) for kind in (SlotReorganised, SlotIncluded) for slot in included
    ]
    assert stage.events(StepMismatched) == []


async def test_a_next_step_waits_for_the_one_before_it_that_was_undone():
    stage = Stage(atomic=False, final_depth=9)
    await stage.begin("1.5")
    rehearse = stage.venue.rehearse

    async def silent(*_: object) -> int:
        raise UnreachableError("no answer", number=1)

    stage.venue.rehearse = silent
    await stage.turns(2)
    assert [each.slot for each in stage.events(SlotIncluded)] == [0], "its next step waits"
    stage.chain.reorganise(2, forget=True)
    stage.chain.mine()
    stage.venue.rehearse = rehearse
    await stage.executor.tend()
    assert [each.slot for each in stage.events(SlotReorganised)] == [0]
    assert stage.attempts() == [(0, "act")], "and not beside the one that is open again"
    await stage.settle()
    assert len(stage.events(PlanCompleted)) == 1
    assert stage.events(StepMismatched) == []
    check_books(stage.journal, stage.chain)


async def test_no_slot_is_let_go_of_before_those_below_it():
    """Two steps end up in one block; the lower is seen there only once the upper is final."""
    stage = Stage(atomic=False, delay_blocks=2)
    await stage.begin("1.5")
    await stage.turns(2)
    assert [each.block for each in stage.events(SlotIncluded)] == [3]
    stage.chain.reorganise(2)
    stage.chain.pool[1] = replace(stage.chain.pool[1], from_block=2)
    stage.chain.mine()
    assert [each.sent.nonce for each in stage.chain.head.mined] == [0, 1], "or it proves nothing"
    look, rehearse = stage.venue.look, stage.venue.rehearse

    async def silent(*_: object) -> int:
        raise UnreachableError("no answer", number=1)

    stage.venue.rehearse = silent  # nothing is signed above them
    await stage.executor.tend()

    async def silent_below(slot: int, tx_hashes: Sequence[str]) -> Sighting:
        if slot == 0:
            raise UnreachableError("no answer", number=1)
        seen: Sighting = await look(slot, tx_hashes)
        return seen

    stage.venue.look = silent_below
    await stage.turns(4)
    assert stage.events(SlotFinal) == []
    stage.venue.look, stage.venue.rehearse = look, rehearse
    await stage.settle()
    assert stage.events(StepMismatched) == []
    assert len(stage.events(PlanCompleted)) == 1
    check_books(stage.journal, stage.chain)


async def test_a_later_step_is_cancelled_when_an_earlier_one_fails_after_all():
    stage = Stage(atomic=False, delay_blocks=2, final_depth=9)
    await stage.begin("1.5")
    await stage.turns(4)
    assert stage.attempts() == [(0, "act"), (1, "act"), (2, "act")]
    stage.chain.reorganise(4, forget=True)
    await stage.turns(1, seconds=700)
    await stage.settle()
    cancelled = {slot for slot, purpose in stage.attempts() if purpose == "cancel"}
    assert cancelled == {0, 1, 2}
    assert len(stage.aborted()) == 1
    assert not any(each.inclusion.succeeded and each.sent.step for each in stage.mined())


async def test_a_slot_a_stranger_spent_is_lost_said_and_makes_the_position_careful():
    stage = Stage()
    await stage.begin(2)
    stage.chain.forget()
    stage.chain.change(markets.spent)
    await stage.turns()
    assert stage.events(SlotLost) == [], "one look proves nothing"
    await stage.turns()
    assert [each.slot for each in stage.events(SlotLost)] == [0]
    told = [(each.state, each.by) for each in stage.events(TradingStateChanged)]
    assert told == [("reducing", "execution")]
    assert [each.code for each in stage.events(AlertRaised)] == [facts.LOST]
    assert len(stage.aborted()) == 1
    await stage.turns(4)
    await stage.begin(2)
    final = [(each.slot, each.block_hash) for each in stage.events(SlotFinal)]
    assert final == [(0, "")], "nobody knows which block the stranger's is in"
    assert stage.attempts()[-1] == (1, "act")


async def test_what_a_stranger_took_and_the_chain_gave_back_is_ours_again():
    stage = Stage()
    await stage.begin(2)
    payload = stage.chain.pool[0]
    stage.chain.forget()
    stage.chain.change(markets.spent)
    await stage.turns(2)
    stage.chain.reorganise(2)
    stage.chain._coming.clear()
    stage.chain.pool[0] = payload
    await stage.turns(4)
    kinds = [type(each) for each in stage.events(SlotLost, SlotReorganised, SlotIncluded)]
    assert kinds in ([SlotLost, SlotIncluded], [SlotLost, SlotReorganised, SlotIncluded])
    check_books(stage.journal, stage.chain)


async def test_what_was_undone_and_then_taken_by_a_stranger_is_said_too():
    stage = Stage()
    await stage.begin(2)
    await stage.turns(2)
    stage.chain.reorganise(2, forget=True)
    stage.chain.change(markets.spent)
    stage.chain.mine(2)
    await stage.executor.tend()
    await stage.turns(2)
    assert [each.cause for each in stage.events(ExternalChanged)] == ["reorganised"]
    assert len(stage.events(SlotLost)) == 1


async def test_what_a_stranger_took_of_an_undone_step_is_not_gone_on_with():
    stage = Stage(atomic=False, final_depth=9)
    await stage.begin("1.5")
    stage.venue.faults = PlannedFaults({"rehearse": [Fault.UNREACHABLE] * 9})
    await stage.turns()
    assert len(stage.events(StepVerified)) == 1
    stage.chain.reorganise(1, forget=True)
    stage.chain.change(markets.spent)
    await stage.turns(4)
    assert [each.slot for each in stage.events(SlotLost)] == [0]
    assert stage.executor.open_slots == 0
    assert stage.attempts() == [(0, "act")]


async def test_steps_of_one_block_happened_whatever_their_market_takes_by_our_look_before():
    """A cap may be lifted in the block itself: what the chain did is not judged again."""
    stage = Stage(atomic=False, final_depth=9)
    await stage.begin("1.5")
    await stage.turns(3)
    stage.chain.reorganise(3)
    stage.chain.mine()
    assert len(stage.chain.blocks[-1].mined) >= 3, "or the test proves nothing"
    state_before = stage.venue.state_before

    async def shut_before(mandate, inclusion):
        state = await state_before(mandate, inclusion)
        reserves = {
            asset: replace(reserve, params=replace(reserve.params, frozen=True))
            for asset, reserve in state.market.reserves.items()
        }
        return state.with_market(replace(state.market, reserves=reserves))

    stage.venue.state_before = shut_before
    await stage.executor.tend()
    assert stage.events(StepMismatched) == []
    assert [each.step for each in stage.events(StepVerified)] == [0, 1, 2, 0, 1, 2]


async def test_a_block_that_has_just_become_final_stands_without_its_receipt():
    stage = Stage()
    await stage.begin(2)
    await stage.turns()
    (included,) = stage.events(SlotIncluded)
    look, final = stage.venue.look, included.block

    async def without_receipts(slot, hashes):
        seen = await look(slot, hashes)
        return replace(seen, spent=True, inclusion=None, final_block=final)

    stage.venue.look = without_receipts
    await stage.turns(3)
    assert stage.events(SlotReorganised) == []
    assert not stage.executor.provisional


async def test_a_block_that_is_not_final_yet_does_not_stand_without_its_receipt():
    stage = Stage()
    await stage.begin(2)
    await stage.turns()
    (included,) = stage.events(SlotIncluded)
    look = stage.venue.look

    async def without_receipts(slot, hashes):
        seen = await look(slot, hashes)
        return replace(seen, spent=True, inclusion=None, final_block=included.block - 1)

    stage.venue.look = without_receipts
    await stage.turns(3)
    assert len(stage.events(SlotReorganised)) == 1


@pytest.mark.parametrize("how", ["unanswered", "missed", "as of before"])
async def test_a_step_waits_until_it_is_known_of_those_beside_it_if_its_block_has_them_too(how):
    """What the block ends in would else be laid to that step alone."""
    stage = Stage(atomic=False, final_depth=9)
    await stage.begin("1.5")
    await stage.turns(3)
    stage.chain.reorganise(3)
    stage.chain.mine()
    block = stage.chain.head.number
    assert len(stage.chain.blocks[-1].mined) >= 3, "or the test proves nothing"
    look, before = stage.venue.look, len(stage.events(StepVerified))

    async def dim(slot, hashes):
        seen = await look(slot, hashes)
        if slot != 1:
            return seen
        if how == "unanswered":
            raise UnreachableError("no node answers")
        if how == "missed":
            return replace(seen, spent=True, inclusion=None)
        return replace(seen, head_block=block - 1, spent=False, inclusion=None)

    stage.venue.look = dim
    await stage.executor.tend()
    assert len(stage.events(StepVerified)) == before
    stage.venue.look = look
    await stage.executor.tend()
    await stage.executor.tend()
    again = [each.step for each in stage.events(StepVerified)][before:]
    assert again[:3] == [0, 1, 2]
    assert stage.events(StepMismatched) == []


async def test_a_slot_that_a_stranger_has_does_not_hold_up_the_one_after_it():
    """The twin: nothing of ours can be in its block any more."""
    stage = Stage(final_depth=20)
    await stage.begin(2)
    stage.chain.forget()
    stage.chain.change(markets.spent)
    await stage.turns(2)
    assert [each.slot for each in stage.events(SlotLost)] == [0]
    assert (await stage.begin(2))[0]
    await stage.turns()
    assert len(stage.events(PlanCompleted)) == 1
    assert stage.events(SlotFinal) == [], "or the test proves nothing"


async def test_slots_are_settled_in_the_order_of_their_nonces():
    stage = Stage(atomic=False, final_depth=9)
    await stage.begin("1.5")
    await stage.turns(2)
    before = len(stage.events(StepVerified))
    stage.chain.reorganise(2)
    stage.chain.mine()
    stage.chain.mine()
    stage.venue.faults = PlannedFaults({"look": [Fault.UNREACHABLE]})
    await stage.executor.tend()
    await stage.executor.tend()
    again = [each.step for each in stage.events(StepVerified)][before:]
    assert again == [0, 1, 2][: len(again)]
    assert len(again) >= 2
    await stage.settle()
    check_books(stage.journal, stage.chain)
