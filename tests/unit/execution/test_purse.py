"""Bids that the key can pay for: what a node would not take saves nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import worlds
from tests.executions import approve, wish
from tests.unit.execution.stage import LEVERED, Stage, second, second_at
from tests.worlds import GWEI

from leverd.domain.events import AlertRaised
from leverd.domain.plan_events import PlanAborted, PlanCompleted
from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.domain.view import Gas
from leverd.errors import OwnerError, RefusedError
from leverd.execution import purse
from leverd.execution.purse import Purse
from leverd.execution.slots import Signed, Slot
from leverd.interfaces.venue import Fees

LIMIT = 562_500  # gas, what the simulated venue asks for a deleverage
GAS = Gas(200 * GWEI, GWEI, 3_000 * 10**8, 0)


def holding(stage, wei):
    """Let the key hold `wei`, as of the next block."""
    stage.chain.change(lambda ledger: replace(ledger, native=wei))
    stage.chain.mine()


def shorts(stage):
    return [each for each in stage.events(AlertRaised) if each.code == "LVD-EXE-005"]


def test_the_most_is_what_is_held_less_what_others_take():
    assert Purse(1_000).most(10) == 100
    assert Purse(1_000, 400).most(7) == 85
    assert Purse(1_000, 1_001).most(7) == 0


async def test_each_slot_that_waits_takes_its_limit_times_its_highest_bid():
    stage = Stage(LEVERED, delay_blocks=9)
    await stage.begin(2)
    (signed,) = stage.events(AttemptSigned)
    higher = replace(signed, max_fee=2 * signed.max_fee)
    slot = Slot(0, (Signed(signed, 0), Signed(higher, 0)))
    assert purse.bound_by([]) == 0
    assert purse.bound_by([slot, slot]) == 4 * signed.gas_limit * signed.max_fee


@pytest.mark.parametrize(
    ("most", "bid"),
    [
        (10_000, Fees(822, 5)),  # plenty
        (822 * 121 // 100 + 1, Fees(822, 5)),
        (600, Fees(495, 5)),  # room for what takes its place
        (220, Fees(205, 5)),  # no room, but what the next block asks
        (203, Fees(203, 5)),  # less of a tip
        (200, Fees(200, 5)),
    ],
)
def test_a_bid_is_what_can_be_paid_and_goes_into_the_next_block(most, bid):
    gas = Gas(200, 1, 1, 0)
    assert purse.paid_for(Fees(822, 5), most, gas) == bid


def test_a_key_that_cannot_pay_for_the_next_block_says_so():
    with pytest.raises(OwnerError) as refused:
        purse.paid_for(Fees(822 * GWEI, GWEI), 200 * GWEI - 1, GAS)
    assert refused.value.code == "LVD-OWN-082"
    assert refused.value.remedy


async def test_a_deleverage_is_mined_from_a_purse_that_could_not_pay_for_an_urgent_bid():
    stage = Stage(LEVERED, base_fee=200 * GWEI)
    holding(stage, LIMIT * 201 * GWEI * 12 // 10)
    begun, _ = await stage.begin("1.5", urgent=True)
    assert begun
    await stage.settle()
    assert len(stage.events(PlanCompleted)) == 1
    (signed,) = stage.events(AttemptSigned)
    assert 200 * GWEI < signed.max_fee <= signed.fee_cap
    assert signed.gas_limit * signed.fee_cap <= LIMIT * 201 * GWEI * 12 // 10
    assert not shorts(stage)


async def test_a_full_purse_bids_as_ever():
    stage = Stage(LEVERED, base_fee=200 * GWEI)
    await stage.begin("1.5", urgent=True)
    (signed,) = stage.events(AttemptSigned)
    wanted = await stage.venue.fees(urgency=0.25)
    assert signed.max_fee == wanted.max_fee


async def test_an_empty_key_signs_nothing_is_told_once_and_acts_when_it_is_filled():
    stage = Stage(LEVERED, base_fee=200 * GWEI)
    holding(stage, LIMIT * 200 * GWEI - 1)
    for _ in range(3):
        begun, _ = await stage.begin("1.5", urgent=True)
        assert not begun
    assert not stage.attempts()
    (alert,) = shorts(stage)
    assert "the key cannot pay" in alert.message
    holding(stage, 10**19)
    begun, _ = await stage.begin("1.5", urgent=True)
    assert begun
    await stage.settle()
    assert len(stage.events(PlanCompleted)) == 1


async def test_what_another_slot_may_cost_is_not_bid_twice():
    stage = Stage(
        LEVERED, mandates=[worlds.mandate(), second()], more=(second_at("2.5"),), delay_blocks=2
    )
    await stage.begin("1.5", urgent=True)
    (first,) = stage.events(AttemptSigned)
    left = LIMIT * 22 * GWEI
    holding(stage, first.gas_limit * first.max_fee + left)
    begun, _ = await stage.begin("1.5", urgent=True, mandate=second())
    assert begun
    beside = stage.events(AttemptSigned)[-1]
    assert beside.slot == 1
    assert beside.gas_limit * beside.max_fee <= left
    await stage.settle()
    assert len(stage.events(PlanCompleted)) == 2


async def test_what_takes_a_place_must_be_payable_or_what_waits_there_stays():
    stage = Stage(LEVERED, delay_blocks=3)
    await stage.begin("2.8")
    (waiting,) = stage.events(AttemptSigned)
    holding(stage, waiting.gas_limit * waiting.max_fee * 105 // 100)
    begun, _ = await stage.begin("1.5", urgent=True)
    assert not begun
    assert not shorts(stage), "something is under way"
    holding(stage, 10**19)
    begun, _ = await stage.begin("1.5", urgent=True)
    assert begun


async def test_a_replacement_that_turns_out_too_dear_is_not_signed():
    stage = Stage(LEVERED, delay_blocks=5)
    await stage.begin("2.8")
    (waiting,) = stage.events(AttemptSigned)
    holding(stage, waiting.gas_limit * waiting.max_fee * 112 // 100)
    rehearse = stage.venue.rehearse

    async def dearer(*args):
        return 2 * await rehearse(*args)

    stage.venue.rehearse = dearer
    begun, _ = await stage.begin("1.5", urgent=True)
    assert not begun
    assert len(stage.attempts()) == 1
    assert len(shorts(stage)) == 1


async def test_a_hurry_does_not_bid_beyond_the_purse():
    stage = Stage(LEVERED, delay_blocks=1_000)
    holding(stage, 3 * LIMIT * 41 * GWEI)
    await stage.begin("1.5", urgent=True)
    approved, nonce = await approve(stage.venue, wish("1.5", urgent=True))
    assert not await stage.executor.start(approved, nonce)
    await stage.turns(40)
    attempts = stage.events(AttemptSigned)
    assert len(attempts) > 1, "it climbs as far as it can"
    assert all(each.gas_limit * each.max_fee <= 3 * LIMIT * 41 * GWEI for each in attempts)


async def test_the_steps_of_a_plan_reckon_with_what_those_before_paid():
    stage = Stage(LEVERED, atomic=False, base_fee=20 * GWEI)
    begun, _ = await stage.begin("2.2", urgent=True)
    assert begun
    running = next(iter(stage.executor._running.values()))
    await stage.turns()
    paid = sum(each.gas_used * each.gas_price for each in stage.events(SlotIncluded))
    assert paid
    after = next(iter(stage.executor._running.values()))
    assert (running.spent, after.spent) == (0, paid)


async def test_a_node_that_finds_too_little_money_is_told_of_once_a_slot():
    stage = Stage(LEVERED)
    send, asked = stage.venue.send, []

    async def refused(payload, *, private=False):
        asked.append(payload)
        raise RefusedError("insufficient_funds", "balance 1", number=1)

    stage.venue.send = refused
    await stage.begin("1.5", urgent=True)
    await stage.turns(3)
    assert len(asked) > 1
    await stage.executor.tend()
    (alert,) = shorts(stage)
    assert alert.position_id == "loop"
    stage.venue.send = send
    await stage.settle()
    assert not stage.events(PlanAborted)


async def test_another_refusal_is_no_want_of_money():
    stage = Stage(LEVERED)

    async def refused(payload, *, private=False):
        raise RefusedError("underpriced", "too little", number=1)

    stage.venue.send = refused
    await stage.begin("1.5", urgent=True)
    await stage.turns(2)
    assert not shorts(stage)
