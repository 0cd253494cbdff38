"""A daemon comes back to nodes that no longer keep the state of what it did."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.executions import check_books
from tests.unit.execution.stage import LEVERED, Stage

from leverd.adapters.simulated import markets
from leverd.domain.events import (
    PlanAborted,
    PlanCompleted,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
    StepMismatched,
    StepVerified,
    TradingStateChanged,
)

DOWN = 200
"""Blocks that go by while the process is down."""


def stage_with(state=None, **terms) -> Stage:
    return Stage(state, states_max=64, **terms)


async def away(stage) -> None:
    """Let the chain go on without the process, and start another one."""
    stage.chain.mine(DOWN)
    await stage.another().recover()


async def held(stage):
    """Return what the chain says the position holds, as the journal keeps it."""
    seen = await stage.venue.observe([worlds.mandate()])
    one = seen.positions[worlds.mandate().position_id]
    return stage.ways.photograph(one.state, seen.stamp)


@pytest.mark.parametrize(
    ("state", "target"), [(None, 2), (LEVERED, "1.5"), (LEVERED, 1)], ids=["open", "lower", "close"]
)
async def test_what_was_mined_while_it_was_down_is_verified_by_its_receipt(state, target):
    stage = stage_with(state)
    await stage.begin(target)
    await away(stage)
    (verified,) = stage.events(StepVerified)
    now = await held(stage)
    for part in ("idle", "supplied", "owed"):
        assert getattr(verified.snapshot, part) == getattr(now, part)
    assert verified.snapshot.at < now.at - 12 * 64
    assert len(stage.events(PlanCompleted)) == len(stage.mined()) == 1
    assert stage.events(StepMismatched) == []
    check_books(stage.journal, stage.chain)


async def test_a_sequence_cut_off_long_ago_keeps_what_was_done_of_it():
    stage = stage_with(atomic=False)
    await stage.begin(Decimal("1.5"))
    await stage.turns(1)
    await away(stage)
    assert len(stage.events(StepVerified)) == len(stage.mined()) == 2
    assert len(stage.events(PlanAborted)) == 1
    assert stage.events(StepMismatched) == []
    assert stage.events(StepVerified)[-1].snapshot.idle == (await held(stage)).idle


async def test_what_others_did_since_is_not_laid_to_the_step():
    """The receipt alone says what the step did; reconciliation tells the rest."""
    stage = stage_with()
    await stage.begin(2)
    stage.chain.mine()
    stage.chain.change(markets.repaid_for(worlds.mandate(), worlds.USDC, 10**9))
    await away(stage)
    (verified,) = stage.events(StepVerified)
    assert verified.snapshot.owed["USDC"] > (await held(stage)).owed["USDC"]
    assert stage.events(StepMismatched) == []


async def test_what_reverted_long_ago_is_a_fact_without_a_state():
    stage = stage_with()
    await stage.begin(2)
    stage.chain.change(markets.traded("weth-usdc", worlds.WETH, 3_300))
    await away(stage)
    assert [event.succeeded for event in stage.events(SlotIncluded)] == [False]
    assert len(stage.events(PlanAborted)) == 1
    assert stage.executor.open_slots == 0


async def test_a_block_undone_and_done_again_is_told_in_order():
    stage = stage_with()
    await stage.begin(2)
    await stage.turns(1)
    stage.chain.reorganise(1)
    await away(stage)
    assert len(stage.events(SlotReorganised)) == 1
    assert len(stage.events(SlotIncluded)) == 2
    assert stage.events(StepMismatched) == []
    assert stage.events(StepVerified)[-1].snapshot.owed == (await held(stage)).owed


async def test_without_any_picture_of_before_it_is_asked_for_again_and_then_said():
    stage = stage_with()
    await stage.begin(2)
    logbook = stage.executor._logbook
    logbook.known = replace(logbook.known, before={})
    stage.chain.mine(DOWN)
    await stage.turns(9)
    assert stage.events(SlotIncluded) == []
    await stage.turns(1)
    assert len(stage.events(StepMismatched)) == 1


async def test_a_final_act_whose_receipt_is_kept_no_more_is_no_strangers():
    """Killed before it said that the act is final, it comes back to a node without receipts."""
    stage = stage_with(receipts_max=64)
    await stage.begin(2)
    await stage.turns(1)
    assert stage.events(SlotIncluded)
    await away(stage)
    await stage.turns(4)
    assert stage.events(SlotLost, SlotReorganised, TradingStateChanged) == []
    await stage.begin("2.4")
    await stage.settle()
    assert next(event.slot for event in stage.events(SlotFinal)) == 0
    assert len(stage.events(PlanCompleted)) == 2


async def test_an_act_undone_while_it_was_down_is_not_taken_for_final():
    """The twin: another block stands at its height, and a stranger has the nonce."""
    stage = stage_with(receipts_max=64)
    await stage.begin(2)
    await stage.turns(1)
    stage.chain.reorganise(1, forget=True)
    stage.chain.change(markets.spent)
    await away(stage)
    await stage.turns(4)
    assert len(stage.events(SlotReorganised)) == len(stage.events(SlotLost)) == 1
