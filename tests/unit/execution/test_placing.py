"""Which slot a plan may have beside what is under way."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.executions import WAYS, approve, wish
from tests.unit.execution.stage import LEVERED, Stage, second, second_at

from leverd.domain import quotes
from leverd.domain.events import PnlRecorded
from leverd.domain.money import Amount
from leverd.domain.plan import BuyExact, Purpose
from leverd.domain.plan_events import PlanCompleted
from leverd.domain.slot_events import AttemptSigned
from leverd.domain.step_text import of_text, to_text
from leverd.execution import bids
from leverd.execution.executor import Ways
from leverd.execution.facts import stamp_of
from leverd.execution.placing import Place, Rank, place_for, rank_of
from leverd.execution.slots import Signed, Slot, replacement
from leverd.interfaces.venue import Fees


def test_a_deleverage_goes_before_an_unwind_and_that_before_all_else():
    assert rank_of("deleverage") > rank_of("unwind") > rank_of("boost") > Rank.NOTHING
    assert {rank_of(each) for each in Purpose} == {Rank.ORDINARY, Rank.UNWIND, Rank.DELEVERAGE}


async def waiting(target, *, urgent=False):
    """Return an approved plan, and the slot of a plan that waits."""
    stage = Stage(LEVERED, delay_blocks=9)
    await stage.begin(target, urgent=urgent)
    (signed,) = stage.events(AttemptSigned)
    return stage, Slot(0, (Signed(signed, worlds.NOON),))


async def place(stage, slot, target, *, urgent=False, rank=Rank.ORDINARY, **changes):
    approved, _ = await approve(stage.venue, wish(target, urgent=urgent))
    signed = replace(slot.newest, **changes)
    slot = replace(slot, signed=(Signed(signed, worlds.NOON),))
    return place_for(approved, [slot], {signed.plan_id: rank}, free=7, bump_percent=10)


async def test_an_unwind_takes_the_place_of_a_boost_but_not_of_a_deleverage():
    stage, slot = await waiting("2.8")
    assert (await place(stage, slot, 1)).number == 0
    assert await place(stage, slot, 1, rank=Rank.DELEVERAGE) is None
    assert await place(stage, slot, 1, rank=Rank.UNWIND) is None


async def test_an_unwind_waits_for_another_accounts_deleverage():
    stage, slot = await waiting("2.8")
    found = await place(stage, slot, 1, rank=Rank.DELEVERAGE, position_id="other")
    assert found is None


async def test_a_deleverage_flies_beside_another_accounts():
    stage, slot = await waiting("2.8")
    found = await place(stage, slot, "1.5", urgent=True, rank=Rank.DELEVERAGE, position_id="other")
    assert found == Place(7)


async def test_what_is_overdue_cancelled_or_stuck_gives_its_place_up():
    stage, slot = await waiting("1.5", urgent=True)
    same = {"urgent": True, "rank": Rank.DELEVERAGE}
    assert await place(stage, slot, "1.4", **same) is None
    for change in (
        {"deadline": worlds.NOON},
        {"purpose": "cancel"},
        {"max_fee": 5 * worlds.GWEI, "fee_cap": 6 * worlds.GWEI},
    ):
        assert (await place(stage, slot, "1.4", **same, **change)).over is not None


def asking(slot, *, percent):
    """Return the step of the waiting act, with a minimum of `percent` of what it asks."""
    step = of_text(slot.newest.step_text)
    swap, *others = step.actions
    wanted = replace(swap, buy_min=Amount(swap.buy_min.asset, swap.buy_min.raw * percent // 100))
    return to_text(replace(step, actions=(wanted, *others)))


async def test_a_deleverage_that_the_market_has_outrun_gives_its_place_to_a_fresh_one():
    """It could only revert; one that can still be filled keeps its place."""
    stage, slot = await waiting("1.5", urgent=True)
    same = {"urgent": True, "rank": Rank.DELEVERAGE}
    outrun, fits = asking(slot, percent=102), asking(slot, percent=100)
    assert (await place(stage, slot, "1.4", **same, step_text=outrun)).over is not None
    assert await place(stage, slot, "1.4", **same, step_text=fits) is None


async def test_what_no_pool_can_fill_any_more_is_outrun_too():
    stage, slot = await waiting(1, urgent=True)
    step = of_text(slot.newest.step_text)
    buy, *others = step.actions
    endless = replace(buy, buy=Amount(buy.buy.asset, 10**40))
    text = to_text(replace(step, actions=(endless, *others)))
    found = await place(stage, slot, "1.4", urgent=True, rank=Rank.DELEVERAGE, step_text=text)
    assert found.over is not None


@pytest.mark.parametrize(("percent", "kept"), [(100, True), (97, False)])
async def test_a_close_is_outrun_when_its_debt_costs_more_than_it_may_sell(percent, kept):
    stage, slot = await waiting(1, urgent=True)
    step = of_text(slot.newest.step_text)
    buy, *others = step.actions
    assert isinstance(buy, BuyExact)
    less = replace(buy, sell_max=Amount(buy.sell_max.asset, buy.sell_max.raw * percent // 100))
    text = to_text(replace(step, actions=(less, *others)))
    found = await place(stage, slot, "1.4", urgent=True, rank=Rank.DELEVERAGE, step_text=text)
    assert (found is None) is kept


async def test_an_ordinary_plan_waits_even_where_a_more_urgent_one_would_take_the_place():
    stage, slot = await waiting("2.8")
    overdue = {"deadline": worlds.NOON}

    assert await place(stage, slot, "1.5", **overdue) is None
    assert (await place(stage, slot, "1.5", urgent=True, **overdue)).over is not None


@pytest.mark.parametrize(("more", "kept"), [(0, True), (1, False)])
async def test_a_sale_keeps_its_place_down_to_the_last_unit_that_the_pool_gives(more, kept):
    stage, slot = await waiting("1.5", urgent=True)
    step = of_text(slot.newest.step_text)
    swap, *others = step.actions
    pool = stage.chain.head.ledger.state(worlds.mandate()).pools[swap.pool]
    gives = quotes.quote_exact_in(pool, swap.sell.asset, swap.sell.raw).bought
    exact = replace(swap, buy_min=Amount(swap.buy_min.asset, gives + more))
    text = to_text(replace(step, actions=(exact, *others)))
    found = await place(stage, slot, "1.4", urgent=True, rank=Rank.DELEVERAGE, step_text=text)
    assert (found is None) is kept


@pytest.mark.parametrize(("less", "kept"), [(0, True), (1, False)])
async def test_a_purchase_keeps_its_place_up_to_the_last_unit_that_it_may_sell(less, kept):
    stage, slot = await waiting(1, urgent=True)
    step = of_text(slot.newest.step_text)
    buy, *others = step.actions
    pool = stage.chain.head.ledger.state(worlds.mandate()).pools[buy.pool]
    takes = quotes.quote_exact_out(pool, buy.buy.asset, buy.buy.raw).sold
    exact = replace(buy, sell_max=Amount(buy.sell_max.asset, takes - less))
    text = to_text(replace(step, actions=(exact, *others)))
    found = await place(stage, slot, "1.4", urgent=True, rank=Rank.DELEVERAGE, step_text=text)
    assert (found is None) is kept


@pytest.mark.parametrize(("short", "taken"), [(0, True), (1, False)])
async def test_a_place_is_worth_taking_up_to_the_last_wei_of_the_cap(short, taken):
    stage, slot = await waiting("2.8")
    approved, _ = await approve(stage.venue, wish("1.5", urgent=True))
    fee = slot.newest.max_fee
    exact = replace(slot.newest, max_fee=fee)
    asked = replacement(Fees(fee, 0), 10).max_fee
    other = Slot(0, (Signed(exact, worlds.NOON),))
    cheap = _with_cap(approved, asked - short)
    found = place_for(cheap, [other], {exact.plan_id: Rank.ORDINARY}, free=7, bump_percent=10)
    assert (found is not None) is taken


def _with_cap(approved, cap):
    """Return the same with another cap: only the gate makes these, so it is set past it."""
    object.__setattr__(approved, "gas_price_cap", cap)
    return approved


async def test_taking_a_place_must_be_worth_the_bid_that_it_takes():
    stage, slot = await waiting("2.8")
    dear = 10_000 * worlds.GWEI
    assert await place(stage, slot, "1.5", urgent=True, max_fee=dear) is None


def test_a_bid_keeps_to_what_the_act_is_worth_unless_it_has_to_replace():
    assert bids.first_bid(Fees(90, 20), 50, None, 10) == Fees(50, 20)
    assert bids.first_bid(Fees(90, 80), 50, None, 10) == Fees(50, 50)


async def test_the_lowest_of_two_deleverages_waits_for_neither():
    stage = Stage(LEVERED, more=[second_at("2.5")], mandates=[worlds.mandate(), second()])
    await stage.begin("1.5", urgent=True)
    await stage.begin("1.5", urgent=True, mandate=second())
    await stage.turns(2)
    assert [each.position_id for each in stage.events(PlanCompleted)] == ["loop", "other"]


async def test_what_each_step_earned_is_summed_over_the_plan():
    def mark(mandate, done):
        snapshot = WAYS.photograph(done.after, stamp_of(done.inclusion, "test"))
        return (PnlRecorded(mandate.position_id, snapshot, {"gas": -3}, 1, 1),)

    stage = Stage(atomic=False, ways=Ways(WAYS.photograph, mark))
    await stage.begin(Decimal("1.5"))
    await stage.settle()
    (done,) = stage.events(PlanCompleted)
    assert done.attribution == {"gas": -3 * len(stage.events(AttemptSigned))}


async def test_a_slot_above_a_spent_nonce_just_waits():
    stage = Stage(LEVERED, delay_blocks=60)
    stage.chain.delay_blocks = 1
    await stage.begin(2)
    await stage.turns(5)
    stage.chain.delay_blocks = 60
    await stage.begin("1.5")
    await stage.turns(48)
    assert {slot for slot, _ in stage.attempts()} == {0, 1}
