"""Bid more, cancel, wait: what is signed for a slot that is not mined."""

from __future__ import annotations

from dataclasses import replace

from tests import worlds
from tests.executions import check_books
from tests.unit.execution.stage import LEVERED, Stage

from leverd.adapters.simulated import markets
from leverd.adapters.simulated.faults import Fault, PlannedFaults
from leverd.domain.events import AlertRaised
from leverd.domain.plan_events import PlanCompleted
from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.errors import OwnerError, SigningRefusedError
from leverd.interfaces.venue import Fees

GWEI = worlds.GWEI


async def test_a_bid_that_the_market_left_behind_is_raised():
    stage = Stage()
    await stage.begin(2)
    stage.chain.base_fee = 60 * GWEI
    await stage.turns(5)
    assert stage.attempts() == [(0, "act"), (0, "bump")]
    first, bump = stage.events(AttemptSigned)
    assert first.max_fee * 11 < bump.max_fee * 10 <= 1_000 * GWEI
    assert (bump.sequence, bump.deadline, bump.step_text) == (
        first.sequence,
        first.deadline,
        first.step_text,
    )
    await stage.turns()
    assert [each.tx_hash for each in stage.events(SlotIncluded)] == [bump.tx_hash]
    assert len(stage.events(PlanCompleted)) == 1


async def test_a_bump_names_the_payload_that_it_repeats_and_a_new_act_names_none():
    stage = Stage()
    sign, orders = stage.venue.sign, []

    async def noting(order):
        orders.append(order)
        return await sign(order)

    stage.venue.sign = noting
    await stage.begin(2)
    await stage.another().recover()  # a new process has nothing but the journal
    stage.chain.base_fee = 60 * GWEI
    await stage.turns(5)
    first, _ = stage.events(AttemptSigned)
    assert [order.repeats.hex() for order in orders] == ["", first.payload]
    assert orders[0].gas_limit == orders[1].gas_limit


async def test_a_bid_is_never_raised_above_what_the_act_is_worth():
    stage = Stage()
    await stage.begin(2)
    stage.chain.base_fee = 95 * GWEI
    await stage.turns(20)
    assert all(each.max_fee <= each.fee_cap for each in stage.events(AttemptSigned))
    assert len(stage.events(PlanCompleted)) == 1


async def test_past_its_deadline_an_act_is_cancelled_whatever_gas_costs():
    stage = Stage()
    await stage.begin(2)
    stage.chain.base_fee = 300 * GWEI
    await stage.turns(60)
    assert stage.attempts()[-1] == (0, "cancel")
    *acts, cancel = stage.events(AttemptSigned)
    assert all(each.max_fee <= each.fee_cap for each in acts)
    assert cancel.step_text == ""
    assert stage.aborted() == ["the deadline passed"]
    assert stage.executor.open_slots == 0
    check_books(stage.journal, stage.chain)


async def test_past_its_deadline_an_act_is_cancelled_also_where_gas_has_become_cheap():
    stage = Stage(delay_blocks=99)
    await stage.begin(2)

    async def cheap(*, urgency):
        return Fees(2 * GWEI, int(GWEI * urgency))

    stage.venue.fees = cheap
    stage.chain.mine(seconds=700)
    await stage.executor.tend()
    assert stage.attempts() == [(0, "act"), (0, "cancel")]


async def test_an_urgent_bid_is_raised_sooner():
    async def seconds_to_bump(*, urgent):
        stage = Stage(LEVERED)
        await stage.begin("1.5", urgent=urgent)
        stage.chain.base_fee = 60 * GWEI
        for turn in range(20):
            if len(stage.attempts()) > 1:
                return 12 * turn
            await stage.turns()
        raise AssertionError("it was never raised")

    assert await seconds_to_bump(urgent=True) < await seconds_to_bump(urgent=False)


async def test_bids_end_where_the_market_asks_no_more():
    stage = Stage(delay_blocks=45)
    await stage.begin(2)
    await stage.turns(44)
    assert 1 < len(stage.attempts()) <= 5


async def test_what_a_node_knows_and_nobody_mines_is_shown_again_once_it_is_overdue():
    """That a node has it does not say that others do."""
    stage = Stage(delay_blocks=45)
    send, sent = stage.venue.send, []

    async def noting(payload, *, private=False):
        sent.append(payload)
        await send(payload, private=private)

    async def fees(*, urgency):
        return Fees(41 * GWEI, GWEI)

    stage.venue.send, stage.venue.fees = noting, fees
    await stage.begin(2)
    await stage.turns(4)
    assert len(sent) == 1, "it has its time"
    await stage.turns(3)
    assert len(sent) > 1
    assert set(sent) == {sent[0]}, "the market asks no more: the same bytes"


async def test_what_a_pool_forgot_is_sent_again_as_it_was():
    stage = Stage(delay_blocks=2)
    await stage.begin(2)
    for _ in range(2):
        stage.chain.forget()
        await stage.turns()
    await stage.turns(2)
    assert stage.attempts() == [(0, "act")]
    assert len(stage.events(PlanCompleted)) == 1


