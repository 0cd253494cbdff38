"""A daemon comes back to nodes that no longer keep the state of what it did."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.executions import check_books
from tests.unit.execution.stage import LEVERED, Stage, second, second_at

from leverd.adapters.simulated import markets
from leverd.domain.events import AlertRaised, ExternalChanged, TradingStateChanged
from leverd.domain.fills import Fill
from leverd.domain.fixed_point import RAY
from leverd.domain.money import Amount
from leverd.domain.plan import Borrow, Step, StepKind
from leverd.domain.plan_events import (
    PlanAborted,
    PlanCompleted,
    StepAccepted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.slot_events import (
    AttemptSigned,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.execution.forgotten import _as_it_was
from leverd.execution.settler import DEADLINE, RECEIPT_GONE
from leverd.interfaces.venue import Inclusion, Trace

GAS_PRICE = 21 * worlds.GWEI
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


@pytest.mark.parametrize("down", range(61, 67))
async def test_at_the_edge_of_what_is_kept_it_is_told_one_way_or_the_other(down):
    """Done again after a reorganisation, just when the state before it is dropped."""
    stage = stage_with()
    await stage.begin(2)
    await stage.turns(1)
    stage.chain.reorganise(1)
    stage.chain.mine(down)
    await stage.another().recover()
    *_, last = stage.events(StepVerified)
    assert last.proof == ("states" if down < 64 else "receipt")
    assert last.snapshot.owed == (await held(stage)).owed
    assert stage.events(StepMismatched, StepAccepted, ExternalChanged) == []
    check_books(stage.journal, stage.chain)


async def test_what_was_cancelled_long_ago_is_a_plan_cut_short_and_no_more():
    stage = stage_with(delay_blocks=60)
    await stage.begin(2)
    await stage.turns(1, seconds=700)
    assert stage.attempts()[-1] == (0, "cancel")
    await away(stage)
    assert [event.succeeded for event in stage.events(SlotIncluded)] == [True]
    assert stage.aborted() == [DEADLINE]
    assert stage.events(StepVerified, StepAccepted, StepMismatched) == []


async def test_a_market_frozen_since_does_not_hide_what_was_done():
    """What the market allows today says nothing about what it allowed then."""
    stage = stage_with()
    await stage.begin(2)
    stage.chain.mine()
    stage.chain.change(shut)
    await away(stage)
    assert len(stage.events(StepVerified)) == len(stage.events(PlanCompleted)) == 1


def shut(ledger):
    """Return the ledger with every reserve frozen, full, and empty of what could be lent."""
    market = ledger.lending["aave"]
    reserves = {
        asset: replace(
            reserve,
            params=replace(reserve.params, frozen=True, supply_cap=1, borrow_cap=1),
            available=1,
        )
        for asset, reserve in market.reserves.items()
    }
    return replace(ledger, lending={"aave": replace(market, reserves=reserves)})


async def test_a_market_that_is_as_good_as_empty_now_does_not_hide_it_either():
    stage = stage_with(LEVERED)
    await stage.begin("1.5")
    stage.chain.mine()
    withdrawn = stage.mined()[0].fills[-1].amount
    stage.chain.change(drained(worlds.WETH, withdrawn))
    await away(stage)
    assert len(stage.events(StepVerified)) == 1


def drained(asset, left):
    """Return the change after which a reserve holds `left` in all, five units of it lent out."""

    def change(ledger):
        market = ledger.lending["aave"]
        reserve = replace(
            market.reserves[asset], scaled_debt=5, available=left - 5, scaled_supply=left
        )
        reserves = {**market.reserves, asset: reserve}
        return replace(ledger, lending={"aave": replace(market, reserves=reserves)})

    return change


async def test_a_gift_just_before_a_step_that_sweeps_it_up_is_no_mismatch():
    stage = stage_with()
    await stage.begin(2)
    stage.chain.change(markets.given(worlds.mandate().account, worlds.WETH, 10**16))
    await away(stage)
    (fact,) = stage.events(StepAccepted)
    now = await held(stage)
    assert fact.snapshot == now
    assert [event.code for event in stage.events(AlertRaised)] == ["LVD-EXE-004"]
    (others,) = stage.events(ExternalChanged)
    assert (others.cause, others.explained) == ("deposit", True)
    assert dict(others.changes) == {"idle:WETH": 10**16}
    assert len(stage.events(PlanCompleted)) == 1
    assert stage.events(StepMismatched, StepVerified, TradingStateChanged) == []


async def test_a_loan_that_nobody_of_us_took_before_such_a_step_is_said():
    """The twin: what lowers risk is believed, what raises it is not."""
    stage = stage_with()
    await stage.begin(2)
    gift = markets.given(worlds.mandate().account, worlds.WETH, 10**16)
    stage.chain.change(gift, indebted(10**9))
    await away(stage)
    assert len(stage.events(StepAccepted)) == 1
    assert [fact.explained for fact in stage.events(ExternalChanged)] == [False]
    assert [event.code for event in stage.events(AlertRaised)] == ["LVD-EXE-004", "LVD-REC-001"]


def indebted(raw):
    """Return the change by which somebody borrows in the position's name."""

    def change(ledger):
        state = ledger.state(worlds.mandate())
        loan = state.position.loan
        debts = {**loan.debts, worlds.USDC: loan.debts.get(worlds.USDC, 0) + raw}
        position = state.position.with_loan("aave", replace(loan, debts=debts))
        return ledger.with_state(replace(state, position=position), acted=False)

    return change


