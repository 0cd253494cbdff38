"""Begin a plan, carry it through, and settle what became of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.executions import WAYS, approve, check_books, wish
from tests.unit.execution.stage import LEVERED, Stage, second, second_at

from leverd.adapters.simulated import markets
from leverd.adapters.simulated.faults import Fault, PlannedFaults
from leverd.domain.events import AlertRaised, PnlRecorded
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.slot_events import AttemptSigned, SlotFinal, SlotIncluded
from leverd.errors import ImpossibleError, NonsenseError, UnreachableError
from leverd.execution import facts
from leverd.execution.executor import Executor, Ways
from leverd.execution.slots import Policy

REPLACED = "another transaction took its place"


async def test_a_transaction_takes_two_commits_intent_and_outcome():
    stage = Stage()
    begun, _ = await stage.begin(2)
    assert begun
    assert stage.journal.commits == 1
    await stage.turns()
    assert stage.journal.commits == 2
    kinds = [type(entry.event) for entry in stage.journal.replay()]
    assert kinds == [PlanApproved, AttemptSigned, SlotIncluded, StepVerified, PlanCompleted]
    check_books(stage.journal, stage.chain)


async def test_the_journal_names_a_payload_before_it_is_sent():
    stage = Stage()
    sent = []

    async def send(payload):
        assert payload.hex() in {each.payload for each in stage.events(AttemptSigned)}
        sent.append(payload)

    stage.venue.send = send
    await stage.begin(2)
    assert len(sent) == 1


async def test_what_is_final_is_said_with_the_next_commit_and_forgotten():
    stage = Stage()
    await stage.begin(2)
    await stage.turns(5)
    assert stage.events(SlotFinal) == []
    await stage.begin("1.5")
    assert [each.slot for each in stage.events(SlotFinal)] == [0]
    assert stage.attempts() == [(0, "act"), (1, "act")]


async def test_a_turn_tells_what_was_written_since_the_last():
    stage = Stage()
    await stage.begin(2)
    assert [type(each) for each in await stage.executor.tend()] == [PlanApproved, AttemptSigned]
    stage.chain.mine()
    assert PlanCompleted in [type(each) for each in await stage.executor.tend()]
    assert await stage.executor.tend() == ()


async def test_an_ordinary_plan_waits_for_an_open_slot():
    stage = Stage(LEVERED, delay_blocks=5)
    assert (await stage.begin(2))[0]
    assert not (await stage.begin(3))[0]
    assert not (await stage.begin("1.5"))[0]
    assert stage.attempts() == [(0, "act")]


async def test_a_plan_waits_while_gas_costs_more_than_it_is_worth():
    stage = Stage(LEVERED)
    stage.chain.base_fee = 150 * worlds.GWEI
    assert not (await stage.begin(2))[0]
    assert stage.events(PlanApproved) == []


@pytest.mark.parametrize(("left_s", "begun"), [(1, True), (0, False)])
async def test_a_plan_whose_deadline_the_chain_has_passed_is_not_signed(left_s, begun):
    """Its view came from a node that lags behind what another one has shown."""
    stage = Stage()
    approved, nonce = await _approved(stage)
    await stage.executor.tend(approved.plan.deadline - left_s)
    assert await stage.executor.start(approved, nonce) is begun
    assert len(stage.events(PlanApproved, AttemptSigned)) == 2 * begun


async def test_a_step_that_would_revert_is_not_sent_and_said_once():
    stage = Stage()
    stage.venue._pending = lambda: stage.chain.head.ledger
    stage.chain.change(markets.traded("weth-usdc", worlds.WETH, 3_100))
    seen = stage.venue.observe

    async def late(mandates):
        found = await seen(mandates)
        if len(stage.chain.blocks) == 1:
            stage.chain.mine()
        return found

    stage.venue.observe = late
    approved, nonce = await _approved(stage)
    assert not await stage.executor.start(approved, nonce)
    assert not await stage.executor.start(approved, nonce)
    assert [each.code for each in stage.events(AlertRaised)] == [facts.REHEARSAL]
    assert stage.attempts() == []


async def _approved(stage, leverage="2", **more):
    return await approve(stage.venue, wish(leverage, **more))


async def test_no_answer_before_anything_is_signed_leaves_nothing_behind():
    stage = Stage()
    stage.venue.faults = PlannedFaults({"rehearse": [Fault.UNREACHABLE]})
    with pytest.raises(UnreachableError):
        await stage.begin(2)
    assert stage.events(PlanApproved, AttemptSigned) == []
    assert (await stage.begin(2))[0]


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.NONE])
async def test_whatever_becomes_of_a_send_it_acts_once(fault):
    stage = Stage()
    stage.venue.faults = PlannedFaults({"send": [fault]})
    assert (await stage.begin(2))[0]
    await stage.turns(3)
    assert len(stage.mined()) == 1
    assert len(stage.events(PlanCompleted)) == 1
    assert stage.attempts() == [(0, "act")], "what is sent again are the same bytes"


async def test_a_chain_that_does_not_answer_leaves_everything_as_it_is():
    stage = Stage()
    await stage.begin(2)
    faults = [Fault.UNREACHABLE] * 2
    stage.venue.faults = PlannedFaults({"look": faults, "state_after": faults})
    await stage.turns(4)
    assert stage.events(SlotIncluded) == []
    assert stage.executor.open_slots == 1
    await stage.turns()
    assert len(stage.events(PlanCompleted)) == 1


async def test_a_revert_ends_the_plan_and_says_why():
    stage = Stage()
    await stage.begin(2)
    stage.chain.change(markets.traded("weth-usdc", worlds.WETH, 3_100))
    await stage.turns()
    assert stage.aborted() == ["bought too little"]
    assert [each.succeeded for each in stage.events(SlotIncluded)] == [False]
    assert stage.events(StepVerified) == []
    check_books(stage.journal, stage.chain)


async def test_a_step_that_did_something_else_is_said_leg_by_leg():
    stage = Stage()
    inner = stage.venue.state_after

    async def other(mandate, inclusion):
        state = await inner(mandate, inclusion)
        return _with_idle(state, 7)

    stage.venue.state_after = other
    await stage.begin(2)
    await stage.turns()
    (fact,) = stage.events(StepMismatched)
    assert (fact.expected, fact.found) == ({"idle::WETH": 0}, {"idle::WETH": 7})
    assert [each.code for each in stage.events(AlertRaised)] == [facts.MISMATCHED]
    assert stage.aborted() == ["mismatch"]


def _with_idle(state, raw):
    return replace(state, position=state.position.with_idle(worlds.WETH, raw))


async def test_a_receipt_that_makes_no_sense_is_asked_for_ten_times():
    stage = Stage()

    async def nonsense(*_):
        raise NonsenseError("the receipt is somebody else's")

    stage.venue.fills = nonsense
    await stage.begin(2)
    await stage.turns(9)
    assert stage.events(SlotIncluded) == []
    await stage.turns()
    assert len(stage.events(StepMismatched)) == 1
    assert stage.executor.open_slots == 0


async def test_a_mined_step_that_cannot_have_been_is_a_mismatch():
    stage = Stage()

    async def nothing(*_):
        raise ImpossibleError("less than nothing", number=1)

    stage.venue.fills = nothing
    await stage.begin(2)
    await stage.turns()
    assert [each.expected for each in stage.events(StepMismatched)] == [{"impossible": 1}]


async def test_without_a_price_what_was_done_still_stands():
    def no_price(_mandate, _done):
        raise ImpossibleError("no price for ARB", number=30)

    for ways in (
        Ways(WAYS.photograph, no_price),
        Ways(WAYS.photograph, WAYS.mark, no_price),
    ):
        stage = Stage(ways=ways)
        await stage.begin(2)
        await stage.turns()
        assert len(stage.events(PlanCompleted)) == 1


async def test_a_sequence_goes_on_step_by_step_with_a_rehearsal_each():
    stage = Stage(atomic=False)
    _, plan = await stage.begin("1.5")
    await stage.settle()
    steps = stage.events(StepVerified)
    assert [each.step for each in steps] == list(range(len(steps)))
    assert len(steps) > 3
    assert [each.plan_id for each in stage.events(PlanCompleted)] == [plan]
    check_books(stage.journal, stage.chain)


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("blocks", [None, 2])
async def test_a_send_answered_without_sense_leaves_its_sequence_running(taken, blocks):
    stage = Stage(atomic=False)
    policy = Policy(relay_blocks=blocks)
    stage.executor = Executor(stage.venue, stage.journal, stage.mandates, WAYS, policy)
    send, left = stage.venue.send, [3]

    async def odd(payload, *, private=False):
        left[0] -= 1
        if taken or left[0] < 0:
            await send(payload, private=private)
        if left[0] >= 0:
            raise NonsenseError("no hash", number=3)

    stage.venue.send = odd
    _, plan = await stage.begin("1.5")
    await stage.settle()
    assert left[0] < 0
    assert [each.plan_id for each in stage.events(PlanCompleted)] == [plan]
    check_books(stage.journal, stage.chain)


async def test_a_sequence_waits_between_steps_for_a_chain_that_answers_again():
    stage = Stage(atomic=False)
    await stage.begin("1.5")
    stage.venue.faults = PlannedFaults({"rehearse": [Fault.UNREACHABLE] * 2})
    await stage.turns(2)
    assert len(stage.attempts()) == 1
    assert stage.executor.open_slots == 1, "a step that is due counts as under way"
    await stage.settle()
    assert len(stage.events(PlanCompleted)) == 1


async def test_a_sequence_ends_when_its_next_step_would_revert():
    stage = Stage(atomic=False)
    await stage.begin("2.5", health_min=Decimal("1.3"))
    stage.chain.change(markets.priced(worlds.WETH, 100))
    await stage.turns(2)
    assert len(stage.events(PlanAborted)) == 1
    assert stage.executor.open_slots == 0


async def test_a_sequence_ends_at_its_deadline():
    stage = Stage(atomic=False)
    await stage.begin("1.5")
    stage.venue.faults = PlannedFaults({"rehearse": [Fault.UNREACHABLE] * 2})
    await stage.turns(1)
    await stage.turns(1, seconds=700)
    assert stage.aborted() == ["the deadline passed"]
    assert stage.executor.open_slots == 0


async def test_a_plan_that_is_given_up_between_two_steps_signs_no_more():
    stage = Stage(atomic=False)
    await stage.begin("1.5")
    stage.venue.faults = PlannedFaults({"rehearse": [Fault.UNREACHABLE]})
    await stage.turns()
    stage.executor.abandon("other", "not this one")
    assert stage.executor.open_slots == 1
    stage.executor.abandon("loop", "the owner said halt")
    assert stage.executor.open_slots == 0
    await stage.turns(2)
    await stage.begin(2)
    assert stage.aborted() == ["the owner said halt"]


async def test_a_plan_that_is_overruled_between_two_steps_signs_no_more():
    stage = Stage(atomic=False)
    await stage.begin("1.5")
    stage.venue.faults = PlannedFaults({"rehearse": [Fault.UNREACHABLE]})
    await stage.turns()
    await stage.executor.overrule(lambda _: False, "nothing is wrong with it")
    assert stage.executor.open_slots == 1, "its next step is due"
    await stage.executor.overrule(lambda _: True, "the owner lowered a limit")
    assert stage.executor.open_slots == 0
    await stage.turns(2)
    assert stage.attempts() == [(0, "act")]
    assert [(each.step, each.reason) for each in stage.events(PlanAborted)] == [
        (1, "the owner lowered a limit")
    ]


async def test_a_plan_that_is_given_up_in_flight_is_settled_first():
    stage = Stage(atomic=False)
    await stage.begin("1.5")
    stage.executor.abandon("", "stopping")
    await stage.turns(2)
    assert len(stage.events(StepVerified)) == 1
    assert stage.aborted() == ["restarted"]
    assert len(stage.attempts()) == 1


async def test_a_deleverage_takes_the_place_of_a_boost_that_waits():
    stage = Stage(LEVERED, delay_blocks=4)
    _, boost = await stage.begin("2.8")
    begun, rescue = await stage.begin("1.5", urgent=True)
    assert begun
    assert stage.attempts() == [(0, "act"), (0, "act")]
    assert stage.aborted() == [], "either may still be mined"
    await stage.settle()
    assert [(each.plan_id, each.step, each.reason) for each in stage.events(PlanAborted)] == [
        (boost, 0, REPLACED)
    ]
    assert [each.plan_id for each in stage.events(PlanCompleted)] == [rescue]
    check_books(stage.journal, stage.chain)


async def test_what_was_to_be_replaced_may_be_mined_all_the_same():
    stage = Stage(LEVERED, delay_blocks=2)
    _, boost = await stage.begin("2.8")
    stage.venue.faults = PlannedFaults({"send": [Fault.DROPPED]})
    _, rescue = await stage.begin("1.5", urgent=True)
    await stage.turns(2)
    await stage.settle()
    ends = {each.plan_id: type(each) for each in stage.events(PlanCompleted, PlanAborted)}
    assert ends in (
        {boost: PlanCompleted, rescue: PlanAborted},
        {boost: PlanAborted, rescue: PlanCompleted},
    )
    check_books(stage.journal, stage.chain)


async def test_a_deleverage_is_not_replaced_by_the_next_turns_one():
    stage = Stage(LEVERED, delay_blocks=4)
    assert (await stage.begin("1.5", urgent=True))[0]
    stage.chain.mine()
    assert not (await stage.begin("1.4", urgent=True))[0]


async def test_deleverages_of_separate_accounts_fly_side_by_side():
    stage = Stage(
        LEVERED, more=[second_at("2.5")], mandates=[worlds.mandate(), second()], delay_blocks=3
    )
    assert (await stage.begin("1.5", urgent=True))[0]
    assert (await stage.begin("1.5", urgent=True, mandate=second()))[0]
    assert stage.attempts() == [(0, "act"), (1, "act")]
    await stage.settle()
    assert len(stage.events(PlanCompleted)) == 2
    check_books(stage.journal, stage.chain)


async def test_another_accounts_deleverage_takes_the_lowest_slot_from_a_boost():
    stage = Stage(
        LEVERED, more=[second_at("2.5")], mandates=[worlds.mandate(), second()], delay_blocks=3
    )
    await stage.begin("2.8")
    assert (await stage.begin("1.5", urgent=True, mandate=second()))[0]
    assert [each.slot for each in stage.events(AttemptSigned)] == [0, 0]
    await stage.settle()
    assert stage.aborted() == [REPLACED]
    check_books(stage.journal, stage.chain)


async def test_a_deleverage_ends_a_sequence_that_waits_between_two_steps():
    stage = Stage(LEVERED, atomic=False)
    _, slow = await stage.begin("2.8")
    stage.venue.faults = PlannedFaults({"rehearse": [Fault.UNREACHABLE]})
    await stage.turns()
    assert not (await stage.begin("2.6"))[0], "an ordinary plan waits"
    assert (await stage.begin("1.5", urgent=True))[0]
    assert [(each.plan_id, each.reason) for each in stage.events(PlanAborted)] == [(slow, REPLACED)]
    await stage.settle()
    check_books(stage.journal, stage.chain)


async def test_what_a_deleverage_ended_between_two_steps_signs_no_more_while_that_waits():
    stage = Stage(LEVERED, atomic=False)
    _, slow = await stage.begin("2.8")
    stage.venue.faults = PlannedFaults({"rehearse": [Fault.UNREACHABLE]})
    await stage.turns()
    stage.chain.delay_blocks = 3
    assert (await stage.begin("1.5", urgent=True))[0]
    assert stage.executor.open_slots == 1
    await stage.turns(2)
    assert [each.slot for each in stage.events(AttemptSigned) if each.plan_id == slow] == [0]
    assert stage.executor.open_slots == 1


async def test_the_last_mark_of_a_plan_follows_its_end_and_the_others_go_before():
    def mark(mandate, done):
        snapshot = WAYS.photograph(done.after, facts.stamp_of(done.inclusion, "test"))
        return tuple(
            PnlRecorded(mandate.position_id, snapshot, {"gas": -number}, 1, 1)
            for number in (1, 2, 3)
        )

    stage = Stage(ways=Ways(WAYS.photograph, mark))
    await stage.begin(2)
    await stage.settle()
    told = [
        each if isinstance(each, PlanCompleted) else each.attribution["gas"]
        for each in stage.events(PnlRecorded, PlanCompleted)
    ]
    assert [each if isinstance(each, int) else "end" for each in told] == [-1, -2, "end", -3]


@pytest.mark.parametrize(("target", "urgent"), [("1.4", True), ("2.8", False)])
async def test_between_two_steps_of_a_rescue_neither_another_nor_a_boost_begins(target, urgent):
    stage = Stage(LEVERED, atomic=False)
    assert (await stage.begin("1.5", urgent=True))[0]
    steps = len(stage.attempts())
    stage.venue.faults = PlannedFaults({"rehearse": [Fault.UNREACHABLE]})
    await stage.turns()
    assert len(stage.attempts()) == steps, "its next step waits"

    assert not (await stage.begin(target, urgent=urgent))[0]
    await stage.settle()
    assert len(stage.events(PlanApproved)) == 1
    assert stage.aborted() == []


@pytest.mark.parametrize(
    ("target", "wanted", "urgent"), [("1.5", True, True), (1, False, False), ("2.8", False, False)]
)
async def test_a_deleverage_is_signed_as_urgent_however_calm_it_is(target, wanted, urgent):
    stage = Stage(LEVERED)
    await stage.begin(target, urgent=wanted)

    (signed,) = stage.events(AttemptSigned)
    assert signed.urgent is urgent
