"""A private relay first; everybody, when it is dead, slow, or swallows."""

from __future__ import annotations

import asyncio

import pytest
from tests.executions import WAYS
from tests.unit.execution.stage import LEVERED, Stage
from tests.worlds import GWEI

from leverd.adapters.simulated.faults import Fault, PlannedFaults
from leverd.domain.plan_events import PlanCompleted
from leverd.domain.slot_events import AttemptPublished, AttemptSigned, SlotIncluded
from leverd.execution.executor import Executor
from leverd.execution.slots import Policy

ALWAYS = 50


def relayed(fault, *, urgent=True, blocks=2, **bounds):
    """Return what became of a deleverage whose relay always meets `fault`."""
    stage = Stage(LEVERED)
    policy = Policy(relay_blocks=blocks)
    stage.executor = Executor(stage.venue, stage.journal, stage.mandates, WAYS, policy)
    stage.venue.faults = PlannedFaults({"relay": [fault] * ALWAYS})

    async def play():
        begun, _ = await stage.begin("1.5", urgent=urgent, **bounds)
        assert begun
        await stage.settle()

    asyncio.run(play())
    return stage


def test_what_the_relay_brings_into_a_block_is_never_shown():
    stage = relayed(Fault.NONE)

    assert [each.way for each in stage.events(AttemptSigned)] == ["relay"]
    assert stage.events(AttemptPublished) == []
    assert len(stage.events(PlanCompleted)) == 1


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.ANSWER_LOST])
def test_a_relay_that_does_not_answer_is_public_at_once_and_acts_once(fault):
    stage = relayed(fault)

    (shown,) = stage.events(AttemptPublished)
    (signed,) = stage.events(AttemptSigned)
    assert shown.tx_hash == signed.tx_hash, "the same bytes, so one effect"
    assert len([each for each in stage.events(SlotIncluded) if each.succeeded]) == 1
    assert len(stage.mined()) == 1


@pytest.mark.parametrize("urgent", [True, False])
def test_a_relay_that_swallows_is_waited_for_some_blocks_and_no_more(urgent):
    stage = relayed(Fault.DROPPED, urgent=urgent)

    (shown,) = stage.events(AttemptPublished)
    assert "not seen" in shown.reason or "deadline" in shown.reason
    assert len(stage.events(PlanCompleted)) == 1
    assert len(stage.mined()) == 1


def test_where_a_higher_bid_is_not_worth_it_it_is_shown_instead():
    """Its patience and the relay's end with the same block, and it bids all it may already."""
    stage = relayed(Fault.DROPPED, urgent=False, blocks=5, gas_price_wei_max=30 * GWEI)

    (shown,) = stage.events(AttemptPublished)
    (signed,) = stage.events(AttemptSigned)
    assert shown.tx_hash == signed.tx_hash
    assert len(stage.mined()) == 1


def test_a_restart_knows_what_only_the_relay_was_shown():
    stage = Stage(LEVERED)
    policy = Policy(relay_blocks=2)
    stage.executor = Executor(stage.venue, stage.journal, stage.mandates, WAYS, policy)
    stage.venue.faults = PlannedFaults({"relay": [Fault.DROPPED] * ALWAYS})

    async def play():
        await stage.begin("1.5", urgent=True)
        stage.executor = Executor(stage.venue, stage.journal, stage.mandates, WAYS, policy)
        await stage.executor.recover()
        await stage.settle()

    asyncio.run(play())

    assert len(stage.events(AttemptPublished)) == 1
    assert len(stage.mined()) == 1


def test_what_goes_public_is_handed_over_in_the_same_look():
    stage = Stage(LEVERED)
    policy = Policy(relay_blocks=2)
    stage.executor = Executor(stage.venue, stage.journal, stage.mandates, WAYS, policy)
    stage.venue.faults = PlannedFaults({"relay": [Fault.UNREACHABLE]})

    async def play():
        await stage.begin("1.5", urgent=True)

    asyncio.run(play())
    (shown,) = stage.events(AttemptPublished)
    assert stage.chain.holds(shown.tx_hash)


def test_what_only_the_relay_was_shown_is_not_handed_over_while_it_may_wait():
    """A higher bid is not worth it: it is kept as it is, and hidden as long as it may be."""
    stage = Stage(LEVERED)
    policy = Policy(relay_blocks=40)
    stage.executor = Executor(stage.venue, stage.journal, stage.mandates, WAYS, policy)
    stage.venue.faults = PlannedFaults({"relay": [Fault.DROPPED] * ALWAYS})

    async def play():
        await stage.begin("1.5", gas_price_wei_max=30 * GWEI)
        stage.chain.base_fee = 40 * GWEI
        await stage.turns(8)

    asyncio.run(play())
    (signed,) = stage.events(AttemptSigned)
    assert not stage.chain.holds(signed.tx_hash)
    assert stage.events(AttemptPublished) == []
    assert stage.mined() == []


def test_once_an_act_was_shown_its_higher_bids_are_too():
    stage = Stage(LEVERED, delay_blocks=ALWAYS)
    policy = Policy(relay_blocks=2)
    stage.executor = Executor(stage.venue, stage.journal, stage.mandates, WAYS, policy)
    stage.venue.faults = PlannedFaults({"relay": [Fault.UNREACHABLE]})

    async def play():
        await stage.begin("1.5", urgent=True)
        stage.chain.base_fee = 60 * GWEI
        await stage.turns(4)

    asyncio.run(play())
    ways = [each.way for each in stage.events(AttemptSigned)]
    assert ways[0] == "relay"
    assert len(ways) > 1
    assert set(ways[1:]) == {"public"}
