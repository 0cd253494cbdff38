"""A bid climbs in steps that replace, is at its top in time, and never above what it is worth."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from leverd.domain.slot_events import AttemptSigned
from leverd.execution import bids, ladder, slots
from leverd.execution.ladder import Ladder
from leverd.execution.slots import Bump, Policy, Publish, Signed, Slot, Wait
from leverd.interfaces.venue import Fees, Sighting

NOW = 1_700_000_000
GWEI = 10**9
POLICY = Policy()
FIRST = st.integers(1, 500 * GWEI)
CAPS = st.integers(1, 20_000 * GWEI)
GAPS = st.lists(st.integers(1, 24), min_size=1, max_size=60)


def attempt(number=0, *, fee=30 * GWEI, tip=GWEI, **changes):
    fields = {
        "slot": 7,
        "signer": "0x5",
        "plan_id": "p",
        "position_id": "loop",
        "step": 0,
        "purpose": "bump" if number else "act",
        "tx_hash": f"0x{number:064x}",
        "payload": "00",
        "gas_limit": 10**6,
        "max_fee": fee,
        "priority_fee": min(tip, fee),
        "deadline": NOW + 10_000,
        "urgent": True,
        "fee_cap": 5_000 * GWEI,
        "bid_by": NOW + 300,
        "block": 100,
    }
    return AttemptSigned(**(fields | changes))


def seen(at, *, known=(), block=101):
    return Sighting(block, at, 90, spent=False, inclusion=None, known=frozenset(known))


def climbed(first, cap, by, gaps, wanted=None):
    """Return every (time, bid) of a slot that is looked at after each of `gaps` seconds."""
    slot = Slot(7, (Signed(attempt(fee=first, fee_cap=cap, bid_by=by), NOW),))
    at, made = NOW, [(NOW, slots.bid_of(slot.newest))]
    for gap in gaps:
        at += gap
        move = slots.next_move(slot, seen(at, known=slot.hashes), POLICY)
        if not isinstance(move, Bump):
            continue
        ask = wanted or slots.bid_of(slot.newest)
        bid = bids.bump(slot.act, slot.newest, ask, move.least, pressed=move.pressed)
        if bid is None:
            continue
        next_one = attempt(len(slot.signed), fee=bid.max_fee, tip=bid.priority_fee, fee_cap=cap)
        next_one = slots.replace(next_one, bid_by=by)
        slot = Slot(7, (*slot.signed, Signed(next_one, at)))
        made.append((at, bid))
    return made


@given(FIRST, CAPS, st.integers(0, 900), GAPS)
def test_each_bid_replaces_the_one_before_and_none_is_above_the_cap(first, cap, left, gaps):
    made = climbed(first, cap, NOW + left, gaps)
    for (_, before), (_, after) in pairwise(made):
        assert after.max_fee * 100 >= before.max_fee * 110
        assert after.priority_fee * 100 >= before.priority_fee * 110 or after.priority_fee == cap
        assert after.priority_fee <= after.max_fee <= cap


@given(FIRST, CAPS, st.integers(25, 900))
def test_the_top_bid_is_made_before_health_is_at_its_floor(first, cap, left):
    """Looks are at most 24 s apart: at the last one before the deadline nothing is kept back."""
    by = NOW + left
    made = climbed(first, cap, by, [12] * ((left - 1) // 12))
    last = made[-1][1].max_fee
    assert last == cap or ladder.more(last, 10) > cap
    assert made[-1][0] < by


@given(FIRST, CAPS, st.lists(st.integers(0, 900), min_size=2, max_size=2))
def test_the_sooner_the_deadline_the_higher_the_bid(first, cap, ends):
    soon, late = sorted(ends)
    for at in range(0, 900, 60):
        heights = [
            Ladder(first, NOW, cap, NOW + end, 24, 10).height(NOW + at) for end in (soon, late)
        ]
        assert heights[0] >= heights[1]


def test_it_climbs_evenly_and_does_not_leap_to_the_top_at_once():
    made = climbed(30 * GWEI, 3_000 * GWEI, NOW + 600, [12] * 49)

    assert len(made) > 10
    half = [bid.max_fee for at, bid in made if at <= NOW + 288][-1]
    assert 100 * GWEI < half < 1_000 * GWEI
    assert made[-1][1].max_fee == 3_000 * GWEI


def test_a_plan_that_may_wait_climbs_only_when_the_market_asks():
    calm = climbed(30 * GWEI, 3_000 * GWEI, 0, [24] * 20)
    asked = climbed(30 * GWEI, 3_000 * GWEI, 0, [24] * 20, wanted=Fees(90 * GWEI, 2 * GWEI))

    assert len(calm) == 1
    assert asked[-1][1].max_fee >= 90 * GWEI


def test_a_newer_view_hastens_what_is_under_way_and_never_slows_it():
    slot = Slot(7, (Signed(attempt(), NOW),))
    hastened = slots.hastened(slot, 9_000 * GWEI, NOW + 40)
    slowed = slots.hastened(slot, 1, NOW + 900)

    assert (hastened.act.fee_cap, hastened.act.bid_by) == (9_000 * GWEI, NOW + 40)
    assert (slowed.act.fee_cap, slowed.act.bid_by) == (5_000 * GWEI, NOW + 300)
    assert slots.hastened(slot, 1, 0).act.bid_by == NOW + 300


def hidden(**changes):
    return Slot(7, (Signed(attempt(way="relay", bid_by=0, **changes), NOW),))


RELAYED = Policy(relay_blocks=3)


def test_what_the_relay_has_is_hidden_for_some_blocks_and_then_shown():
    assert slots.next_move(hidden(), seen(NOW + 12, block=102), RELAYED) == Wait()
    move = slots.next_move(hidden(), seen(NOW + 12, block=103), RELAYED)

    assert isinstance(move, Publish)
    assert "3 block(s)" in move.reason


def test_it_is_shown_sooner_when_its_deadline_nears():
    move = slots.next_move(hidden(deadline=NOW + 20), seen(NOW + 12, block=101), RELAYED)

    assert move == Publish("the deadline nears")


def test_what_everybody_saw_is_not_hidden_again():
    slot = slots.replace(hidden(), published=frozenset({attempt().tx_hash}))

    assert slot.is_public
    assert isinstance(slots.next_move(slot, seen(NOW + 12, block=200), RELAYED), slots.Resend)


def test_a_higher_bid_at_the_relay_gets_no_new_patience():
    bumped = Slot(
        7,
        (
            Signed(attempt(way="relay", bid_by=0), NOW),
            Signed(attempt(1, way="relay", bid_by=0, block=102, fee=40 * GWEI), NOW + 12),
        ),
    )

    assert isinstance(slots.next_move(bumped, seen(NOW + 24, block=103), RELAYED), Publish)


def test_a_node_that_shows_a_time_before_the_first_bid_is_no_fall():
    """A first bid made when time was up already, seen by a head from before it."""
    ladder = Ladder(10 * GWEI, NOW + 24, 50 * GWEI, NOW + 48, 24, 10)
    assert ladder.height(NOW) == 50 * GWEI