async def test_without_any_picture_of_before_the_step_is_accepted_as_it_is():
    stage = stage_with()
    await stage.begin(2)
    logbook = stage.executor._logbook
    logbook.known = replace(logbook.known, before={})
    stage.chain.mine(DOWN)
    await stage.executor.tend()
    (fact,) = stage.events(StepAccepted)
    assert fact.snapshot == await held(stage)
    assert len(stage.events(PlanCompleted)) == 1
    assert stage.events(StepMismatched, ExternalChanged, TradingStateChanged) == []


async def test_a_swap_below_its_minimum_is_a_mismatch_however_long_ago():
    """The account contract lets no such thing through: then it is not the contract we know."""
    stage = stage_with()
    await stage.begin(2)
    stage.chain.mine(DOWN)
    mined = stage.mined()[0]
    poor = (replace(mined.fills[0], bought=1), *mined.fills[1:])
    place = next(n for n, block in enumerate(stage.chain.blocks) if block.mined)
    block = stage.chain.blocks[place]
    stage.chain.blocks[place] = replace(block, mined=(replace(mined, fills=poor),))
    await stage.executor.tend()
    (fact,) = stage.events(StepMismatched)
    assert set(fact.expected) == {"bound:buy_min"}


async def test_each_of_two_plans_in_one_slot_has_its_own_picture():
    """A deleverage took the place of another account's act, but that one was mined."""
    mandates = [worlds.mandate(), second()]
    stage = stage_with(LEVERED, delay_blocks=3, mandates=mandates, more=[second_at("2.9")])
    await stage.begin("2.7")
    assert (await stage.begin("1.5", urgent=True, mandate=second()))[0]
    assert [event.slot for event in stage.events(AttemptSigned)] == [0, 0]
    before = stage.executor._logbook.known.before
    (own, other) = (before[0, event.plan_id] for event in stage.events(AttemptSigned))
    assert own.owed != other.owed
    stage.chain.pool.clear()
    await stage.venue.send(bytes.fromhex(stage.events(AttemptSigned)[0].payload))
    await away(stage)
    (verified,) = stage.events(StepVerified)
    assert verified.position_id == worlds.mandate().position_id
    assert verified.snapshot.owed == (await held(stage)).owed


async def test_two_steps_undone_and_done_again_long_ago_follow_from_each_other():
    """Done again later, at other indexes, each gives other scaled balances than before."""
    stage = stage_with(atomic=False, final_depth=9)
    await stage.begin("1.5")
    await stage.turns(3)
    first = [event.snapshot for event in stage.events(StepVerified)]
    assert len(first) >= 2
    stage.chain.reorganise(3)
    stage.chain.mine(1, seconds=240)
    await away(stage)
    again = stage.events(StepVerified)[len(first) :]
    assert len(again) == len(stage.mined())
    assert again[-1].snapshot.supplied == (await held(stage)).supplied
    assert again[-1].snapshot.owed == (await held(stage)).owed
    assert again[-1].snapshot.supplied != first[-1].supplied, "or the test proves nothing"


async def test_a_higher_bid_after_an_undoing_begins_from_where_the_first_one_did():
    stage = stage_with(atomic=False, final_depth=9)
    await stage.begin("1.5")
    await stage.turns(1)
    before = dict(stage.executor._logbook.known.before)
    stage.chain.reorganise(1, forget=True)
    stage.chain.mine()
    stage.chain.delay_blocks = 90
    await stage.turns(1, seconds=70)
    assert len([slot for slot, _ in stage.attempts() if slot == 0]) > 1, stage.attempts()
    key = next(iter(before))
    assert stage.executor._logbook.known.before[key] == before[key]


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


def keeping_transactions(stage, *, final=True):
    """Let the node tell which block holds a transaction whose receipt it keeps no more."""
    look = stage.venue.look

    async def tracing(slot, hashes):
        seen = await look(slot, hashes)
        if seen.inclusion is not None or not seen.spent:
            return seen
        held = [
            Trace(each.sent.tx_hash, block.number, block.block_hash, block.ledger.at, GAS_PRICE)
            for block in stage.chain.blocks
            for each in block.mined
            if each.sent.tx_hash in hashes
        ]
        last = seen.final_block if final else held[0].block - 1
        return replace(seen, trace=held[0] if held else None, final_block=last)

    stage.venue.look = tracing


