"""A mined step against `apply` and against its own bounds."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests import worlds
from tests.unit.execution.stage import Stage

from leverd.domain.fills import Fill
from leverd.domain.money import Amount
from leverd.domain.plan import BuyExact, Repay, Step, StepKind, Withdraw
from leverd.domain.plan_events import StepVerified
from leverd.errors import UnreachableError
from leverd.execution.patience import answered
from leverd.execution.verify import fills_out, mismatch
from leverd.execution.witness import Found, same_block, step_done

WAD = 10**18


async def done_of(stage, leverage):
    await stage.begin(leverage)
    sent = stage.chain.pool[0].sent
    stage.chain.mine()
    inclusion = stage.chain.receipt(sent.tx_hash).inclusion
    attempt = stage.executor._logbook.known.slots[sent.nonce].attempt(sent.tx_hash)
    found = Found(attempt, inclusion)
    together = same_block(found, stage.executor._logbook.known.slots, {})
    return await step_done(stage.venue, worlds.mandate(), found, together)


async def test_what_the_chain_did_is_what_apply_says():
    assert mismatch(await done_of(Stage(), 2)) is None


async def test_a_swap_below_its_minimum_is_a_broken_bound():
    done = await done_of(Stage(), 2)
    swap, *others = done.step.actions
    dear = Amount(swap.buy_min.asset, done.fills[0].bought + 1)
    step = replace(done.step, actions=(replace(swap, buy_min=dear), *others))
    expected, found = mismatch(replace(done, step=step))
    assert expected == {"bound:buy_min": dear.raw}
    assert found == {"bound:buy_min": dear.raw - 1}


async def test_a_purchase_above_its_maximum_is_a_broken_bound():
    stage = Stage(worlds.at_leverage(2))
    done = await done_of(stage, 1)
    assert isinstance(done.step.actions[0], BuyExact)
    buy, *others = done.step.actions
    cheap = Amount(buy.sell_max.asset, done.fills[0].sold - 1)
    step = replace(done.step, actions=(replace(buy, sell_max=cheap), *others))
    assert mismatch(replace(done, step=step))[0] == {"bound:sell_max": cheap.raw}


async def test_health_below_the_minimum_is_a_broken_bound():
    done = await done_of(Stage(), 2)
    step = replace(done.step, health_min=9 * WAD)
    expected, found = mismatch(replace(done, step=step))
    assert expected == {"bound:health_min": 9 * WAD}
    assert WAD < found["bound:health_min"] < 9 * WAD


async def test_a_step_that_apply_cannot_follow_is_a_difference():
    done = await done_of(Stage(), 2)
    owed = Amount(worlds.USDC, 5)
    step = Step(StepKind.SINGLE, (Repay("aave", owed),), 0)
    fills = (replace(done.fills[0], amount=5),)
    expected, found = mismatch(replace(done, step=step, fills=fills))
    assert set(expected) == {"impossible"}
    assert found == {}


async def test_fills_are_kept_as_plain_numbers():
    stage = Stage()
    await stage.begin(2)
    await stage.turns()
    (verified,) = stage.events(StepVerified)
    swap, supply, borrow = verified.fills
    assert swap.keys() == {"at", "sold", "bought"}
    assert supply.keys() == borrow.keys() == {"at", "amount", "liquidity_index", "borrow_index"}
    assert borrow["amount"] == swap["sold"]


def test_a_withdrawal_in_several_calls_is_kept_as_what_came_before_the_last():
    fill = Fill(worlds.NOON, amount=5, indexes=(7, 8), before=(3, 4))
    (kept,) = fills_out((fill,))
    assert kept == {
        "at": worlds.NOON,
        "amount": 5,
        "before": 7,
        "liquidity_index": 7,
        "borrow_index": 8,
    }


async def test_a_call_that_takes_too_long_is_an_unknown_outcome():
    with pytest.raises(UnreachableError):
        async with answered(0.01):
            await asyncio.sleep(5)


def test_nothing_filled_is_kept_as_nothing():
    assert fills_out(()) == ()
    assert Withdraw("aave", Amount(worlds.WETH, 1)).everything is False


def test_fills_are_journaled_as_flat_numbers_without_what_is_zero_or_no_number():
    pool = worlds.pool()
    told = Fill(7, sold=5, bought=3, pool_after=pool)
    lent = Fill(8, amount=4, indexes=(10, 11), before=(2, 3))

    assert fills_out((told, lent, Fill(9))) == (
        {"at": 7, "sold": 5, "bought": 3},
        {"at": 8, "amount": 4, "liquidity_index": 10, "borrow_index": 11, "before": 5},
        {"at": 9},
    )


async def test_a_leg_that_is_there_on_one_side_only_is_nothing_on_the_other():
    done = await done_of(Stage(), 2)
    missing = replace(done.after.position, loans={})
    expected, found = mismatch(replace(done, after=replace(done.after, position=missing)))

    assert set(expected) == set(found)
    assert all(expected.values())
    assert set(found.values()) == {0}
    more = done.after.position.with_idle(worlds.WETH, 7)
    expected, found = mismatch(replace(done, after=replace(done.after, position=more)))
    (leg,) = found
    assert found[leg] - expected[leg] == 7
