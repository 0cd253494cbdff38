"""What every `Venue` promises, proven on each implementation."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.chain import local, market
from tests.contract import places
from tests.limits import TIMING, limits

from leverd.domain import loans
from leverd.domain.apply import apply_step
from leverd.domain.decision import SetLeverage, Unwind
from leverd.domain.events import AlertRaised, ExternalChanged
from leverd.domain.money import Amount
from leverd.domain.plan import Borrow, Repay, Step, StepKind, Supply, Swap, Withdraw
from leverd.domain.plan_events import StepAccepted
from leverd.domain.slot_events import AttemptSigned
from leverd.domain.step_text import to_text
from leverd.domain.valuation import leverage
from leverd.domain.view import View
from leverd.engine import planner
from leverd.engine.accounting import mark, marks_around
from leverd.engine.book import Page
from leverd.engine.collect import snapshot_of
from leverd.engine.turn import terms_of
from leverd.errors import ForgottenError, NonsenseError, RefusedError, RevertedError
from leverd.execution.accepted import accepted
from leverd.execution.forgotten import recalled
from leverd.execution.slots import replacement
from leverd.execution.verify import Proof, mismatch
from leverd.execution.witness import Found
from leverd.interfaces.venue import Order

__all__ = ["local", "market"]  # fixtures

FOREVER = 2**40
WAD = 10**18
OPEN = SetLeverage("test", Decimal(2), "a test asks")
LESS = SetLeverage("test", Decimal("1.5"), "a test asks")
CLOSE = Unwind("test", "a test asks")


@pytest.fixture(params=["simulated", "paper", pytest.param("evm", marks=pytest.mark.chain)])
async def place(request):
    async with getattr(places, request.param)(request) as made:
        yield made


async def look_around(place):
    seen = await place.venue.observe([place.mandate])
    return seen, seen.positions[place.mandate.position_id]


async def step_for(place, decision):
    """Return the one step that brings the position to `decision`."""
    seen, one = await look_around(place)
    view = View(seen.stamp, one.state, seen.gas, one.sequence, one.atomic)
    terms = terms_of(view, limits(price_impact_max=Decimal("0.05")), TIMING)
    plan = planner.plan(decision, view, terms)
    assert plan is not None
    assert len(plan.steps) == 1
    return plan.steps[0]


async def order_for(place, step, *, slot=0, **changes):
    """Return a rehearsed order `slot` places above the next nonce."""
    seen, one = await look_around(place)
    gas = await place.venue.rehearse(place.mandate, step, one.sequence, FOREVER)
    fees = await place.venue.fees(urgency=0.5)
    order = Order(place.mandate, step, seen.nonce + slot, one.sequence, FOREVER, gas, fees)
    return replace(order, **changes)


async def carry_out(place, decision):
    """Return the step that was mined for `decision`, and where."""
    step = await step_for(place, decision)
    return step, await mined(place, step)


async def mined(place, step):
    """Return where `step` was mined."""
    order = await order_for(place, step)
    attempt = await place.venue.sign(order)
    await place.venue.send(attempt.payload)
    place.mine()
    seen = await place.venue.look(order.slot, [attempt.tx_hash])
    assert seen.inclusion is not None
    return seen.inclusion


async def test_a_look_shows_one_block_and_our_health_is_the_venues_own(place):
    await carry_out(place, OPEN)
    seen, one = await look_around(place)
    ours = loans.summarise(one.state.market, one.state.position.loan, seen.stamp.at)
    assert one.state.at == seen.stamp.at
    assert ours.health == one.health_reported
    assert one.trusted
    assert one.atomic


async def test_every_kind_of_step_does_what_apply_says_to_the_wei(place):
    for decision, kind in (
        (OPEN, StepKind.RAISE),
        (LESS, StepKind.LOWER),
        (CLOSE, StepKind.CLOSE),
    ):
        step, found = await carry_out(place, decision)
        assert step.kind is kind
        assert found.succeeded, found.reason
        fills = await place.venue.fills(place.mandate, step, found)
        before = await place.venue.state_before(place.mandate, found)
        after = await place.venue.state_after(place.mandate, found)
        told = apply_step(before, step, fills, verified=True)
        assert list(told.position.legs()) == list(after.position.legs())
        assert told.position.loan == after.position.loan
    assert leverage(after) == 1


async def test_single_steps_do_what_apply_says_to_the_wei_too(place):
    await carry_out(place, OPEN)
    weth, usdc = place.mandate.collateral, place.mandate.debt
    for action in (
        Borrow("aave", Amount(usdc, 500 * 10**6)),
        Repay("aave", Amount(usdc, 200 * 10**6)),
        Withdraw("aave", Amount(weth, WAD)),
        Supply("aave", Amount(weth, WAD // 2)),
        Swap(place.mandate.pool, Amount(usdc, 100 * 10**6), Amount(weth, 1)),
    ):
        step = Step(StepKind.SINGLE, (action,), health_min=0)
        found = await mined(place, step)
        assert found.succeeded, found.reason
        fills = await place.venue.fills(place.mandate, step, found)
        before = await place.venue.state_before(place.mandate, found)
        after = await place.venue.state_after(place.mandate, found)
        told = apply_step(before, step, fills, verified=True)
        assert list(told.position.legs()) == list(after.position.legs())


async def test_a_receipt_of_another_block_is_none(place):
    """After a reorganisation it may have been mined again, where interest had another index."""
    step, found = await carry_out(place, OPEN)
    elsewhere = replace(found, block_hash="0x" + "5" * 64)
    with pytest.raises(NonsenseError) as refused:
        await place.venue.fills(place.mandate, step, elsewhere)
    assert found.tx_hash in refused.value.message
    assert await place.venue.fills(place.mandate, step, found)


async def test_what_no_node_keeps_the_state_of_is_known_by_its_receipt(place):
    """Full nodes keep the states of some minutes; receipts they keep for good."""
    for decision in (OPEN, LESS, CLOSE):
        seen, one = await look_around(place)
        known = snapshot_of(one.state, seen.stamp)
        step, found = await carry_out(place, decision)
        place.mine(80)
        for past in (place.venue.state_before, place.venue.state_after):
            with pytest.raises(ForgottenError):
                await past(place.mandate, found)
        done = await recalled(place.venue, place.mandate, found_by(step, found), known)
        _, now = await look_around(place)
        assert list(done.after.position.legs()) == list(now.state.position.legs())
        assert list(done.before.position.legs()) == list(one.state.position.legs())
        assert mismatch(done) is None
        page = Page(marked=mark(Page(), one.state, seen.stamp, 0))
        (*_, gained) = marks_around(page, done, place.mandate.collateral, "test")
        assert gained.flow == 0, "all of it is explained"
    seen, one = await look_around(place)
    assert leverage(one.state) == 1


@pytest.mark.parametrize("knowing", [True, False])
async def test_what_nobody_knows_the_start_of_is_taken_as_it_is_and_adds_up(place, knowing):
    """A gift that a step sweeps up is money that came, whether or not the start is known."""
    gift = WAD // 100
    seen, one = await look_around(place)
    known, begun = snapshot_of(one.state, seen.stamp), mark(Page(), one.state, seen.stamp, 0)
    order = await order_for(place, await step_for(place, OPEN))
    attempt = await place.venue.sign(order)
    place.give(gift)
    await place.venue.send(attempt.payload)
    place.mine(80)
    sighting = await place.venue.look(order.slot, [attempt.tx_hash])
    given = found_by(order.step, sighting.inclusion)
    done = await recalled(place.venue, place.mandate, given, known if knowing else None)
    assert done.proof is Proof.PRESENT
    assert mismatch(done) is None
    seen, now = await look_around(place)
    assert done.after.position == now.state.position
    assert done.seen == replace(seen.stamp, received_at=done.seen.received_at)
    marks = marks_around(Page(marked=begun), done, place.mandate.collateral, "test")
    lines = sum(sum(each.attribution.values()) - each.attribution.get("gas", 0) for each in marks)
    flow = sum(each.flow for each in marks)
    assert marks[-1].snapshot.equity == begun.snapshot.equity + lines + flow
    price = now.state.market.reserves[place.mandate.collateral].price
    share = 10 ** (8 + 18 - place.mandate.share_class.decimals)
    assert flow == pytest.approx(gift * price // share, rel=1e-3), "the gift, and nothing else"
    assert sum(each.attribution["gas"] for each in marks) < 0
    facts = accepted(place.mandate, given.attempt, done, known, marks[-1].snapshot)
    assert [type(fact) for fact in facts] == [StepAccepted, AlertRaised, ExternalChanged]
    assert facts[-1].changes == {"idle:WETH": gift}


def found_by(step, inclusion):
    """Return `step` as the journal names it, and where it was mined."""
    attempt = AttemptSigned(
        0, "", "", "", 0, "act", inclusion.tx_hash, "", 0, 0, 0, 0, step_text=to_text(step)
    )
    return Found(attempt, inclusion)


async def test_a_rehearsal_foretells_enough_gas_and_sends_nothing(place):
    step = await step_for(place, OPEN)
    order = await order_for(place, step)
    seen, one = await look_around(place)
    assert (seen.nonce, one.sequence) == (order.slot, order.sequence)
    _, found = await carry_out(place, OPEN)
    assert 21_000 < found.gas_used <= order.gas_limit


@pytest.mark.parametrize("what", ["sequence", "deadline", "health", "proceeds", "not below"])
async def test_a_rehearsal_says_that_a_step_would_revert(place, what):
    step = await step_for(place, OPEN)
    seen, one = await look_around(place)
    sequence, deadline = one.sequence, FOREVER
    match what:
        case "sequence":
            sequence += 1
        case "deadline":
            deadline = seen.stamp.at - 1
        case "health":
            step = replace(step, health_min=5 * WAD)
        case "not below":
            step = replace(step, health_below=WAD)
        case _:
            assert what == "proceeds"
            swap, *others = step.actions
            assert isinstance(swap, Swap)
            most = Amount(swap.buy_min.asset, swap.buy_min.raw * 2)
            step = replace(step, actions=(replace(swap, buy_min=most), *others))
    with pytest.raises(RevertedError) as error:
        await place.venue.rehearse(place.mandate, step, sequence, deadline)
    assert error.value.reason


async def test_signing_fixes_the_hash_and_has_no_effect(place):
    order = await order_for(place, await step_for(place, OPEN))
    once, again = await place.venue.sign(order), await place.venue.sign(order)
    assert once == again
    place.mine()
    seen = await place.venue.look(order.slot, [once.tx_hash])
    assert (seen.spent, seen.inclusion, seen.known) == (False, None, frozenset())


async def test_a_payload_sent_three_times_acts_once(place):
    order = await order_for(place, await step_for(place, OPEN))
    attempt = await place.venue.sign(order)
    await place.venue.send(attempt.payload)
    await place.venue.send(attempt.payload)
    waiting = await place.venue.look(order.slot, [attempt.tx_hash])
    assert (waiting.spent, waiting.known) == (False, {attempt.tx_hash})
    place.mine()
    with contextlib.suppress(RefusedError):  # a node may say "known" or "nonce too low"
        await place.venue.send(attempt.payload)
    place.mine()
    seen, one = await look_around(place)
    assert (seen.nonce, one.sequence) == (order.slot + 1, order.sequence + 1)


async def test_what_is_mined_becomes_final(place):
    _, found = await carry_out(place, OPEN)
    seen, _ = await look_around(place)
    soon = await place.venue.look(seen.nonce - 1, [found.tx_hash])
    assert soon.spent
    assert soon.canonical
    assert soon.final_block < found.block
    place.mine(3)
    late = await place.venue.look(seen.nonce - 1, [found.tx_hash])
    assert late.inclusion == found
    assert late.final_block >= found.block


async def test_a_block_is_replaced_by_another_and_never_by_itself(place):
    _, found = await carry_out(place, OPEN)
    place.mine(3)
    assert not await place.venue.replaced(found.block, found.block_hash)
    assert await place.venue.replaced(found.block, "0x" + "ab" * 32)
    assert not await place.venue.replaced(10**9, found.block_hash), "no such height is no other"


async def test_of_a_payload_and_its_replacement_one_is_mined(place):
    order = await order_for(place, await step_for(place, OPEN))
    first = await place.venue.sign(order)
    second = await place.venue.sign(replace(order, fees=replacement(order.fees)))
    assert first.tx_hash != second.tx_hash
    await place.venue.send(first.payload)
    await place.venue.send(second.payload)
    place.mine(2)
    seen = await place.venue.look(order.slot, [first.tx_hash, second.tx_hash])
    assert seen.inclusion is not None
    assert seen.inclusion.tx_hash == second.tx_hash
    _, one = await look_around(place)
    assert one.sequence == order.sequence + 1


async def test_a_replacement_that_bids_no_more_is_refused(place):
    order = await order_for(place, await step_for(place, OPEN))
    await place.venue.send((await place.venue.sign(order)).payload)
    other = await place.venue.sign(replace(order, deadline=FOREVER - 1))
    with pytest.raises(RefusedError) as error:
        await place.venue.send(other.payload)
    assert error.value.reason == "replacement_underpriced"


async def test_a_cancel_spends_the_slot_and_changes_nothing(place):
    order = await order_for(place, await step_for(place, OPEN))
    attempt = await place.venue.sign(order)
    await place.venue.send(attempt.payload)
    cancel = await place.venue.sign_cancel(order.slot, replacement(order.fees))
    await place.venue.send(cancel.payload)
    place.mine(2)
    seen = await place.venue.look(order.slot, [attempt.tx_hash, cancel.tx_hash])
    assert seen.inclusion is not None
    assert (seen.inclusion.tx_hash, seen.inclusion.succeeded) == (cancel.tx_hash, True)
    _, one = await look_around(place)
    assert one.sequence == order.sequence
    assert leverage(one.state) == 1


async def test_a_spent_nonce_is_refused(place):
    order = await order_for(place, await step_for(place, OPEN))
    place.spend_nonce()
    with pytest.raises(RefusedError) as error:
        await place.venue.send((await place.venue.sign(order)).payload)
    assert error.value.reason == "nonce_too_low"


async def test_a_slot_that_somebody_else_spent_shows_no_inclusion(place):
    order = await order_for(place, await step_for(place, OPEN))
    attempt = await place.venue.sign(order)
    place.spend_nonce()
    seen = await place.venue.look(order.slot, [attempt.tx_hash])
    assert seen.spent
    assert seen.inclusion is None


async def test_the_sequence_number_lets_only_one_of_two_slots_act(place):
    order = await order_for(place, await step_for(place, OPEN))
    twin = replace(order, slot=order.slot + 1)
    sent = [await place.venue.sign(each) for each in (order, twin)]
    for attempt in sent:
        await place.venue.send(attempt.payload)
    place.mine(2)
    first = (await place.venue.look(order.slot, [sent[0].tx_hash])).inclusion
    second = (await place.venue.look(twin.slot, [sent[1].tx_hash])).inclusion
    assert first is not None
    assert second is not None
    assert (first.succeeded, second.succeeded) == (True, False)
    assert first.reason == ""
    assert second.reason
    _, one = await look_around(place)
    assert one.sequence == order.sequence + 1
    assert abs(leverage(one.state) - 2) < Decimal("0.01")


@pytest.mark.parametrize(("deadline", "gap"), [(1, 0), (FOREVER, 7)], ids=["late", "out of turn"])
async def test_a_step_past_its_deadline_or_sequence_is_mined_and_does_nothing(place, deadline, gap):
    _, before = await look_around(place)
    order = await order_for(place, await step_for(place, OPEN))
    order = replace(order, deadline=deadline, sequence=order.sequence + gap)
    attempt = await place.venue.sign(order)
    await place.venue.send(attempt.payload)
    place.mine()
    found = (await place.venue.look(order.slot, [attempt.tx_hash])).inclusion
    assert found is not None
    assert not found.succeeded
    assert found.reason
    _, after = await look_around(place)
    assert list(after.state.position.legs()) == list(before.state.position.legs())
    assert after.sequence == before.sequence


async def test_a_forgotten_payload_is_known_again_once_it_is_sent_again(place):
    order = await order_for(place, await step_for(place, OPEN))
    attempt = await place.venue.sign(order)
    await place.venue.send(attempt.payload)
    place.forget()
    assert (await place.venue.look(order.slot, [attempt.tx_hash])).known == frozenset()
    await place.venue.send(attempt.payload)
    assert (await place.venue.look(order.slot, [attempt.tx_hash])).known == {attempt.tx_hash}
    place.mine(2)
    assert (await place.venue.look(order.slot, [attempt.tx_hash])).inclusion is not None


async def test_a_new_oracle_price_is_seen_by_the_next_look(place):
    place.post_price(2_500)
    _, one = await look_around(place)
    assert one.state.market.reserves[place.mandate.collateral].price == 2_500 * 10**8


async def test_the_more_urgent_bids_more(place):
    calm, urgent = [await place.venue.fees(urgency=each) for each in (0.0, 1.0)]
    assert urgent.max_fee >= calm.max_fee
    assert urgent.priority_fee >= calm.priority_fee
    assert calm.max_fee >= calm.priority_fee > 0
