"""What is done about a slot, at the second, block and wei where it changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leverd.domain.slot_events import (
    AttemptPublished,
    AttemptSigned,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.execution import bids, slots
from leverd.execution.ladder import Ladder, more, step
from leverd.execution.slots import (
    Bump,
    Cancel,
    Finalise,
    Include,
    Lose,
    Policy,
    Publish,
    Reorganise,
    Resend,
    Signed,
    Slot,
    Wait,
)
from leverd.interfaces.venue import Fees, Inclusion, Sighting

NOW = 1_700_000_000
POLICY = Policy()
AT_RELAY = Policy(relay_blocks=2)


def attempt(tx_hash="0xa", **changes):
    fields = {
        "slot": 7,
        "signer": "0x5",
        "plan_id": "p",
        "position_id": "loop",
        "step": 0,
        "purpose": slots.ACT,
        "tx_hash": tx_hash,
        "payload": "00",
        "gas_limit": 10**6,
        "max_fee": 1_000,
        "priority_fee": 100,
        "deadline": NOW + 600,
        "urgent": False,
        "fee_cap": 5_000,
        "bid_by": 0,
        "block": 100,
    }
    return AttemptSigned(**(fields | changes))


def slot(*attempts, **changes):
    signed = tuple(Signed(each, NOW) for each in attempts or (attempt(),))
    return replace(Slot(7, signed), **changes)


def seen(after=0, *, block=101, final=90, spent=False, inclusion=None, known=("0xa",)):
    return Sighting(
        block, NOW + after, final, spent=spent, inclusion=inclusion, known=frozenset(known)
    )


def move(of=None, look=None, policy=POLICY, **told):
    return slots.next_move(of or slot(), look or seen(), policy, **told)


LEAST = Fees(1_101, 111)  # a tenth more of both, and one


@pytest.mark.parametrize(("urgent", "after"), [(False, 60), (True, 24)])
def test_a_bid_is_raised_once_its_patience_is_over_to_the_second(urgent, after):
    of = slot(attempt(urgent=urgent))

    assert move(of, seen(after - 1)) == Wait()
    assert move(of, seen(after)) == Bump(LEAST)


def test_patience_counts_from_the_last_attempt():
    of = Slot(7, (Signed(attempt(), NOW - 50), Signed(attempt("0xb"), NOW)))

    assert move(of, seen(59, known=("0xb",))) == Wait()
    assert move(of, seen(60, known=("0xb",))) == Bump(LEAST)


def test_an_act_is_cancelled_at_its_deadline_or_once_nobody_wants_it():
    assert move(look=seen(599), policy=Policy(bump_after_s=10**6)) == Wait()
    assert move(look=seen(600), policy=Policy(bump_after_s=10**6)) == Cancel(LEAST)
    assert move(wanted=False) == Cancel(LEAST)


def test_a_cancel_is_no_act_to_cancel_or_to_press_and_is_raised_as_a_cancel():
    of = slot(attempt(purpose=slots.CANCEL, bid_by=NOW + 30))

    assert move(of, seen(59), wanted=False) == Wait()
    assert move(of, seen(600)) == Cancel(LEAST)
    assert move(of, seen(60)) == Cancel(LEAST)


def test_what_no_pool_knows_is_sent_again():
    assert move(look=seen(known=())) == Resend()
    assert move(look=seen(known=("0xb",))) == Resend()


def test_the_relay_alone_is_shown_it_for_so_many_blocks():
    hidden = slot(attempt(way=slots.RELAY))

    assert move(hidden, seen(block=101, known=()), AT_RELAY) == Wait()
    assert move(hidden, seen(block=102, known=()), AT_RELAY) == Publish("not seen after 2 block(s)")
    published = replace(hidden, published=frozenset({"0xa"}))
    assert move(published, seen(block=102, known=()), AT_RELAY) == Resend()
    assert move(hidden, seen(known=()), POLICY) == Publish("not seen after 0 block(s)")


@pytest.mark.parametrize(("bid_by", "half"), [(0, 300), (NOW + 400, 200), (NOW + 601, 300)])
def test_half_way_to_what_ends_first_it_is_shown_to_everybody(bid_by, half):
    hidden = slot(attempt(way=slots.RELAY, bid_by=bid_by))

    assert slots.why_public(hidden, seen(half - 1), 9) == ""
    assert slots.why_public(hidden, seen(half), 9) == "the deadline nears"


def test_blocks_and_time_at_the_relay_count_from_the_first_payload_of_the_act():
    of = Slot(
        7,
        (
            Signed(attempt("0xc", plan_id="older", block=50), NOW - 900),
            Signed(attempt("0xa", block=100), NOW),
            Signed(attempt("0xb", block=101), NOW + 60),
        ),
    )

    assert of.first.attempt.tx_hash == "0xa"
    assert slots.why_public(of, seen(block=101), 2) == ""
    assert slots.why_public(of, seen(block=102), 2) == "not seen after 2 block(s)"


FOUND = Inclusion("0xa", 101, "0x1", NOW, True, "", 90, 5)
INCLUDED = SlotIncluded(7, "0x5", "0xa", 101, "0x1", NOW, True, "", 90, 5)


def test_what_is_found_in_the_chain_is_included_and_final_with_its_block():
    assert move(look=seen(spent=True, inclusion=FOUND)) == Include(FOUND)
    gone = replace(seen(spent=True, inclusion=FOUND), canonical=False)
    assert move(look=gone) == Wait()
    mined = slot(included=INCLUDED)
    assert move(mined, seen(spent=True, inclusion=FOUND, final=100)) == Wait()
    assert move(mined, seen(spent=True, inclusion=FOUND, final=101)) == Finalise()
    elsewhere = replace(FOUND, block_hash="0x2")
    assert move(mined, seen(spent=True, inclusion=elsewhere, final=101)) == Reorganise()


def test_a_slot_is_public_if_anything_of_it_was_shown():
    hidden = attempt(way=slots.RELAY)

    assert not slot(hidden).is_public
    assert slot(hidden, attempt("0xb")).is_public
    assert slot(hidden, published=frozenset({"0xa"})).is_public
    assert not slot(hidden, published=frozenset({"0xb"})).is_public


def lost(block=101):
    return slot(lost=SlotLost(slot=7, signer="0x5", block=block))


def test_a_slot_that_somebody_else_spent_is_final_with_that_block_and_open_if_it_goes():
    assert move(lost(), seen(spent=True, final=100)) == Wait()
    assert move(lost(), seen(spent=True, final=101)) == Finalise()
    assert move(lost(), seen(spent=False)) == Reorganise()


@pytest.mark.parametrize("of", [slot(included=INCLUDED), lost()], ids=["included", "lost"])
def test_a_node_that_lags_cannot_tell_that_a_block_is_gone(of):
    assert move(of, seen(block=100)) == Wait()
    assert move(of, seen(block=101)) == Reorganise()


def test_a_nonce_spent_by_nobody_known_is_lost_only_when_two_looks_say_so():
    assert move(look=seen(spent=True)) == Wait()
    assert move(look=seen(spent=True), doubted=True) == Lose(101)
    assert move(look=seen(spent=False), doubted=True) == Wait()


def test_what_comes_twice_changes_nothing_and_what_is_unknown_neither():
    begun = slots.fold({}, attempt(), NOW)

    assert slots.fold(begun, attempt(), NOW + 9) is begun
    shown = AttemptPublished(slot=8, signer="0x5", tx_hash="0xa", reason="r")
    assert slots.fold(begun, shown, NOW) is begun


def test_a_slot_remembers_one_outcome_at_a_time_and_what_was_undone():
    begun = slots.fold({}, attempt(), NOW)
    taken = slots.fold(begun, SlotLost(7, "0x5", 100), NOW)
    mined = slots.fold(taken, INCLUDED, NOW)
    undone = slots.fold(mined, SlotReorganised(7, "0x5", 101, "0x1"), NOW)

    assert (taken[7].lost.block, taken[7].included) == (100, None)
    assert (mined[7].lost, mined[7].included) == (None, INCLUDED)
    assert slots.fold(mined, SlotLost(7, "0x5", 100), NOW)[7].included is None
    assert (undone[7].lost, undone[7].included, undone[7].undone) == (None, None, INCLUDED)
    again = slots.fold(undone, SlotReorganised(7, "0x5", 101, "0x1"), NOW)
    assert again[7].undone == INCLUDED
    assert slots.fold(again, SlotFinal(7, "0x5", 101, "0x1"), NOW) == {}


def test_what_was_shown_to_everybody_adds_up():
    begun = slots.fold({}, attempt(way=slots.RELAY), NOW)
    shown = slots.fold(begun, AttemptPublished(7, "0x5", "0xa", "r"), NOW)

    assert shown[7].published == {"0xa"}
    both = slots.fold(shown, AttemptPublished(7, "0x5", "0xb", "r"), NOW)
    assert both[7].published == {"0xa", "0xb"}


def test_an_attempt_is_signed_at_the_chain_time_it_was_journaled_at():
    first = slots.fold({}, attempt(), NOW)

    both = slots.fold(first, attempt("0xb"), NOW + 9)[7]
    assert [(each.attempt.tx_hash, each.at) for each in both.signed] == [
        ("0xa", NOW),
        ("0xb", NOW + 9),
    ]


def test_the_act_of_a_slot_is_the_newest_that_does_something():
    of = slot(attempt(), attempt("0xb", purpose="bump"), attempt("0xc", purpose=slots.CANCEL))

    assert of.act.tx_hash == "0xb"
    assert of.newest.tx_hash == "0xc"
    assert slot(attempt("0xc", purpose=slots.CANCEL)).act.tx_hash == "0xc"


def test_words_of_the_journal_stay_what_they_are():
    """An old journal is read by them: what it leaves out was shown to everybody."""
    assert attempt().way == slots.PUBLIC == "public"
    assert (slots.RELAY, slots.ACT, slots.CANCEL) == ("relay", "act", "cancel")


def test_a_patient_policy_bids_a_tenth_more_after_a_minute_and_hurries_every_two_blocks():
    assert Policy() == Policy(60, 24, 10, None, 30.0)


def test_open_slots_are_those_in_no_block_lowest_first():
    several = {9: replace(slot(), number=9), 7: slot(), 8: replace(lost(), number=8)}

    assert [each.number for each in slots.open_slots(several)] == [7, 9]


@pytest.mark.parametrize(
    ("cap", "by", "fee_cap", "bid_by"),
    [
        (6_000, 0, 6_000, NOW + 300),
        (4_000, NOW + 200, 5_000, NOW + 200),
        (0, NOW + 400, 5_000, NOW + 300),
    ],
)
def test_haste_raises_the_worth_and_brings_the_time_forward_never_back(cap, by, fee_cap, bid_by):
    other = attempt("0xb", purpose=slots.CANCEL)
    hastened = slots.hastened(slot(attempt(bid_by=NOW + 300), other), cap, by)

    pressed = hastened.signed[0].attempt
    assert (pressed.fee_cap, pressed.bid_by) == (fee_cap, bid_by)
    assert hastened.signed[1].attempt == other


def test_haste_gives_a_time_to_an_act_that_had_none():
    assert slots.hastened(slot(), 0, NOW + 9).act.bid_by == NOW + 9
    assert slots.hastened(slot(), 0, 0).act.bid_by == 0


def climbing(**changes):
    fields = {"first": 100, "since": NOW, "cap": 121, "by": NOW + 124, "lead_s": 24, "percent": 10}
    return Ladder(**(fields | changes))


def test_a_bid_climbs_by_even_steps_and_is_at_its_cap_one_look_early():
    """100, 111, 124: two steps up to a cap of 121 over a hundred seconds."""
    heights = [climbing().height(NOW + after) for after in (-9, 0, 49, 50, 99, 100, 500)]

    assert heights == [100, 100, 100, 111, 111, 121, 121]


def test_a_cap_that_is_a_whole_step_away_takes_one_step():
    assert [climbing(cap=111).height(NOW + after) for after in (98, 99, 100)] == [100, 100, 111]
    assert [climbing(cap=124).height(NOW + after) for after in (49, 50)] == [100, 111]


def test_a_bid_without_a_time_or_without_room_need_not_climb():
    assert climbing(by=0).height(NOW + 99) == 0
    assert climbing(cap=100).height(NOW + 99) == 0
    assert climbing(cap=101).height(NOW + 100) == 101


def test_a_node_that_lags_behind_the_first_bid_does_not_hold_the_top_back():
    assert climbing(by=NOW + 24).height(NOW - 100) == 121
    assert climbing(by=NOW + 25).height(NOW - 100) == 100


def test_a_replacement_is_a_step_at_least_and_what_would_leave_less_goes_to_the_top():
    assert step(climbing(), Fees(100, 10), NOW + 49) is None
    assert step(climbing(cap=200), Fees(100, 10), NOW) is None
    assert step(climbing(), Fees(100, 10), NOW + 50) == Fees(121, 13)
    assert step(climbing(cap=110), Fees(100, 10), NOW + 500) is None
    assert step(climbing(cap=111), Fees(100, 10), NOW + 500) == Fees(111, 12)
    # 100, 111, 124, 138, 153, 170, 188, 208, 230: eight steps, the first after an eighth
    far = climbing(cap=220)
    assert step(far, Fees(100, 10), NOW + 13) == Fees(111, 12)


def test_a_tip_rises_with_its_fee_and_stays_below_it():
    assert step(climbing(cap=400), Fees(100, 100), NOW + 500) == Fees(400, 400)
    assert step(climbing(cap=400), Fees(100, 50), NOW + 500) == Fees(400, 200)
    assert step(climbing(cap=400), Fees(300, 1), NOW + 500) == Fees(400, 3)
    assert step(climbing(cap=400), Fees(360, 390), NOW + 500) == Fees(400, 400)


def test_the_least_more_is_rounded_up_and_one_wei_beyond():
    assert [more(fee, 10) for fee in (0, 1, 10, 100, 101)] == [1, 3, 12, 111, 113]


def test_the_pressure_grows_with_every_attempt_and_ends_at_one():
    waiting = [slot(*[attempt(f"0x{number}") for number in range(count)]) for count in (1, 2, 3, 4)]

    assert [bids.pressure(each) for each in waiting] == [0.5, 0.75, 1, 1]
    assert bids.pressure(slot(attempt(urgent=True))) == 1


def test_a_raise_must_be_within_the_worth_and_asked_for():
    act, newest = attempt(fee_cap=1_101), attempt()

    assert bids.bump(act, newest, Fees(1_001, 1), Fees(1_101, 111)) == Fees(1_101, 111)
    assert bids.bump(act, newest, Fees(1, 101), Fees(1_101, 111)) == Fees(1_101, 111)
    assert bids.bump(act, newest, Fees(1_000, 100), Fees(1_101, 111)) is None
    assert bids.bump(act, newest, Fees(1, 1), Fees(1_101, 111), pressed=True) == Fees(1_101, 111)
    assert bids.bump(act, newest, Fees(9_999, 1), Fees(1_102, 111)) is None


def test_what_is_bid_is_never_above_the_cap_and_its_tip_never_above_the_fee():
    assert bids.capped(Fees(10, 3), 5) == Fees(5, 3)
    assert bids.capped(Fees(10, 8), 5) == Fees(5, 5)
    assert bids.capped(Fees(4, 3), 5) == Fees(4, 3)
    assert bids.at_least(Fees(4, 3), Fees(5, 9)) == Fees(5, 5)
    assert bids.at_least(Fees(9, 3), Fees(5, 4)) == Fees(9, 4)


def test_a_first_bid_outbids_what_waits_in_its_place_even_above_its_cap():
    assert bids.first_bid(Fees(9_000, 5), 5_000, None, 10) == Fees(5_000, 5)
    assert bids.first_bid(Fees(10, 5), 500, slot(), 10) == LEAST


def test_a_bid_a_whole_step_below_its_cap_leaves_that_step_for_the_next():
    """From 90 to 100, and then to a cap of 111: a wei less and it would go there at once."""
    low = Fees(90, 9)
    for cap, height in ((111, 100), (110, 110)):
        found = step(climbing(first=90, cap=cap), low, NOW + 50)
        assert found is not None
        assert found.max_fee == height