async def test_a_cancel_that_the_market_left_behind_is_raised_too():
    stage = Stage()
    await stage.begin(2)
    stage.chain.base_fee = 300 * GWEI
    await stage.turns(1, seconds=700)
    stage.chain.base_fee = 2_000 * GWEI
    await stage.turns(8)
    purposes = [purpose for _, purpose in stage.attempts()]
    assert purposes == ["act", "cancel", "cancel"]
    assert stage.aborted() == ["the deadline passed"]


async def test_a_cancel_that_the_market_would_take_is_kept_and_sent_again():
    stage = Stage(delay_blocks=30)
    await stage.begin(2)
    await stage.turns(1, seconds=700)
    await stage.turns(15)
    stage.chain.forget()
    await stage.turns(2)
    newest = stage.events(AttemptSigned)[-1]
    assert newest.purpose == "cancel"
    assert stage.chain.holds(newest.tx_hash)
    assert len(stage.attempts()) <= 5


async def test_a_refused_signature_leaves_the_slot_as_it_is():
    stage = Stage()
    await stage.begin(2)
    stage.chain.base_fee = 60 * GWEI

    async def refuse(_order):
        raise SigningRefusedError("the budget is spent", number=9)

    stage.venue.sign = refuse
    await stage.turns(9)
    assert stage.attempts() == [(0, "act")]
    stage.chain.base_fee = 20 * GWEI
    await stage.turns()
    assert len(stage.events(PlanCompleted)) == 1


async def test_a_signer_that_refuses_with_other_figures_each_time_says_it_once():
    stage = Stage()
    spent = iter(range(10**9))

    async def refuse(_order):
        raise SigningRefusedError(f"{next(spent)} wei of gas today", number=9)

    willing, stage.venue.sign = stage.venue.sign, refuse
    for _ in range(5):
        assert not (await stage.begin(2))[0]
        await stage.turns()
    assert len(stage.events(AlertRaised)) == 1
    stage.venue.sign = willing
    assert (await stage.begin(2))[0]
    await stage.settle()
    stage.venue.sign = refuse
    assert not (await stage.begin("1.5"))[0]
    assert len(stage.events(AlertRaised)) == 2


async def test_what_the_account_cannot_do_is_refused_like_a_revert():
    stage = Stage()

    async def cannot(*_):
        raise OwnerError("not with this account", number=61)

    stage.venue.rehearse = cannot
    assert not (await stage.begin(2))[0]
    assert stage.attempts() == []


async def test_a_refused_send_leaves_the_slot_open():
    stage = Stage()
    await stage.begin(2)
    stage.venue.faults = PlannedFaults({"send": [Fault.UNREACHABLE] * 3})
    stage.chain.forget()
    await stage.turns(3)
    assert stage.executor.open_slots == 1
    await stage.turns(2)
    assert len(stage.events(PlanCompleted)) == 1


async def test_a_nonce_that_fell_free_below_a_slot_is_spent():
    """A stranger's transaction was undone and forgotten: ours above it could wait for ever."""
    stage = Stage()
    stage.chain.change(markets.spent)
    stage.chain.mine()
    await stage.begin(2)
    stage.chain.reorganise(1)
    stage.chain._coming.clear()
    await stage.turns(40)
    assert (0, "cancel") in stage.attempts()
    spending = [each for each in stage.events(AttemptSigned) if each.slot == 0]
    assert {(each.plan_id, each.urgent) for each in spending} == {("", False)}
    assert stage.executor.open_slots == 0
    assert sorted(each.sent.nonce for each in stage.mined()) == [0, 1]
    check_books(stage.journal, stage.chain)


async def test_a_deadline_that_is_over_stays_over_when_a_node_lags():
    """The look of a lagging node shows a past in which the act was in time."""
    stage = Stage()
    await stage.begin(2)
    stage.chain.forget()
    deadline = stage.events(AttemptSigned)[0].deadline
    look, lag = stage.venue.look, deadline - stage.chain.head.ledger.at + 60

    async def lagging(slot, hashes):
        seen = await look(slot, hashes)
        return replace(seen, head_at=seen.head_at - lag)

    stage.chain.mine(seconds=lag)
    stage.venue.look = lagging
    await stage.executor.tend(stage.chain.head.ledger.at)
    assert stage.attempts() == [(0, "act"), (0, "cancel")]


async def test_a_node_that_lags_shows_no_nonce_free():
    """What it does not know was spent before the act above it was signed."""
    stage = Stage(delay_blocks=60)
    stage.chain.change(markets.spent)
    stage.chain.mine()
    await stage.begin(2)
    look, past = stage.venue.look, stage.chain.head.number - 1

    async def lagging(slot, hashes):
        seen = await look(slot, hashes)
        return seen if slot else replace(seen, spent=False, head_block=past)

    stage.venue.look = lagging
    await stage.turns(40)
    assert {slot for slot, _ in stage.attempts()} == {1}

    stage.venue.look = look
    await stage.settle(90)
    check_books(stage.journal, stage.chain)
