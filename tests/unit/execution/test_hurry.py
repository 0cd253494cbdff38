"""A newer view hastens a deleverage that waits, and its next bid says so in the journal."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.executions import LIMITS, view_of, wish
from tests.limits import TIMING
from tests.unit.execution.stage import Stage
from tests.worlds import GWEI, at_leverage

from leverd.domain.slot_events import AttemptSigned
from leverd.engine import planner
from leverd.engine.turn import terms_of
from leverd.risk.gate import Approved, review


def test_a_faster_fall_seen_later_makes_the_waiting_bid_climb_sooner():
    stage = Stage(at_leverage("4"))
    stage.chain.delay_blocks = 1_000  # nothing is taken

    async def play(fall):
        begun, _ = await stage.begin("3", urgent=True)
        assert begun
        seen, nonce = await view_of(stage.venue)
        hastened = replace(seen, record=replace(seen.record, health_fall=fall))
        terms = terms_of(hastened, LIMITS, TIMING, urgent=True)
        plan = planner.plan(wish("3", urgent=True), hastened, terms)
        verdict = review(plan, hastened, LIMITS, age_s=0)
        assert isinstance(verdict, Approved)
        assert not await stage.executor.start(verdict, nonce), "its own place is taken"
        await stage.turns(1)
        return verdict

    newer = asyncio.run(play(10**15))
    first, second = stage.events(AttemptSigned)[:2]

    assert newer.bid_by < first.bid_by
    assert second.bid_by == newer.bid_by
    assert second.fee_cap == max(first.fee_cap, newer.gas_price_cap)
    assert second.max_fee > first.max_fee
    assert second.max_fee > 50 * GWEI


async def test_what_hastened_one_deleverage_says_nothing_about_the_next():
    stage = Stage(at_leverage("4"), delay_blocks=3)
    assert (await stage.begin("3", urgent=True))[0]
    assert not (await stage.begin("3", urgent=True))[0], "its own place is taken: a hurry"
    await stage.settle()
    stage.chain.mine(seconds=86_400)
    stage.chain.delay_blocks = 1_000  # nothing is taken

    assert (await stage.begin("2", urgent=True))[0]
    mine = [each for each in stage.events(AttemptSigned) if each.slot == 1]
    stage.chain.base_fee //= 2
    await stage.turns(1)
    assert [each for each in stage.events(AttemptSigned) if each.slot == 1] == mine