@pytest.mark.parametrize("target", ["1.5", 1], ids=["lower", "close"])
async def test_an_act_mined_unseen_whose_receipt_is_kept_no_more_is_no_strangers(target):
    """Killed before it saw its block, it comes back to a node without receipts."""
    stage = stage_with(LEVERED, receipts_max=64)
    await stage.begin(target)
    stage.chain.mine(DOWN)
    keeping_transactions(stage)
    await stage.another().recover()
    await stage.turns(4)
    (fact,) = stage.events(StepAccepted)
    (mined,) = stage.events(SlotIncluded)
    (signed,) = stage.events(AttemptSigned)
    now = await held(stage)
    assert (fact.snapshot.owed, fact.snapshot.supplied) == (now.owed, now.supplied)
    assert mined.paid == signed.gas_limit * GAS_PRICE, "no less than it can have been"
    assert "LVD-EXE-004" in [each.code for each in stage.events(AlertRaised)]
    assert stage.aborted() == [RECEIPT_GONE]
    assert stage.events(SlotLost, TradingStateChanged, ExternalChanged) == []
    assert [type(each) for each in stage.executor.held()] == [SlotFinal]
    assert stage.executor.open_slots == 0


async def test_where_no_block_holds_it_either_a_stranger_has_the_nonce():
    stage = stage_with(LEVERED, receipts_max=64)
    await stage.begin("1.5")
    stage.chain.pool.clear()
    stage.chain.change(markets.spent)
    stage.chain.mine(DOWN)
    keeping_transactions(stage)
    await stage.another().recover()
    await stage.turns(2)
    assert len(stage.events(SlotLost)) == 1
    assert stage.events(StepAccepted) == []


async def test_what_may_still_be_undone_is_waited_for():
    stage = stage_with(LEVERED, receipts_max=64)
    await stage.begin("1.5")
    stage.chain.mine(DOWN)
    keeping_transactions(stage, final=False)
    await stage.another().recover()
    await stage.turns(4)
    assert stage.events(SlotIncluded, SlotLost) == []
    assert stage.executor.open_slots == 1


async def test_a_cancel_without_a_receipt_is_an_ended_plan_and_moved_nothing():
    stage = stage_with(LEVERED, receipts_max=64, delay_blocks=99)
    await stage.begin("1.5")
    await stage.turns(1, seconds=900)
    assert stage.attempts()[-1] == (0, "cancel")
    stage.chain.mine(DOWN)
    keeping_transactions(stage)
    await stage.another().recover()
    await stage.turns(4)
    assert stage.aborted() == [DEADLINE]
    assert len(stage.events(SlotIncluded)) == 1
    assert stage.events(StepAccepted, SlotLost) == []


async def test_an_act_of_a_position_that_left_the_settings_is_settled_without_it():
    stage = stage_with(LEVERED, receipts_max=64)
    await stage.begin("1.5")
    stage.chain.mine(DOWN)
    keeping_transactions(stage)
    await stage.another(second()).recover()
    await stage.turns(4)
    assert len(stage.events(SlotIncluded)) == 1
    assert stage.events(StepAccepted, SlotLost) == []


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


async def test_a_reserve_that_the_receipt_does_not_tell_of_is_as_the_journal_knew_it():
    stage = stage_with(LEVERED)
    present = (await stage.venue.observe([worlds.mandate()])).positions["loop"].state
    known = replace(
        await held(stage),
        supply_indexes={"WETH": 3 * RAY, "USDC": 4 * RAY},
        borrow_indexes={"WETH": 5 * RAY, "USDC": 6 * RAY},
    )
    step = Step(StepKind.SINGLE, (Borrow("aave", Amount(worlds.USDC, 1)),), 0)
    fills = (Fill(worlds.NOON, indexes=(7 * RAY, 8 * RAY)),)
    inclusion = Inclusion("0xa", 1, "0x1", worlds.NOON - 9, True, "", 1, 1)

    before = _as_it_was(present, known, step, fills, inclusion)

    indexes = {
        asset.symbol: (each.liquidity_index // RAY, each.borrow_index // RAY)
        for asset, each in before.market.reserves.items()
    }
    assert indexes == {"WETH": (3, 5), "USDC": (7, 8)}
    assert before.at == worlds.NOON - 9
    half_known = replace(known, borrow_indexes={"USDC": 6 * RAY})
    weth = _as_it_was(present, half_known, step, fills, inclusion).market.reserves[worlds.WETH]
    assert weth.liquidity_index == present.market.reserves[worlds.WETH].liquidity_index
